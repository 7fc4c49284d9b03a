"""From a key's path in a manifest to its line and column.

Knows one file's text, and scans it only when a place is asked for. Does not know what is wrong there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from exarp.errors import Place, Problem, Related
from exarp.manifests.problems.variable_fault import VariableFault
from exarp.model.path import is_outside, normalise

if TYPE_CHECKING:
    from exarp.manifests.problems.notation import Notation
    from exarp.manifests.problems.positions import KeyPath, Positions, Span


class Places(Protocol):
    """Where what a manifest says stands, by the path of its key; ``Locator`` has the words for each method."""

    file: str

    def key(self, *path: str | int) -> Place:
        """Where a key stands."""

    def value(self, *path: str | int) -> Place:
        """Where a value stands."""

    def entry(self, path: KeyPath, wanted: str, nth: int = 0) -> Place:
        """Where an entry of a list stands."""

    def advice(self, text: str) -> str:
        """A message or next step that speaks of TOML, in the words of what the manifest is written in."""


class Locator:
    """Finds places in one manifest. ``file`` is how messages name it; ``text`` is valid in its notation; ``root`` is the
    workspace root, absolute, or empty where nobody knows it; ``base`` is the manifest's folder, seen from there, empty for the
    root itself. ``outer`` finds places in the manifest that includes this one.

    ``expand`` fills in the variables of a text, ``full_name`` tells which task or wave a name means; who knows the
    variables, and the names of other files, sets them. ``scopes`` knows the instances of matrices;
    ``chains``: by task the templates that it extends, the one that wins first.
    """

    def __init__(
        self, file: str, text: str, notation: Notation, root: str = "", base: str = "", outer: Locator | None = None
    ) -> None:
        self.file = file
        self._notation = notation
        self.root = root
        self.base = base
        self.outer = outer
        self.full_name: Callable[[str], str] | None = None
        self.text = text
        self.expand: Callable[[str], str] = str
        self.scopes: Scopes | None = None
        self.chains: Mapping[str, Sequence[str]] = {}
        self._elsewhere: dict[KeyPath, KeyPath] = {}
        self._entries: dict[KeyPath, _Entries] = {}
        self._lines: dict[int, str] = {}
        self._strings: dict[KeyPath, tuple[int, int, int]] = {}

    def included(self) -> dict[str, str]:
        """The files that the manifest includes, as seen from the workspace root, by the prefix of their names."""
        return {}

    def advice(self, text: str) -> str:
        """See ``Places``."""
        return self._notation.advice(text)

    def workspace_path(self, path: str) -> str:
        """A path as this manifest has it, normalised, relative to the workspace root; absolute outside of it."""
        return from_root(normalise(path, self.base), self.root)

    def move(self, path: KeyPath, written: KeyPath) -> None:
        """What the readers know as ``path`` stands at ``written``: its author meant the one by the other."""
        self._elsewhere[path] = written

    def key(self, *path: str | int) -> Place:
        """Where the key at ``path`` stands; the nearest enclosing key where it was not written."""
        return self._find(path, on_key=True)

    def value(self, *path: str | int) -> Place:
        """Where the value at ``path`` stands; the nearest enclosing value where it was not written."""
        return self._find(path, on_key=False)

    def entry(self, path: KeyPath, wanted: str, nth: int = 0) -> Place:
        """Where ``wanted`` (a name, or a normalised path) stands in the list at ``path``; the list if it is not there.

        Positions in a list of the model differ from those in the file (``!…`` and ``{ from = … }`` stand there too,
        variables are filled in), so the list as written is asked. ``nth``: which one, where it stands there twice.
        """
        if path not in self._entries:
            expand = self.expand if self.scopes is None or path[0] != "task" else self.scopes.expand(str(path[1]))
            self._entries[path] = _Entries([_meaning(item, expand) for item in self._written(path)], self)
        index = self._entries[path].find(wanted, nth)
        if index is None and self.scopes is not None and (matrix := self.scopes.written_as(wanted)) != wanted:
            return self.entry(path, matrix, nth)
        if index is None and self.full_name is not None and "@" in wanted:
            return self.entry(path, wanted.partition("@")[0], nth)
        return self.value(*path) if index is None else self.value(*path, index)

    def within(self, path: KeyPath, part: str) -> Place:
        """Where ``part`` first stands inside the string at ``path``; the whole value where it is written otherwise."""
        from bisect import bisect_right

        if self.outer is not None and self._is_outer(real := self._real(path)):
            return self.outer.within(real, part)
        if path not in self._strings:
            self._strings[path] = self._extent(path)
        start, reached, end = self._strings[path]
        # Who asks for several parts asks in their order: a text may have a fault every ten characters.
        at = self.text.find(part, reached, end)
        if at < 0:
            at = self.text.find(part, start, end)
        if at < 0 or not part:
            return self.value(*path)
        self._strings[path] = (start, at, end)
        line = bisect_right(self._line_starts, at)
        return Place(self.file, line, at - self._line_starts[line - 1] + 1, len(part), self._line(line))

    def has_header(self, *path: str | int) -> bool:
        """Whether the table at ``path`` was written with a header of its own."""
        span = self.positions.value(self._real(path))
        return span is not None and self._notation.is_header(self._line(span.line)[span.column - 1 :])

    def mentions(self, *path: str | int) -> list[tuple[int, int]]:
        """Offsets into ``text`` of every place where the key at ``path`` is written; none where that cannot be told."""
        return [] if self._is_shifted else self.positions.mentions(self._moved(path))

    def extent(self, *path: str | int) -> tuple[int, int] | None:
        """Offsets into ``text`` where the value at ``path`` begins and ends; None where it stands at no place of its own."""
        return None if self._is_shifted else self.positions.own_extent(self._moved(path))

    @property
    def _is_shifted(self) -> bool:
        """Whether a second byte order mark is in front of all that has a place."""
        return self.text.startswith("\ufeff")

    @cached_property
    def positions(self) -> Positions:
        """All positions of the text; scanned when first asked for."""
        return self._notation.scan(self.text)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(newline.end() for newline in re.finditer("\n", self.text))]

    def _written(self, path: KeyPath) -> list[Any]:
        """The elements of the list at ``path``, as they are written; none if no list is."""
        return list(self._elements(self._real(path)))

    def _elements(self, path: KeyPath) -> Iterator[Any]:
        if self.outer is not None and self._is_outer(path):
            yield from self.outer._elements(path)
            return
        # Only these are read again: to keep the document would double what a large manifest takes for all of a run.
        for index in itertools.count():
            span = self.positions.value((*path, index))
            if span is None:
                return
            text = self._line(span.line)[span.column - 1 :][: span.length]
            try:
                yield self._notation.element(text)
            except ValueError:
                yield None  # it goes on in further lines: no name or path that anybody writes does

    def _real(self, path: KeyPath) -> KeyPath:
        if path and path[0] == "task" and len(path) > 1:
            path = self._inherited(self._of_matrix(path))
        return self._moved(path)

    def _of_matrix(self, path: KeyPath) -> KeyPath:
        """Instances stand where their matrix does."""
        name = str(path[1])
        written = self.scopes.written_as(name) if self.scopes is not None else name
        if written == name or self.positions.key(self._moved(path[:2])) is not None:
            return path
        return ("task", written, *path[2:])

    def _inherited(self, path: KeyPath) -> KeyPath:
        """What a task does not say itself stands in the first of its templates that does."""
        chain = self.chains.get(str(path[1]))
        if not chain or len(path) < 3:
            return path
        rest = path[2:]
        # An entry of a table may come from elsewhere than the table.
        field = rest[:2] if len(rest) > 1 and isinstance(rest[1], str) else rest[:1]
        for home in (path[:2], *(("template", name) for name in chain)):
            if self._says((*home, *field)):
                return (*home, *rest)
        return path

    def _says(self, path: KeyPath) -> bool:
        if self.outer is not None and self._is_outer(path):
            return self.outer._says(path)
        return self.positions.key(self._moved(path)) is not None

    def _is_outer(self, path: KeyPath) -> bool:
        """Whether a path is that of a template of the manifest that includes this one."""
        return path[:1] == ("template",) and len(path) > 1 and self.positions.key(self._moved(path[:2])) is None

    def _moved(self, path: KeyPath) -> KeyPath:
        for end in range(len(path) if self._elsewhere else 0, 0, -1):
            if path[:end] in self._elsewhere:
                return self._moved(self._elsewhere[path[:end]]) + path[end:]
        return path

    def _find(self, path: KeyPath, on_key: bool) -> Place:
        path = self._real(path)
        if self.outer is not None and self._is_outer(path):
            return self.outer._find(path, on_key)
        for end in range(len(path), -1, -1):
            # Above the asked-for depth the key says more than the (whole) value would.
            span = self._lookup(path[:end], on_key or end < len(path))
            if span is not None:
                return self._place(span)
        return Place(self.file, 1, 1, 1, self._line(1))

    def _extent(self, path: KeyPath) -> tuple[int, int, int]:
        """Offsets of the value at ``path``: its start, how far it was searched, its end."""
        start, end = self.positions.extent(self._real(path)) or (0, 0)
        return start, start, end

    def _line(self, number: int) -> str:
        # One text for all problems of a line: a line may be a megabyte long, and have a fault every ten characters.
        if number not in self._lines:
            self._lines[number] = self.positions.line_text(number)
        return self._lines[number]

    def _place(self, span: Span) -> Place:
        return Place(self.file, span.line, span.column, span.length, self._line(span.line))

    def _lookup(self, path: KeyPath, on_key: bool) -> Span | None:
        if on_key:
            return self.positions.key(path)
        return self.positions.value(path) or self.positions.key(path)


def reworded(problem: Problem, places: Places) -> Problem:
    """``problem``, which speaks of TOML, in the words of what the manifest is written in."""
    message, step = places.advice(problem.message), places.advice(problem.next)
    if (message, step) == (problem.message, problem.next):
        return problem
    return replace(problem, message=message, next=step)


def place_at(file: str, text: str, start: int, end: int) -> Place:
    """Offsets of ``text``, whose lines end in a newline alone, as a place of one line.

    At the end of the text, the end of the last line that says something.
    """
    if start >= len(text):
        end = len(text.rstrip()) + 1
        start = end - 1
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", start)
    line = text[begin : stop if stop >= 0 else len(text)]
    length = max(1, min(end - start, begin + len(line) - start))
    return Place(file, text.count("\n", 0, start) + 1, start - begin + 1, length, line)


class Scopes(Protocol):
    """Instances of matrices, and what their fields know."""

    def written_as(self, task: str) -> str:
        """The name under which a task is written: that of its matrix, or its own."""

    def expand(self, task: str) -> Callable[[str], str]:
        """Fills in the variables of a text in the fields of a task."""


def _meaning(item: Any, expand: Callable[[str], str]) -> str:
    """The text of an entry of a list: of a string, of the task in ``{ from = … }``, of a value's name; variables filled in."""
    text = item.get("from", item.get("name")) if isinstance(item, dict) else item
    if isinstance(text, int | float):
        return str(text)
    if not isinstance(text, str):
        return ""
    try:
        return expand(text)
    except VariableFault:
        return text


