"""Single fields: variables filled in, paths normalised, quantities read.

Knows the rules of the manifest's contract about one value at a time. Does not know which task or table a field
belongs to. Faults are collected with their places; a faulty value is left out, so that it is told once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from exarp.errors import Fix, Problem
from exarp.manifests.problems.place import Locator
from exarp.manifests.problems.variable_fault import VariableFault
from exarp.manifests.variables.definitions import Variables
from exarp.manifests.variables.script import script_faults
from exarp.model.expression import late
from exarp.model.name import RESERVED_VARIABLES
from exarp.model.path import is_outside
from exarp.model.quantity import parse_duration, parse_size

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath

# Nearly every path of a large manifest: normal already, inside, without variables or anything else to look at.
is_plain_path = re.compile(r"[\w*][\w.*-]*(?:/[\w*][\w.*-]*)*/?", re.ASCII).fullmatch

_NAMES = late(r"(?:[A-Za-z_*?]|\[[^]]+\])(?:[\w*?]|\[[^]]+\])*", re.ASCII)

# Clocks and databases take no more; nobody waits a century.
_LONGEST = 100 * 365 * 86400.0
_LARGEST = 2**63 - 1
_PORT = late(r"\d{1,5}", re.ASCII)
_LAST_PORT = 65535
_HUGE = late(r"\d{16}", re.ASCII)


class Fields:
    """Reads values of one manifest; faults are appended to ``problems``."""

    def __init__(self, variables: Variables, locator: Locator, problems: list[Problem]) -> None:
        self.variables = variables
        self.locator = locator
        self.problems = problems

    def add(
        self, slug: str, message: str, path: KeyPath, step: str = "", on_key: bool = False, fix: Fix | None = None
    ) -> None:
        """Tell a fault at the value at ``path``, or at its key."""
        place = self.locator.key(*path) if on_key else self.locator.value(*path)
        self.problems.append(Problem(slug, message, place, step, fix=fix))

    def text(self, value: str, path: KeyPath) -> str | None:
        """``value`` with its variables filled in; None where that cannot be done."""
        if "\0" in value:
            self.add("nul-character", "no command, path or variable can hold a NUL character", path, "take it out")
            return None
        if "${" not in value:
            return value
        try:
            return self.variables.expand(value)
        except VariableFault:
            self.tell(self.variables.faults_in(value), path)
            return None

    def tell(self, faults: Iterable[VariableFault], path: KeyPath) -> None:
        """Tell what is wrong with the variables in the text at ``path``, each where it is used."""
        for fault in faults:
            self.problems.append(Problem(fault.slug, str(fault), self.locator.within(path, fault.use), fault.step))

    def check_script(self, script: str, path: KeyPath) -> None:
        """Tell what is wrong with a script; its variables are the shell's to fill in."""
        if "\0" in script:
            self.text(script, path)
        for fault in script_faults(script) if "${" in script else ():
            self.problems.append(Problem(fault.slug, fault.message, self.locator.within(path, fault.use), fault.step))

    def texts(self, values: Sequence[str], path: KeyPath) -> tuple[str, ...]:
        """Texts, without those that are at fault. A list variable that is a whole element gives its items."""
        for value in values:
            if "${" in value or "\0" in value:
                break
        else:
            return tuple(values)
        return tuple([text for _, text in self.elements(values, path)])

    def elements(self, values: Sequence[str], path: KeyPath) -> Iterator[tuple[int, str]]:
        """Elements with their variables filled in, each with its place in the list; without those that are at fault."""
        for index, value in enumerate(values):
            items = self.items(value) if value.startswith("${") else None
            if items is not None:
                yield from ((index, item) for item in items)
            elif (text := self.text(value, (*path, index))) is not None:
                yield index, text

    def items(self, value: str) -> tuple[str, ...] | None:
        """The items of a list variable that is the whole of ``value``; none of one whose definition is at fault."""
        try:
            return self.variables.items(value)
        except VariableFault:
            return ()

    def variables_named(self, values: Sequence[str], path: KeyPath, tracked: bool) -> tuple[str, ...]:
        """Names and globs of environment variables. ``tracked``: those that may count for what a task makes."""
        found = []
        for index, value in enumerate(values):
            text = self.text(value, (*path, index))
            if text is None:
                continue
            if not _NAMES.fullmatch(text):
                step = f"write {text[1:]}" if _NAMES.fullmatch(text[1:]) else "write a name, or a glob such as AWS_*"
                message = f"{text!r} cannot be the name of an environment variable"
                self.add("bad-variable", message, (*path, index), step)
            elif tracked and (text.startswith("EXARP_") or (is_reserved(text) and text != "PATH")):
                message = f"{text} is exarp's own, and never counts for what a task makes"
                self.add("reserved-name", message, (*path, index), "take it out")
            else:
                found.append(text)
        return tuple(found)

    def duration(self, value: str, path: KeyPath) -> float:
        """Seconds; 0 where ``value`` is at fault."""
        text = self.text(value, path)
        if text is None:
            return 0
        if "${" in text:
            # A parameter that nobody has given yet.
            return 0
        seconds = _parsed(parse_duration, text)
        if seconds is None:
            self.add("bad-duration", f"{text!r} is not a duration", path, 'write "500ms", "30s", "5m" or "1h30m"')
        elif seconds > _LONGEST:
            self.add("bad-duration", f"{text!r} is longer than a hundred years", path, 'write "0s" for no limit')
        return min(seconds or 0, _LONGEST)

    def port(self, value: int | str, path: KeyPath) -> int:
        """A TCP port; 0 where ``value`` is at fault."""
        text = self.text(str(value), path)
        # A parameter that nobody has given yet is no fault.
        if text is None or "${" in text:
            return 0
        if _PORT.fullmatch(text) and 1 <= int(text) <= _LAST_PORT:
            return int(text)
        self.add("bad-port", f"{text!r} is no TCP port", path, f"write a number from 1 to {_LAST_PORT}")
        return 0

    def size(self, value: int | str, path: KeyPath) -> int | None:
        """Bytes, or a plain number; None where ``value`` is at fault."""
        if isinstance(value, int) and value >= 0:
            return value
        text = self.text(str(value), path)
        if text is None:
            return None
        if "${" in text:
            return None
        size = _parsed(parse_size, text)
        if size is not None and size <= _LARGEST:
            return int(size)
        if size is not None:
            self.add("bad-size", f"{text!r} is larger than any machine can count", path, "write a smaller one")
        else:
            message = f"{text} is below zero" if text.startswith("-") else f"{text!r} is not a size"
            self.add("bad-size", message, path, 'write "512MiB", "8GiB", or a plain number')
        return None

    def sizes(self, values: Mapping[str, int | str], path: KeyPath) -> dict[str, int]:
        """Sizes by name, without those that are at fault."""
        found = {name: self.size(value, (*path, name)) for name, value in values.items()}
        return {name: size for name, size in found.items() if size is not None}

    def paths(self, values: Sequence[str], path: KeyPath, inside: bool = True) -> tuple[str, ...]:
        """Normalised paths, without those that are at fault. ``inside``: none may leave the workspace."""
        for value in values:
            if not is_plain_path(value):
                break
        else:
            base = self.locator.base
            return tuple([f"{base}/{value}" for value in values] if base else values)
        found = [
            self.normal(text, values[index], (*path, index), inside) for index, text in self.elements(values, path)
        ]
        return tuple([each for each in found if each is not None])

    def path(self, value: str, path: KeyPath, inside: bool = True) -> str | None:
        """A normalised path; None where it is at fault."""
        text = self.text(value, path)
        return None if text is None else self.normal(text, value, path, inside)

    def normal(self, text: str, written: str, path: KeyPath, inside: bool = True) -> str | None:
        """``text`` as a normalised path, from what is ``written`` at ``path``; None where it is at fault."""
        if is_plain_path(text):
            return f"{base}/{text}" if (base := self.locator.base) else text
        if not text:
            message = "a path cannot be empty" if not written else "this path is empty once its variables are filled in"
            self.add("bad-path", message, path, 'name a file or a folder; "./" is the workspace root')
            return None
        if inside and text.startswith("!"):
            step = f'"!…" takes away from inputs only; a file of that name is written "./{text}"'
            self.add("bad-path", f"{text!r} takes nothing away here", path, step)
            return None
        normal = self.locator.workspace_path(text)
        if inside and is_outside(normal):
            self.outside(text, path)
            return None
        return normal

    def outside(self, text: str, path: KeyPath) -> None:
        """Tell that ``text`` leaves the workspace."""
        what = "is an absolute path" if text.startswith("/") else "lies outside the workspace"
        step = "write it relative to the manifest's folder; only inputs may lie outside"
        self.add("outside-workspace", f"{text!r} {what}", path, step)


def is_reserved(name: str) -> bool:
    """Whether the contract keeps a variable's name for exarp itself ("Commands")."""
    return name in RESERVED_VARIABLES or name.startswith("EXARP_")


def _parsed(parse: Callable[[str], float], text: str) -> float | None:
    """The quantity; None for what is none, infinity for one with more digits than anybody means."""
    if _HUGE.match(text):
        return float("inf")
    try:
        return parse(text)
    except ValueError:
        return None
