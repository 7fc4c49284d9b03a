"""A parameter of a task: ``exarp run release version=1.2``.

Knows what a task says of it, and which value it has in this run. Does not know who needs the task.
"""

# Types as in ``task``.

from collections.abc import Iterable

import msgspec


class Param(msgspec.Struct, frozen=True):
    """A parameter. ``choices``: the values that there are; empty: any. ``value``: what it has; None where it must be given, and
    was not. ``given``: whether the command line said it."""

    name: str
    value: str | None = None
    default: str | None = None
    choices: tuple[str, ...] = ()
    description: str = ""
    given: bool = False

    @property
    def required(self) -> bool:
        """Whether the command line must say it."""
        return self.default is None


def values_of(params: Iterable[Param]) -> dict[str, str]:
    """What scripts find: values by name, of those that have one."""
    return {param.name: param.value for param in params if param.value is not None}


def filled_in(params: Iterable[Param]) -> dict[str, str]:
    """What fields know: a parameter that must be given, and was not, stands for itself."""
    return {param.name: f"${{{param.name}}}" if param.value is None else param.value for param in params}
