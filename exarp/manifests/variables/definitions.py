"""``${name}`` in fields: expansion, with vars that use vars and the caller's environment.

Knows the syntax (``${x}``, ``${env.X}``, ``${env.X:-default}``, ``$${`` is literal). Pure: the environment is given, and so is
what runs a command.
Does not know which field a text came from; faults are raised as ``VariableFault`` and placed by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

import msgspec

from exarp.manifests.problems.suggestions import Suggestions
from exarp.manifests.problems.variable_fault import VariableFault
from exarp.manifests.variables.script import script_faults
from exarp.model.expression import late
from exarp.planning.recipe import named_variables

# The last alternative is a use that never ends, or that holds another one.
_USE = late(r"\$\$\{|\$\{([^{}]*)\}|\$\{[^{}\s]*")
_ENV = late(r"env\.([A-Za-z_]\w*)(?::-(.*))?", re.ASCII | re.DOTALL)

# Vars that use vars double in length at each step; no system takes an argument near this long.
MAX_LENGTH = 1024 * 1024
# Of all texts of a manifest together: a short manifest must not fill the memory.
MAX_TOTAL = 256 * MAX_LENGTH


class BrokenVariable(VariableFault):
    """The variable exists, but its definition is at fault, which is told there and not once more."""


class Command(msgspec.Struct, frozen=True):
    """A variable that is what a script prints."""

    script: str


Definition = str | tuple[str, ...] | Command
Evaluate = Callable[[str, Mapping[str, str]], str]


class CommandFailed(Exception):
    """A variable's command did not work out; the message says it as a clause, ``step`` what to do."""

    def __init__(self, message: str, step: str) -> None:
        super().__init__(message)
        self.step = step


def _nothing(script: str, variables: Mapping[str, str]) -> str:
    return ""


