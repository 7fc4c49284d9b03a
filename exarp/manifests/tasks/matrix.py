"""Matrices: one task that is written once, and meant once for each value of its axes.

Knows how axes get their values, what instances are called, and which values each has. Does not know what the other fields of
a task mean (``task``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, NamedTuple

from exarp.errors import Problem
from exarp.manifests.document import AxisDocument, GlobDocument, TaskDocument
from exarp.manifests.outside import Outside
from exarp.manifests.problems.positions import KeyPath
from exarp.manifests.tasks.fields import Fields, is_reserved
from exarp.manifests.variables.definitions import Variables, names_used
from exarp.model.name import part_fault
from exarp.model.path import is_glob, relative

MAX_INSTANCES = 1_000_000
_MAGIC = re.compile(r"[*?\[]")
# Fields whose texts are paths or patterns.
_PATHS = ("inputs", "tools", "outputs", "modifies", "depfile", "cwd")
_AXIS = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class AxisValue(NamedTuple):
    """One value of an axis. ``text``: what instances are called by it; ``known``: variables that it gives to fields."""

    text: str
    known: Mapping[str, str]


class Glob(NamedTuple):
    """An axis that stands for files: its patterns and what they take away, normalised, and where it is written."""

    patterns: tuple[str, ...]
    excluded: tuple[str, ...]
    path: KeyPath


class Matrix:
    """The axes of one task with their values. ``count``: of its instances."""

    def __init__(self, name: str, axes: Mapping[str, Sequence[AxisValue]]) -> None:
        self.name = name
        self.axes = tuple(axes)
        self._values = tuple(axes.values())

    @property
    def count(self) -> int:
        """How many instances there are."""
        return prod(map(len, self._values))

    def instances(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Name of each instance, and what its fields know, in order: the last axis goes round fastest."""
        if len(self._values) == 1:
            for value in self._values[0]:
                yield f"{self.name}@{value.text}", value.known
            return
        for values in product(*self._values):
            known: dict[str, str] = {}
            for value in values:
                known.update(value.known)
            yield f"{self.name}@{','.join([value.text for value in values])}", known

    @cached_property
    def known(self) -> Mapping[str, Mapping[str, str]]:
        """What the fields of each instance know, by its name; for who needs few of them, and needs them seldom."""
        return dict(self.instances())


