"""What is executed for a task, word by word: its argument vectors, and the variables that are about its files.

Knows what ``$in``, ``$out`` and ``$depfile`` stand for, seen from the task's folder. Does not start or prepare anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exarp.model.task import Task
from exarp.planning.arguments import script_command
from exarp.planning.environment import Environment
from exarp.planning.recipe import MAX_LIST_BYTES, ListFault, expand_argv, list_variable, named_variables, out_paths
from exarp.workspace.folders import seen_from, working_folder

Lists = Mapping[str, Sequence[str]]


class LaunchFault(Exception):
    """A task cannot be started; the message says why and what to do."""


def file_lists(task: Task, named: Sequence[str], root: str) -> dict[str, list[str]]:
    """The paths of each word for files but ``in_file``. ``named``: what ``$in`` stands for, seen from the workspace ``root``."""
    folder = working_folder(root, task.cwd)
    return {
        "in": [seen_from(folder, path, root) for path in named],
        "out": [seen_from(folder, path, root) for path in out_paths(task)],
        "depfile": [seen_from(folder, task.depfile, root)] if task.depfile else [],
    }


def vectors(task: Task, lists: Lists) -> tuple[tuple[str, ...], ...]:
    """The argument vectors of a task, and of what verifies it, run one after the other until one fails."""
    if task.argv:
        verifying = [script_command(task, script) for script in task.verify]
        return (expand_argv(task.argv, lists, task.arguments), *verifying)
    return tuple([script_command(task, script) for script in task.attempted])


def given_variables(task: Task, environment: Environment) -> dict[str, str]:
    """What the manifest sets for a task. Raises LaunchFault where a value is longer than any process can be given."""
    found = environment.given(task)
    for name, value in found.items():
        # No character takes more than four bytes: nearly every value is short enough at a glance.
        if (
            len(value) > MAX_LIST_BYTES // 4
            and (size := len(value.encode("utf-8", "surrogateescape"))) > MAX_LIST_BYTES
        ):
            raise LaunchFault(
                f"${name} would be {size} bytes long, more than the 100 KiB of a variable: put it into a file"
            )
    return found


def file_variables(task: Task, lists: Lists) -> dict[str, str]:
    """The words for files that the task's scripts name, as variables. Raises LaunchFault where a shell would misread one."""
    found = {}
    for name in named_variables(task.attempted):
        if name in lists:
            value = list_variable(name, lists[name], task.attempted)
            if isinstance(value, ListFault):
                raise LaunchFault(value.message)
            found[name] = value
    return found
