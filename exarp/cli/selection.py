"""Options that say which tasks are meant, shared by the commands that take some of all.

Knows their names and how they become ``Wanted``. Does not know what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exarp.cli.invocation import complete_tasks

if TYPE_CHECKING:
    from exarp.planning.selection import Chosen, Wanted

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "every": click.option("--all", "every", is_flag=True, help="Every task that is not manual."),
    "tags": click.option(
        "--tag", "tags", metavar="TAG", multiple=True, help="Only tasks with this tag, or another --tag."
    ),
    "waves": click.option(
        "--wave",
        "waves",
        type=click.IntRange(min=1),
        metavar="N",
        multiple=True,
        help="Only wave N of the plan, with what it needs.",
    ),
    "groups": click.option(
        "--group",
        "groups",
        type=click.IntRange(min=0),
        metavar="N",
        multiple=True,
        help="Only waves of this group number.",
    ),
    "affected": click.option(
        "--affected",
        metavar="[=REV]",
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


def words_of(wanted: Wanted) -> tuple[str, ...]:
    """The options that also count where one task of the run is run again."""
    excluded = [word for name in wanted.excluded for word in ("--exclude", name)]
    return (*excluded, *(["--only"] if wanted.only else []))