class Variables:
    """The variables of one manifest, filled in; those that are commands, and what uses these, when somebody asks.

    ``values`` and ``lists``: what is filled in. ``faults``: by variable, what is wrong with its definition. ``cycles``:
    variables that use themselves; each uses the next, and the last the first. ``broken`` names variables whose
    definitions were refused before, and told. ``failures``: commands that were asked for and did not work out.
    ``evaluate`` gives what a script prints that names the given variables; raises CommandFailed. ``outer``: the variables of the
    manifest that includes this one; they are known here, too.
    """

    def __init__(
        self,
        raw: Mapping[str, Definition],
        environ: Mapping[str, str] | None = None,
        broken: Collection[str] = (),
        evaluate: Evaluate = _nothing,
        outer: Variables | None = None,
    ) -> None:
        self._outer = outer
        self.values: dict[str, str] = {}
        self.lists: dict[str, tuple[str, ...]] = {}
        self.late: set[str] = set()
        self.faults: dict[str, list[VariableFault]] = {}
        self.failures: dict[str, VariableFault] = {}
        self.cycles: list[tuple[str, ...]] = []
        self.local: Mapping[str, str] = {}
        # What the command line says of parameters.
        self.given: Mapping[str, str] = {}
        self._raw = raw
        self._environ = environ or {}
        self._broken = broken
        self._evaluate = evaluate
        self._is_checking = False
        self._total = [0]
        self._suggestions = Suggestions()
        uses = {name: [used for used in _uses(definition) if used in raw] for name, definition in raw.items()}
        for name in self._ordered(uses):
            if name not in broken:
                self._define(name, _uses(raw[name]) if outer is not None else uses[name])

    def defines(self, name: str) -> bool:
        """Whether there is a variable ``name``, here or further out."""
        return self._owner(name) is not None

    def _owner(self, name: str) -> Variables | None:
        """The variables, these or some further out, among which ``name`` is."""
        if name in self._raw or name in self._broken:
            return self
        return self._outer._owner(name) if self._outer is not None else None

    def is_late(self, name: str) -> bool:
        """Whether its value rests on a command that has not been run."""
        owner = self._owner(name)
        return owner is not None and name in owner.late

    def beside(self, local: Mapping[str, str]) -> Variables:
        """The same variables where ``local`` ones, which are filled in, come before them. ``local`` can be set anew."""
        from copy import copy

        beside = copy(self)
        beside.local = local
        return beside

    def expand(self, text: str) -> str:
        """``text`` with every ``${…}`` filled in. Raises VariableFault for the first that cannot be."""
        if "${" not in text:
            return text
        if self.local and (whole := self.local.get(text[2:-1])) is not None and text[0] == "$" and text[-1] == "}":
            return whole  # Nearly every field that uses an axis.
        pieces, at, length = [], 0, len(text)
        for use in _USE.finditer(text):
            filled = self._value(use)
            pieces += [text[at : use.start()], filled]
            at = use.end()
            length += len(filled)
            self._total[0] += len(filled)
            if length > MAX_LENGTH or self._total[0] > MAX_TOTAL:
                what = "this" if length > MAX_LENGTH else "the manifest"
                message = f"with its variables filled in {what} is too long"
                raise VariableFault("too-long", message, "use fewer variables, or shorter ones", use[0])
        return "".join([*pieces, text[at:]])

    def items(self, text: str) -> tuple[str, ...] | None:
        """What a list variable holds that is the whole of ``text``; None where it is none.

        Raises VariableFault where the list cannot be filled in.
        """
        name = text[2:-1] if text[:2] == "${" and text[-1:] == "}" else ""
        if self._outer is not None and name not in self.local and self._owner(name) not in (None, self):
            return self._outer.items(text)
        if name in self.local or not isinstance(self._raw.get(name), tuple):
            return None
        if name in self.late:
            self._fill_in(name)
        if name not in self.lists:
            raise BrokenVariable("", f"variable {name!r} is not usable", "", text)
        return self.lists[name]

    def exported(self, name: str) -> str:
        """What a script finds as ``$name``: of a list its items, separated by blanks; empty where it is at fault."""
        owner = self._owner(name)
        if owner is not None and owner is not self:
            return owner.exported(name)
        if name in self.late:
            try:
                self._fill_in(name)
            except BrokenVariable:
                pass
            except VariableFault as fault:
                self.failures[name] = fault
        return " ".join(self.lists[name]) if name in self.lists else self.values.get(name, "")

    def faults_in(self, text: str) -> list[VariableFault]:
        """All that is wrong with the uses in ``text``, each once; nothing where only definitions are at fault."""
        found: dict[str, VariableFault] = {}
        for attempt in (*(partial(self._value, use) for use in _USE.finditer(text)), partial(self.expand, text)):
            try:
                attempt()
            except VariableFault as fault:
                found.setdefault(fault.use, fault)
        return [fault for fault in found.values() if not isinstance(fault, BrokenVariable)]

    def _ordered(self, uses: Mapping[str, list[str]]) -> Iterator[str]:
        """Variables, those they use first; the members of cycles and what uses them are left out."""
        if not any(uses.values()):
            yield from uses
            return
        from graphlib import CycleError, TopologicalSorter

        sorter = TopologicalSorter(uses)
        try:
            sorter.prepare()
        except CycleError:
            self.cycles = _cycles(uses)
        while ready := sorter.get_ready():
            yield from ready
            sorter.done(*ready)

    def _define(self, name: str, uses: Iterable[str]) -> None:
        """Fill a variable in, or find out that this can be done when somebody asks for it."""
        definition = self._raw[name]
        if not isinstance(definition, Command) and not any(map(self.is_late, uses)):
            try:
                self._fill_in(name)
            except VariableFault:
                self.faults[name] = self._faults_of(definition)
            return
        self._is_checking = True
        faults = self._faults_of(definition)
        self._is_checking = False
        if faults:
            self.faults[name] = faults
        else:
            self.late.add(name)

    def _faults_of(self, definition: Definition) -> list[VariableFault]:
        if isinstance(definition, Command):
            faults = script_faults(definition.script)
            return [VariableFault(fault.slug, fault.message, fault.step, fault.use) for fault in faults]
        texts = (definition,) if isinstance(definition, str) else definition
        return [fault for text in texts if self._items(text) is None for fault in self.faults_in(text)]

    def _items(self, text: str) -> tuple[str, ...] | None:
        """As ``items``, where a list that cannot be filled in is no fault of ``text``."""
        try:
            return self.items(text)
        except VariableFault:
            return ()

    def _fill_in(self, name: str) -> None:
        """Raises VariableFault; BrokenVariable where only a command is at fault, which is in ``failures`` then."""
        definition = self._raw[name]
        # Whatever comes of it, it is not tried again: a command runs once.
        self.late.discard(name)
        if isinstance(definition, str):
            self.values[name] = self.expand(definition)
        elif isinstance(definition, Command):
            self.values[name] = self._printed(name, definition.script)
        else:
            found = [(text, self.items(text)) for text in definition]
            self.lists[name] = tuple(
                [each for text, items in found for each in ((self.expand(text),) if items is None else items)]
            )

    def _printed(self, name: str, script: str) -> str:
        named = {used: self.exported(used) for used in named_variables((script,)) if self.defines(used)}
        try:
            return self._evaluate(script, named)
        except CommandFailed as failed:
            message = f"the command of variable {name!r} {failed}"
            self.failures[name] = VariableFault("failed-variable", message, failed.step, "")
            raise BrokenVariable("", message, "", "") from None

    def _value(self, use: re.Match[str]) -> str:
        name: str | None = use[1]
        if use[0] == "$${":
            return "${"
        if name is None:
            raise _unfinished(use)
        if name in self.local:
            return self.local[name]
        if name in self.late:
            return self._late_value(name, use[0])
        if name in self.values:
            return self.values[name]
        if name.startswith("env."):
            return self._from_environment(name, use[0])
        if name in self.lists:
            raise _list_in_text(name, use[0])
        if name in self._raw or name in self._broken:
            raise BrokenVariable("", f"variable {name!r} is not usable", "", use[0])
        if self._outer is not None and self._outer.defines(name):
            return "" if self._is_checking and self.is_late(name) else self._outer._value(use)
        if not name.strip():
            raise VariableFault("bad-substitution", f"{use[0]} names no variable", _LITERAL, use[0])
        raise VariableFault("unknown-variable", f"variable {name!r} is not defined", self._step(name), use[0])

    def _late_value(self, name: str, use: str) -> str:
        if isinstance(self._raw[name], tuple):
            raise _list_in_text(name, use)
        if self._is_checking:
            return ""
        self._fill_in(name)
        return self.values[name]

    def _step(self, name: str) -> str:
        if name in ("in", "out", "depfile", "in_file"):
            return f"only commands know the task's files: write ${name} there, without braces"
        if ":-" in name:
            return f"only the environment has defaults: ${{env.{name}}}"
        if meant := self._suggestions.did_you_mean(name, [*self.local, *self._raw]):
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


def _uses(definition: Definition) -> list[str]:
    """Names that a definition uses, known or not."""
    if isinstance(definition, Command):
        return list(named_variables((definition.script,)))
    return [
        name for text in ((definition,) if isinstance(definition, str) else definition) for name in names_used(text)
    ]


def names_used(text: str) -> list[str]:
    """What stands in each ``${…}`` of a text."""
    return [use[1] for use in _USE.finditer(text) if use[1] is not None]


def _list_in_text(name: str, use: str) -> VariableFault:
    step = f"a list fills a matrix axis, or is a whole element of a list: [{use!r}]".replace("'", '"')
    return VariableFault("list-in-text", f"variable {name!r} is a list, and stands for no single text", step, use)


_LITERAL = "a literal ${ is written $${"


def _cycles(uses: Mapping[str, list[str]]) -> list[tuple[str, ...]]:
    from exarp.graph.cycles import find_cycles

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
