"""What is said of words of a command line that stand for no task.

Knows what else they may have been meant as: a command, a wave, an option. Does not know which words stand for something.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from exarp.errors import Problem
from exarp.manifests.problems.suggestions import Suggestions
from exarp.model.manifest import Manifest
from exarp.planning.selection import is_pattern

# More names than this in an error message help nobody; `exarp list` has them all.
SHOWN = 20
_FEW = 3
# Somebody waits for the answer, and has typed few names.
_COMPARISONS = 20_000
# What many tools have as a command, and exarp as an option.
_HELP = "help"


class UnknownNames:
    """Words for the names of one command line, all of which are ``names``. ``commands``: those that the first of them may have
    been meant as."""

    def __init__(self, manifest: Manifest, commands: Sequence[str] = (), names: Sequence[str] = ()) -> None:
        self._manifest = manifest
        self._names = frozenset(names)
        self._commands = commands
        self._suggestions = Suggestions(_COMPARISONS)
        self._internal = {task.name.partition("@")[0] for task in manifest.tasks if task.internal}

    def problem(self, name: str, first: bool = False) -> Problem:
        """What is wrong with a name, or a pattern, that stands for nothing. ``first``: it stands where a command may."""
        commands = self._commands if first else ()
        if name.startswith("-"):
            step = "options go before the task, and arguments for a task after --: exarp run TASK -- …"
            return Problem("unknown-task", f"there is no task {name!r}", None, step)
        if name in self._manifest.settled:
            message = f"{name!r} is no task to do: its status is {self._manifest.settled[name]}"
            return Problem("unknown-task", message, None, "`exarp plan` shows what is to do")
        if "=" in name:
            step = "a parameter is written name=value, with a name of letters, digits and _"
            return Problem("unknown-task", f"there is no task {name!r}", None, step)
        if is_pattern(name):
            step = "`exarp list` shows the tasks; * stops at a colon, ** does not"
            return Problem("unknown-task", f"no task's name matches {name!r}", None, step)
        for wave in self._manifest.waves:
            if wave.name == name:
                return _wave(name, wave.tasks)
        instances = self._manifest.instances.get(name.partition("@")[0])
        if "@" in name and instances:
            return self._no_instance(name, instances)
        tasks = [name for task in self._manifest.tasks if not task.internal for name in (task.name, *task.aliases)]
        tasks += self._manifest.instances
        if any(task.name.startswith(f"{name}:") for task in self._manifest.tasks):
            step = f"it is what other tasks' names begin with; all of them: '{name}:*'"
            return Problem("unknown-task", f"there is no task {name!r}", None, step)
        what, step = "task", "`exarp list` shows the tasks"
        if commands:
            what, step = "task or command", "`exarp list` shows the tasks, `exarp --help` the commands"
        meant = self._instance(name) or self._suggestions.nearest(
            name, [*tasks, *commands, _HELP] if commands else tasks
        )
        if meant is None and not first and (example := self._with_parameter(name)):
            step = f"a parameter is given by its name: {example}"
        if meant is not None:
            step = (
                "did you mean: exarp --help?" if meant == _HELP and _HELP not in tasks else f"did you mean {meant!r}?"
            )
        return Problem("unknown-task", f"there is no {what} {name!r}", None, step)

    def _with_parameter(self, value: str) -> str:
        """How the value would be given to a task of the command line that takes parameters; an empty text for none."""
        taking = (task for task in self._manifest.tasks if task.params and self._names & {task.name, *task.aliases})
        task = next(taking, None)
        return "" if task is None else shlex.join(("exarp", "run", task.name, f"{task.params[0].name}={value}"))

    def _instance(self, value: str) -> str | None:
        """The only instance that has a value, or whose value is a file of that name, with or without its ending."""
        found = [
            instance
            for matrix, instances in self._manifest.instances.items()
            if matrix not in self._internal
            for instance in instances
            if value in _words_of(instance.partition("@")[2])
        ]
        return found[0] if len(found) == 1 else None

    def _no_instance(self, name: str, instances: Sequence[str]) -> Problem:
        matrix, _, value = name.partition("@")
        near = self._suggestions.nearest(value, [instance[len(matrix) + 1 :] for instance in instances])
        step = f"there is {_few(instances)}" if near is None else f"did you mean '{matrix}@{near}'?"
        return Problem("unknown-task", f"there is no task {name!r}", None, step)

    def tag(self, tag: str) -> Problem:
        """What is wrong with a tag that no task has."""
        known = dict.fromkeys(tag for task in self._manifest.tasks for tag in task.tags)
        meant = self._suggestions.nearest(tag, known)
        step = f"did you mean {meant!r}?" if meant is not None else _those("tags", known)
        return Problem("unknown-tag", f"no task has the tag {tag!r}", None, step)


def matrix_problem(name: str, instances: Sequence[str]) -> Problem:
    """That one task is wanted, and ``name`` is a matrix."""
    count = f"{len(instances)} task{'' if len(instances) == 1 else 's'}"
    step = f"name one of them: {_few(instances)}" if instances else "its axis has no values"
    return Problem("matrix-named", f"{name!r} is a matrix of {count}, and one is wanted", None, step)


def _words_of(value: str) -> tuple[str, str, str]:
    file = value.rpartition("/")[2]
    return value, file, file.partition(".")[0]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (", …" if len(names) > _FEW else "")


def _those(what: str, known: Sequence[str] | dict[str, None]) -> str:
    if not known:
        return f"no task of this manifest has {what}"
    return f"the {what} are: {listed(list(known))}"


def listed(names: Sequence[str]) -> str:
    """Names for a shell, but not too many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{' '.join(map(shlex.quote, names[:SHOWN]))}{more}"


def _wave(name: str, tasks: Sequence[str]) -> Problem:
    message = f"there is no task {name!r}; it is a wave"
    step = f"name its tasks: {listed(tasks)}" if tasks else "it has no tasks"
    return Problem("unknown-task", message, None, step)
