"""From the words of a command line to the tasks that are meant.

Knows what to say when a name is no task, and when nothing is named and the manifest names nothing either.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.errors import Problem, UsageError
from exarp.model.manifest import Manifest
from exarp.model.name import nearest
from exarp.planning.selection import all_targets, default_targets, unknown_targets

# More names than this in an error message help nobody; `exarp list` has them all.
_SHOWN = 20


def run_targets(manifest: Manifest, names: Sequence[str], every: bool) -> tuple[str, ...]:
    """What ``run`` takes. Raises UsageError for unknown names, and where nothing is named at all."""
    if every:
        return all_targets(manifest)
    if names:
        return known_targets(manifest, names)
    found = default_targets(manifest)
    if found is None:
        listed = ", ".join([task.name for task in manifest.tasks[:_SHOWN]])
        more = f" and {len(manifest.tasks) - _SHOWN} more" if len(manifest.tasks) > _SHOWN else ""
        step = (
            f"name one: {listed}{more}; or set default in [settings]; or say --all"
            if listed
            else "add a [task.NAME] first"
        )
        raise UsageError(Problem("no-target", "no task is named, and the manifest has no default", None, step))
    return found


def plan_targets(manifest: Manifest, names: Sequence[str], every: bool) -> tuple[str, ...]:
    """What ``plan`` takes: what ``run`` would, else everything."""
    if not names and not every and default_targets(manifest) is None:
        return all_targets(manifest)
    return run_targets(manifest, names, every)


def known_targets(manifest: Manifest, names: Sequence[str], extra: Sequence[str] = ()) -> tuple[str, ...]:
    """``names``, each of which must be a task. ``extra``: other words that may have been meant (commands)."""
    unknown = unknown_targets(manifest, names)
    if unknown:
        known = [task.name for task in manifest.tasks] + list(extra)
        raise UsageError(*(_unknown(name, known) for name in unknown))
    return tuple(names)


def _unknown(name: str, known: Sequence[str]) -> Problem:
    if name.startswith("-"):
        step = "options go before the task; arguments for a task after -- are not supported yet"
        return Problem("unknown-task", f"there is no task {name!r}", None, step)
    meant = nearest(name, known)
    step = f"did you mean {meant!r}?" if meant else "`exarp list` shows the tasks"
    return Problem("unknown-task", f"there is no task {name!r}", None, step)
