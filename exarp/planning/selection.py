"""Which tasks a run takes.

Knows the contract's order of defaults (named, ``settings.default``, the task ``default``, the declared waves).
Does not know how the names were given on the command line.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.model.manifest import Manifest


def default_targets(manifest: Manifest) -> tuple[str, ...] | None:
    """What ``run`` takes when no task is named, or None where the manifest does not say."""
    if manifest.settings.default:
        return manifest.settings.default
    if "default" in manifest.instances or any(task.name == "default" for task in manifest.tasks):
        return manifest.named(("default",))
    manual = {task.name for task in manifest.tasks if task.manual}
    listed = tuple(name for wave in manifest.waves for name in wave.tasks if name not in manual)
    return listed or None


def all_targets(manifest: Manifest) -> tuple[str, ...]:
    """Every task that is not ``manual``, as listed."""
    return tuple([task.name for task in manifest.tasks if not task.manual])


def unknown_targets(manifest: Manifest, names: Sequence[str]) -> list[str]:
    """Those of ``names`` that are neither a task nor a matrix."""
    known = {task.name for task in manifest.tasks} | manifest.instances.keys()
    return [name for name in names if name not in known]
