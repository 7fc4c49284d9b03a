"""Options that say which tasks are meant, shared by the commands that take some of all.

Knows their names and how they become ``Wanted``. Does not know what they mean.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exarp.cli.invocation import complete_tasks, current
from exarp.cli.offers import complete_behind_affected, complete_groups, complete_tags, complete_waves
from exarp.model.expression import late

if TYPE_CHECKING:
    from exarp.app.opening.project import Overrides, Project
    from exarp.app.selection.targets import Unnamed
    from exarp.planning.selection import Chosen, Wanted

_PARAMETER = late(r"([A-Za-z_]\w*)=(.*)", re.ASCII | re.DOTALL)
Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "every": click.option("--all", "every", is_flag=True, help="Every task that is not manual."),
    "tags": click.option(
        "--tag",
        "tags",
        metavar="TAG",
        multiple=True,
        shell_complete=complete_tags,
        help="Only tasks with this tag, or another --tag.",
    ),
    "waves": click.option(
        "--wave",
        "waves",
        type=click.IntRange(min=1),
        metavar="N",
        multiple=True,
        shell_complete=complete_waves,
        help="Only wave N of the plan, with what it needs.",
    ),
    "groups": click.option(
        "--group",
        "groups",
        type=click.IntRange(min=0),
        metavar="N",
        multiple=True,
        shell_complete=complete_groups,
        help="Only waves of this group number.",
    ),
    "affected": click.option(
        "--affected",
        metavar="[=REV]",
        shell_complete=complete_behind_affected,
        help="Only what git says changed since the merge base with REV (default: the main branch) affects.",
    ),
    "excluded": click.option(
        "--exclude",
        "excluded",
        metavar="NAME",
        multiple=True,
        shell_complete=complete_tasks,
        help="Leave a task out, or all that match a pattern; what needs it does not wait for it.",
    ),
    "only": click.option("--only", is_flag=True, help="Without what the tasks need."),
}


def selection_options(*left_out: str) -> Callable[[Command], Command]:
    """Add the options to a command. ``left_out``: names of those that mean nothing to it."""

    def add(command: Command) -> Command:
        for name, option in reversed(_OPTIONS.items()):
            if name not in left_out:
                command = option(command)
        return command

    return add


def parameters_in(words: Sequence[str]) -> dict[str, str]:
    """What words such as ``version=1.2`` say of parameters; some may yet turn out to be names of tasks."""
    return {found[1]: found[2] for found in map(_PARAMETER.fullmatch, words) if found is not None}


def opened(words: Sequence[str], overrides: Overrides) -> Project:
    """The project whose tasks have the parameters that are among ``words``. Raises as ``Invocation.project``."""
    import msgspec

    project = current().project(overrides)
    if overrides.parameters and any(word in project.graph.ids for word in words if _PARAMETER.fullmatch(word)):
        # What looks like a parameter is the name of a task.
        given = parameters_in([word for word in words if word not in project.graph.ids])
        return current().project(msgspec.structs.replace(overrides, parameters=given))
    return project


def taken(
    project: Project, words: Sequence[str], options: Mapping[str, Any], unnamed: Unnamed, running: bool
) -> Chosen:
    """What the words and options of a command mean, told apart from its parameters, which are checked. Raises UsageError."""
    from exarp.app.selection.parameters import check_parameters
    from exarp.app.selection.targets import choose
    from exarp.cli.commands import COMMANDS

    names = [word for word in words if word in project.graph.ids or _PARAMETER.fullmatch(word) is None]
    # A mistyped command arrives as a task of run: the hint must know both.
    commands = COMMANDS if current().first_word is not None else ()
    chosen = choose(project, wanted_from(names, options), unnamed, commands, os.environ)
    given = parameters_in([word for word in words if word not in project.graph.ids])
    check_parameters(project, chosen, given, running)
    return chosen


def wanted_from(names: Sequence[str], options: Mapping[str, Any]) -> Wanted:
    """``Wanted`` from the values that click parsed."""
    from exarp.planning.selection import Wanted

    return Wanted(names=tuple(names), **{name: options[name] for name in _OPTIONS if name in options})


def tell_nothing(chosen: Chosen) -> bool:
    """Says why nothing is selected, where that is no mistake; whether it is so."""
    if chosen.nothing:
        from exarp.cli.run_views import note

        note(chosen.nothing)
    return bool(chosen.nothing)


def words_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that also count where one task of the run is run again."""
    excluded = [word for name in options["excluded"] for word in ("--exclude", name)]
    return (*excluded, *(["--only"] if options["only"] else []))