def from_root(path: str, root: str) -> str:
    """A normalised path that is absolute, or leaves the workspace, but leads back into it: that file's other name."""
    if not root or not is_outside(path):
        return path
    absolute = path if path.startswith("/") else normalise(f"{root}/{path}")
    if absolute.rstrip("/") == root:
        return "./"
    return absolute.removeprefix(f"{root}/") if absolute.startswith(f"{root}/") else path


def here_first(place: Place, first: Place) -> tuple[Related, ...]:
    """The earlier of two that exclude each other; nothing where both stand in one line, which is shown already."""
    return () if (first.file, first.line) == (place.file, place.line) else (Related(first, "here first"),)


class _Entries:
    """The texts of one list, with variables filled in, and where in the list each stands."""

    def __init__(self, texts: Sequence[str], locator: Locator) -> None:
        def bare(text: str) -> str:
            return locator.workspace_path(text).rstrip("/")

        self._root = locator.root
        exact = _places(texts)
        names = exact if locator.full_name is None else _places([locator.full_name(text) for text in texts])
        paths = _places([bare(text) for text in texts])
        # What is taken away ("!…") and what is read may be the same path; the latter is more often meant.
        taken = _places([bare(text[1:]) if text.startswith("!") else "" for text in texts])
        # What stands in an included manifest may be the name of something else in the whole workspace: it comes last.
        self._tries = ((names, False), (paths, True), (taken, True), (exact, False))

    def find(self, wanted: str, nth: int) -> int | None:
        bare = from_root(normalise(wanted), self._root).rstrip("/")
        for places, are_paths in self._tries:
            found = places.get(bare if are_paths else wanted, ())
            if len(found) > nth:
                return found[nth]
        return None


def _places(texts: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        found.setdefault(text, []).append(index)
    return found
