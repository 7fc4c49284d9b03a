"""``${name}`` in fields: expansion, with vars that use vars and the caller's environment.

Knows the syntax (``${x}``, ``${env.X}``, ``${env.X:-default}``, ``$${`` is literal). Pure: the environment is given.
Does not know which field a text came from; faults are raised as ``VariableFault`` and placed by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from graphlib import CycleError, TopologicalSorter

from exarp.graph.cycles import find_cycles
from exarp.manifests.suggestions import Suggestions

# The last alternative is a use that never ends, or that holds another one.
_USE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{[^{}\s]*")
_ENV = re.compile(r"env\.([A-Za-z_]\w*)(?::-(.*))?", re.ASCII | re.DOTALL)

# Vars that use vars double in length at each step; no system takes an argument near this long.
MAX_LENGTH = 1024 * 1024
# Of all texts of a manifest together: a short manifest must not fill the memory.
MAX_TOTAL = 256 * MAX_LENGTH


class VariableFault(Exception):
    """A text uses a variable that cannot be filled in. ``slug`` and ``step`` as in a Problem; ``use`` as written."""

    def __init__(self, slug: str, message: str, step: str, use: str) -> None:
        super().__init__(message)
        self.slug = slug
        self.step = step
        self.use = use


class BrokenVariable(VariableFault):
    """The variable exists, but its definition is at fault, which is told there and not once more."""


class Variables:
    """The variables of one manifest, all filled in.

    ``values``: what could be filled in. ``faults``: by variable, what is wrong with its definition. ``cycles``:
    variables that use themselves; each uses the next, and the last the first. ``broken`` names variables whose
    definitions were refused before, and told.
    """

    def __init__(
        self, raw: Mapping[str, str], environ: Mapping[str, str] | None = None, broken: Collection[str] = ()
    ) -> None:
        self.values: dict[str, str] = {}
        self.faults: dict[str, list[VariableFault]] = {}
        self.cycles: list[tuple[str, ...]] = []
        self._raw = raw
        self._environ = environ or {}
        self._broken = broken
        self._total = 0
        self._suggestions = Suggestions()
        for name in self._ordered():
            if name not in broken:
                self._fill_in(name)

    def expand(self, text: str) -> str:
        """``text`` with every ``${…}`` filled in. Raises VariableFault for the first that cannot be."""
        if "${" not in text:
            return text
        pieces, at, length = [], 0, len(text)
        for use in _USE.finditer(text):
            filled = self._value(use)
            pieces += [text[at : use.start()], filled]
            at = use.end()
            length += len(filled)
            self._total += len(filled)
            if length > MAX_LENGTH or self._total > MAX_TOTAL:
                what = "this" if length > MAX_LENGTH else "the manifest"
                message = f"with its variables filled in {what} is too long"
                raise VariableFault("too-long", message, "use fewer variables, or shorter ones", use[0])
        return "".join([*pieces, text[at:]])

    def faults_in(self, text: str) -> list[VariableFault]:
        """All that is wrong with the uses in ``text``, each once; nothing where only definitions are at fault."""
        found: dict[str, VariableFault] = {}
        for attempt in (*(partial(self._value, use) for use in _USE.finditer(text)), partial(self.expand, text)):
            try:
                attempt()
            except VariableFault as fault:
                found.setdefault(fault.use, fault)
        return [fault for fault in found.values() if not isinstance(fault, BrokenVariable)]

    def _ordered(self) -> Iterator[str]:
        """Variables, those they use first; the members of cycles and what uses them are left out."""
        uses = {
            name: [use[1] for use in _USE.finditer(text) if use[1] in self._raw] for name, text in self._raw.items()
        }
        sorter = TopologicalSorter(uses)
        try:
            sorter.prepare()
        except CycleError:
            self.cycles = _cycles(uses)
        while ready := sorter.get_ready():
            yield from ready
            sorter.done(*ready)

    def _fill_in(self, name: str) -> None:
        try:
            self.values[name] = self.expand(self._raw[name])
        except VariableFault:
            self.faults[name] = self.faults_in(self._raw[name])

    def _value(self, use: re.Match[str]) -> str:
        name: str | None = use[1]
        if use[0] == "$${":
            return "${"
        if name is None:
            raise _unfinished(use)
        if name in self.values:
            return self.values[name]
        if name.startswith("env."):
            return self._from_environment(name, use[0])
        if name in self._raw or name in self._broken:
            raise BrokenVariable("", f"variable {name!r} is not usable", "", use[0])
        if not name.strip():
            raise VariableFault("bad-substitution", f"{use[0]} names no variable", _LITERAL, use[0])
        raise VariableFault("unknown-variable", f"variable {name!r} is not defined", self._step(name), use[0])

    def _step(self, name: str) -> str:
        if name in ("in", "out", "depfile", "in_file"):
            return f"only commands know the task's files: write ${name} there, without braces"
        if ":-" in name:
            return f"only the environment has defaults: ${{env.{name}}}"
        if meant := self._suggestions.did_you_mean(name, self._raw):
            return meant
        if _ENV.fullmatch(f"env.{name}") is None:
            return f"define it in [vars]; {_LITERAL}"
        return f"define it in [vars], or write ${{env.{name}}} for the environment's"

    def _from_environment(self, inner: str, use: str) -> str:
        match = _ENV.fullmatch(inner)
        if match is None:
            step = "write ${env.NAME} or ${env.NAME:-default}"
            raise VariableFault("bad-substitution", f"{use} is not understood", step, use)
        name, default = match[1], match[2]
        if name.startswith("EXARP_"):
            message = f"{name} is exarp's own, and another one in each run: no field can rest on it"
            raise VariableFault("reserved-name", message, f"a script can name it: ${name}", use)
        found = self._environ.get(name)
        if not _is_text(found or ""):
            message = f"the environment variable {name} is not valid UTF-8"
            raise VariableFault("bad-environment", message, "give it another value", use)
        # ":-" means what it means in a shell: the default counts for an empty value, too.
        if default is not None:
            return found or default
        if found is None:
            step = f"set it, or give a default: ${{env.{name}:-…}}"
            raise VariableFault("missing-variable", f"the environment variable {name} is not set", step, use)
        return found


_LITERAL = "a literal ${ is written $${"


def _cycles(uses: Mapping[str, list[str]]) -> list[tuple[str, ...]]:
    names = list(uses)
    ids = {name: number for number, name in enumerate(names)}
    cycles = find_cycles([[ids[used] for used in uses[name]] for name in names])
    # In a cycle as found each node goes before the next; a variable is said to use the one before it.
    return [tuple(names[number] for number in (cycle[0], *reversed(cycle[1:]))) for cycle in cycles]


def _unfinished(use: re.Match[str]) -> VariableFault:
    rest = use.string[use.end() : use.end() + 1]
    if rest == "{":
        return VariableFault("bad-substitution", "a ${…} cannot hold another", "put the inner one into [vars]", use[0])
    return VariableFault("bad-substitution", f"{use[0]} has no closing brace", f"add }}; {_LITERAL}", use[0])


def _is_text(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
