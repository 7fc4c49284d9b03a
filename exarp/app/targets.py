"""From the words of a command line to the tasks that are meant.

Knows what to say when a name is no task, and when nothing is named and the manifest names nothing either.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from exarp.errors import Problem, UsageError
from exarp.manifests.suggestions import Suggestions
from exarp.model.manifest import Manifest
from exarp.model.path import is_glob
from exarp.planning.selection import all_targets, default_targets, unknown_targets

# More names than this in an error message help nobody; `exarp list` has them all.
_SHOWN = 20
# Somebody waits for the answer, and has typed few names.
_COMPARISONS = 20_000
# What many tools have as a command, and exarp as an option.
_HELP = "help"


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


def known_targets(manifest: Manifest, names: Sequence[str], commands: Sequence[str] = ()) -> tuple[str, ...]:
    """The tasks that ``names`` stand for, each of which must be a task or a matrix.

    ``commands``: those that the first name may have been meant as.
    """
    unknown = unknown_targets(manifest, names)
    if unknown:
        suggestions = Suggestions(_COMPARISONS)
        first = names[0]
        raise UsageError(
            *(_unknown(name, manifest, commands if name == first else (), suggestions) for name in unknown)
        )
    return manifest.named(names)


def _unknown(name: str, manifest: Manifest, commands: Sequence[str], suggestions: Suggestions) -> Problem:
    if name.startswith("-"):
        step = "options go before the task; arguments for a task after -- are not supported yet"
        return Problem("unknown-task", f"there is no task {name!r}", None, step)
    if "=" in name:
        step = f"set a variable instead: --set {shlex.quote(name)}"
        return Problem("not-supported-yet", f"parameters ({name!r}) are not supported yet", None, step)
    if is_glob(name):
        step = "name each task; `exarp list` shows them"
        return Problem("not-supported-yet", f"patterns of task names ({name!r}) are not supported yet", None, step)
    for wave in manifest.waves:
        if wave.name == name:
            return _wave(name, wave.tasks)
    tasks = [task.name for task in manifest.tasks]
    what, step = "task", "`exarp list` shows the tasks"
    if commands:
        what, step = "task or command", "`exarp list` shows the tasks, `exarp --help` the commands"
    meant = suggestions.nearest(name, [*tasks, *commands, _HELP] if commands else tasks)
    if meant is not None:
        step = "did you mean: exarp --help?" if meant == _HELP and _HELP not in tasks else f"did you mean {meant!r}?"
    return Problem("unknown-task", f"there is no {what} {name!r}", None, step)


def _wave(name: str, tasks: Sequence[str]) -> Problem:
    message = f"there is no task {name!r}; it is a wave"
    more = f" and {len(tasks) - _SHOWN} more" if len(tasks) > _SHOWN else ""
    step = f"name its tasks: {' '.join(map(shlex.quote, tasks[:_SHOWN]))}{more}" if tasks else "it has no tasks"
    return Problem("unknown-task", message, None, step)
