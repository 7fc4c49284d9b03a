"""``${name}`` in fields: expansion, with vars that use vars and the caller's environment.

Knows the syntax (``${x}``, ``${env.X}``, ``${env.X:-default}``, ``$${`` is literal). Pure: the environment is given.
Does not know which field a text came from; faults are raised as ``VariableFault`` and placed by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from exarp.model.name import did_you_mean

_USE = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_ENV = re.compile(r"env\.([A-Za-z_]\w*)(?::-(.*))?", re.ASCII | re.DOTALL)


class VariableFault(Exception):
    """A text uses a variable that cannot be filled in. ``slug`` and ``step`` as in a Problem."""

    def __init__(self, slug: str, message: str, step: str = "") -> None:
        super().__init__(message)
        self.slug = slug
        self.step = step


class Variables:
    """The variables of one manifest, expanded when first used."""

    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self._raw = raw
        self._environ = environ
        self._done: dict[str, str] = {}
        self._open: list[str] = []

    def value(self, name: str) -> str:
        """The expanded value of a var. Raises VariableFault if it is unknown or uses itself."""
        if name in self._done:
            return self._done[name]
        if name not in self._raw:
            hint = did_you_mean(name, self._raw) or f"define it in [vars], or write ${{env.{name}}}"
            raise VariableFault("unknown-variable", f"variable {name!r} is not defined", hint)
        if name in self._open:
            chain = " → ".join([*self._open[self._open.index(name) :], name])
            raise VariableFault("variable-cycle", f"variable {name!r} uses itself: {chain}")
        self._open.append(name)
        try:
            self._done[name] = self.expand(self._raw[name])
        finally:
            self._open.pop()
        return self._done[name]

    def expand(self, text: str) -> str:
        """``text`` with every ``${…}`` filled in. Raises VariableFault."""
        return _USE.sub(self._replace, text) if "${" in text else text

    def _replace(self, use: re.Match[str]) -> str:
        inner: str | None = use[1]
        if inner is None:
            return "${"
        if not inner.startswith("env."):
            return self.value(inner)
        match = _ENV.fullmatch(inner)
        if match is None:
            raise VariableFault(
                "unknown-variable", f"${{{inner}}} is not understood", "write ${env.NAME} or ${env.NAME:-default}"
            )
        found = self._environ.get(match[1])
        if found is not None:
            return found
        if match[2] is None:
            step = f"set it, or give a default: ${{env.{match[1]}:-…}}"
            raise VariableFault("missing-variable", f"the environment variable {match[1]} is not set", step)
        return match[2]
