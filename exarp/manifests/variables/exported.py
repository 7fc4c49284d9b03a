"""The variables of a manifest as scripts find them; commands among them are run when somebody asks.

Knows how to be a mapping. Does not know which scripts there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from exarp.errors import ManifestError, Problem
from exarp.manifests.variables.definitions import Variables


def exported(variables: Variables, names: Iterable[str], failure: Callable[[str], Problem]) -> Mapping[str, str]:
    """The values of the variables ``names``. ``failure``: what went wrong with the command of one."""
    if variables.late:
        return LateVariables(variables, names, failure)
    return {name: variables.exported(name) for name in names}


class LateVariables(Mapping[str, str]):
    """Values of variables, some of which are commands that have not been run. To ask for one raises ManifestError if it fails."""

    def __init__(self, variables: Variables, names: Iterable[str], failure: Callable[[str], Problem]) -> None:
        self._variables = variables
        self._names = dict.fromkeys(names)
        self._failure = failure

    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        value = self._variables.exported(name)
        if self._variables.failures:
            raise ManifestError(*map(self._failure, self._variables.failures))
        return value

    def known(self) -> dict[str, str]:
        """Those that need no command, or whose command has been run."""
        return {name: self._variables.exported(name) for name in self._names if not self._variables.is_late(name)}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names