class Matrices:
    """All matrices of one manifest, as a locator asks for them."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._matrices: dict[str, Matrix] = {}
        # By the name of a task or a matrix, its parameters.
        self.params: dict[str, Mapping[str, str]] = {}

    def add(self, matrix: Matrix) -> None:
        """A matrix was read."""
        self._matrices[matrix.name] = matrix

    def written_as(self, task: str) -> str:
        """The name under which a task is written: that of its matrix, or its own."""
        name, at, _ = task.partition("@")
        return name if at and name in self._matrices else task

    def expand(self, task: str) -> Callable[[str], str]:
        """Fills in the variables of a text in the fields of a task."""
        name = self.written_as(task)
        matrix = self._matrices.get(name)
        known = matrix.known.get(task) if matrix is not None else None
        if name in self.params:
            known = {**(known or {}), **self.params[name]}
        return self._variables.beside(known).expand if known else self._variables.expand


class AxisReader:
    """Reads the axes of the task ``name``, which is ``written``; faults are collected."""

    def __init__(self, fields: Fields, outside: Outside, name: str, written: TaskDocument) -> None:
        self.globs: list[Glob] = []
        self._fields = fields
        self._outside = outside
        self._task = name
        self._allow_empty = written.allow_empty
        self._in_paths = {
            axis for axis in written.matrix if any(_uses(getattr(written, field), {axis}) for field in _PATHS)
        }

    def axes(self, written: Mapping[str, AxisDocument]) -> dict[str, list[AxisValue]] | None:
        """The axes with their values; None where any is at fault."""
        found = {name: self._axis(name, axis) for name, axis in written.items()}
        axes = {name: values for name, values in found.items() if values is not None}
        return axes if len(axes) == len(written) else None

    def _axis(self, name: str, written: AxisDocument) -> list[AxisValue] | None:
        path: KeyPath = ("task", self._task, "matrix", name)
        if not _AXIS.fullmatch(name) or is_reserved(name) or name == "env":
            message = f"{name!r} cannot be the name of an axis: it becomes a variable"
            step = "use letters, digits and _, and none of exarp's own names"
            self._fields.add("bad-axis", message, path, step, on_key=True)
            return None
        found = self._values(name, written, path)
        if found is None:
            return None
        if not found and not self._allow_empty:
            self._empty(name, written, path)
            return None
        return found if self._are_distinct(name, found, path) and self._are_alike(name, found, path) else None

    def _values(self, name: str, written: AxisDocument, path: KeyPath) -> list[AxisValue] | None:
        if isinstance(written, GlobDocument):
            return self._of_files(name, written, path)
        if isinstance(written, str):
            return self._of_variable(name, written, path)
        found: list[AxisValue | None] = []
        for index, each in enumerate(written):
            where = (*path, index)
            if isinstance(each, dict):
                found.append(self._of_table(name, each, where))
            else:
                items = self._fields.items(each) if isinstance(each, str) and each.startswith("${") else None
                texts = [self._fields.text(str(each), where)] if items is None else list(items)
                found += [None if text is None else self._named(name, text, where) for text in texts]
        return _all(found)

    def _of_variable(self, name: str, written: str, path: KeyPath) -> list[AxisValue] | None:
        """``"${datasets}"``: the items of a list variable."""
        items = self._fields.items(written)
        if items is not None:
            return _all([self._named(name, item, path) for item in items])
        text = self._fields.text(written, path)
        if text is not None:
            message = f"axis {name!r} of task {self._task!r} must be a list, and {written!r} is none"
            step = f'write a list: ["{written}"]' if len(names_used(written)) != 1 else "let the variable be a list"
            self._fields.add("bad-axis", message, path, step)
        return None

    def _of_table(self, name: str, table: Mapping[str, Any], path: KeyPath) -> AxisValue | None:
        """``{ name = "es", memory = "12GiB" }``: called by its name, with further values beside it."""
        if "name" not in table:
            message = f"a value of axis {name!r} has no 'name'"
            self._fields.add("missing-key", message, path, 'write { name = "…", … }: instances are called by it')
            return None
        texts = {key: self._fields.text(str(value), (*path, key)) for key, value in table.items()}
        text = texts["name"]
        if text is None or None in texts.values() or self._named(name, text, (*path, "name")) is None:
            return None
        return AxisValue(
            text, {name: text, **{f"{name}.{key}": value for key, value in texts.items() if value is not None}}
        )

    def _of_files(self, name: str, written: GlobDocument, path: KeyPath) -> list[AxisValue] | None:
        at = (*path, "glob")
        texts = [written.glob] if isinstance(written.glob, str) else written.glob
        patterns: list[str] = []
        excluded: list[str] = []
        for index, text in self._fields.elements(texts, at):
            where = at if isinstance(written.glob, str) else (*at, index)
            pattern = self._fields.normal(text.removeprefix("!"), text, where, inside=False)
            if pattern is None:
                return None
            (excluded if text.startswith("!") else patterns).append(pattern)
        self.globs.append(Glob(tuple(patterns), tuple(excluded), at))
        found: dict[str, None] = {}
        for pattern in patterns:
            if is_glob(pattern) or pattern.endswith("/"):
                found.update(dict.fromkeys(self._outside.files(pattern, excluded)))
            else:
                found[pattern] = None
        base = self._fields.locator.base
        return self._files(name, [relative(file, base) for file in found], at)

    def _files(self, axis: str, files: Sequence[str], path: KeyPath) -> list[AxisValue] | None:
        if odd := [file for file in files if part_fault(file) is not None]:
            message = f"no instance of task {self._task!r} can be called by {odd[0]!r}: {part_fault(odd[0])}"
            self._refuse_files(message, odd, "rename the file, or take it away", path)
            return None
        if axis in self._in_paths and (odd := [file for file in files if is_glob(file)]):
            message = f"in the fields of task {self._task!r}, {odd[0]!r} would be a pattern, and stand for other files"
            self._refuse_files(message, odd, "take it away", path)
            return None
        return [AxisValue(file, _parts(axis, file)) for file in files]

    def _refuse_files(self, message: str, files: Sequence[str], step: str, path: KeyPath) -> None:
        more = f" ({len(files) - 1} more of the files {'is' if len(files) == 2 else 'are'} like that)"
        pattern = _MAGIC.sub(r"[\g<0>]", files[0])
        self._fields.add("bad-axis", message + (more if len(files) > 1 else ""), path, f'{step}: "!{pattern}"')

    def _named(self, axis: str, text: str, path: KeyPath) -> AxisValue | None:
        """A value that is a text, or a path; None where no instance can be called by it."""
        fault = part_fault(text)
        if fault is None:
            return AxisValue(text, _parts(axis, text))
        message = f"no instance of task {self._task!r} can be called by {text!r}: {fault}"
        if path[-1] == "name":
            step = f"give it a plain name, and its text another key: ${{{axis}.text}}"
        else:
            step = f'give it a name: {{ name = "…", text = "…" }}, and write ${{{axis}.text}} in fields'
        self._fields.add("bad-axis", message, path, step)
        return None

    def _are_distinct(self, name: str, values: Sequence[AxisValue], path: KeyPath) -> bool:
        if len({value.text for value in values}) == len(values):
            return True
        counts = Counter(value.text for value in values)
        twice = next(text for text, count in counts.items() if count > 1)
        message = f"axis {name!r} of task {self._task!r} has {twice!r} twice"
        place = self._fields.locator.entry(path, twice, nth=1)
        self._fields.problems.append(Problem("bad-axis", message, place, "keep one of them"))
        return False

    def _are_alike(self, name: str, values: Sequence[AxisValue], path: KeyPath) -> bool:
        """Whether all values have what any has by its own keys: a field that uses it is for all of them."""
        keys = dict.fromkeys(key for value in values for key in value.known if key not in _parts(name, ""))
        lacking = [(value, key) for value in values for key in keys if key not in value.known]
        for value, key in lacking:
            message = f"{value.text!r} of axis {name!r} has no {key.rpartition('.')[2]!r}, which another value has"
            place = self._fields.locator.entry(path, value.text)
            self._fields.problems.append(
                Problem("bad-axis", message, place, "give it to all of them, as { name = …, … }")
            )
        return not lacking

    def _empty(self, name: str, written: AxisDocument, path: KeyPath) -> None:
        if isinstance(written, GlobDocument):
            patterns = [written.glob] if isinstance(written.glob, str) else written.glob
            message = f"{' '.join(map(repr, patterns))} matches no file, so task {self._task!r} would have no instances"
            step = "correct the pattern, or say allow_empty = true; what git ignores, and what tasks make, is not seen"
        else:
            message = f"axis {name!r} has no values, so task {self._task!r} would have no instances"
            step = "add a value, or say allow_empty = true"
        self._fields.add("empty-matrix", message, path, step)


def _all(values: Sequence[AxisValue | None]) -> list[AxisValue] | None:
    found = [value for value in values if value is not None]
    return found if len(found) == len(values) else None


def _parts(axis: str, text: str) -> dict[str, str]:
    """What ``${axis}`` and its parts stand for, of a text that may be a path."""
    head, slash, last = text.rpartition("/")
    dot = last.rfind(".")
    # As a shell and pathlib have it: a name that begins with its only dot has no suffix.
    stem, suffix = (last[:dot], last[dot:]) if 0 < dot < len(last) - 1 else (last, "")
    return {
        axis: text,
        f"{axis}.path": f"{head}{slash}{stem}",
        f"{axis}.dir": (head or slash) or ".",
        f"{axis}.name": last,
        f"{axis}.stem": stem,
        f"{axis}.suffix": suffix,
    }


def varied_fields(written: TaskDocument, axes: Sequence[str]) -> frozenset[str]:
    """The fields of a task that use its axes, and so differ from instance to instance."""
    names = set(axes)
    return frozenset(
        field for field in TaskDocument.__struct_fields__ if field != "matrix" and _uses(getattr(written, field), names)
    )


def _uses(value: Any, names: set[str]) -> bool:
    if isinstance(value, str):
        return "${" in value and any(used.partition(".")[0] in names for used in names_used(value))
    if isinstance(value, dict):
        return any(_uses(each, names) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_uses(each, names) for each in value)
    return hasattr(value, "__struct_fields__") and any(_uses(getattr(value, f), names) for f in value.__struct_fields__)
