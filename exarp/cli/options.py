"""Options that change what the manifest says, shared by the commands that plan.

Knows their names and how they become ``Overrides``. Does not apply them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from exarp.model.choice import OnFailure, Schedule

if TYPE_CHECKING:
    from exarp.app.opening.project import Overrides

Command = TypeVar("Command", bound=Callable[..., Any])

set_option = click.option(
    "--set",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="Give a variable of [vars] another value; of a list, its items: a,b.",
)
_OPTIONS: list[Callable[[Any], Any]] = [
    set_option,
    click.option(
        "--max-tasks-per-wave", type=click.IntRange(min=0), metavar="N", help="Split larger waves; 0 is no limit."
    ),
    click.option(
        "--schedule",
        type=click.Choice(get_args(Schedule)),
        help="Barriers between waves, or none (default: the manifest's).",
    ),
    click.option(
        "--retries", type=click.IntRange(min=0), metavar="N", help="Tries after a first failure, for every task."
    ),
    click.option("--on-failure", type=click.Choice(get_args(OnFailure)), help="For every task."),
]


jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    metavar="N",
    help="Commands at once, over all waves; 0 is the CPUs of this process.",
)


load_option = click.option(
    "-l",
    "--load-average",
    "load",
    type=click.FloatRange(min=0),
    metavar="N",
    help="Start nothing beside what runs while the machine has more than N processes to run.",
)


def override_options(command: Command) -> Command:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def overrides_from(options: Mapping[str, Any], parameters: Mapping[str, str] | None = None) -> Overrides:
    """``Overrides`` from the values that click parsed, of all these options or of ``--set`` alone.

    Raises click.BadParameter for a ``--set`` without ``=``.
    """
    from exarp.app.opening.project import Overrides

    variables = {}
    for pair in options["variables"]:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--set")
        variables[name] = value
    return Overrides(
        variables=variables,
        parameters=dict(parameters or {}),
        max_tasks_per_wave=options.get("max_tasks_per_wave"),
        schedule=options.get("schedule"),
        retries=options.get("retries"),
        on_failure=options.get("on_failure"),
        jobs=options.get("jobs"),
        output=options.get("output"),
    )
