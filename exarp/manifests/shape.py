"""Every fault in the shape of a manifest: unknown keys, keys of later versions, wrong types.

Knows the structs of ``document``. Runs only after msgspec refused the whole, which stops at the first error;
here each field is tried alone, faults are collected, and what is sound is kept so that later checks still run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from exarp.errors import Problem
from exarp.manifests import document as doc
from exarp.manifests.place import KeyPath, Locator
from exarp.model.name import did_you_mean

_PATH_PART = re.compile(r"\[(\d+)\]|\.(\w+)")
_NAMES: dict[str, str] = {
    "StrType": "a string",
    "IntType": "a whole number",
    "FloatType": "a number",
    "BoolType": "true or false",
    "DictType": "a table",
    "StructType": "a table",
}


def sound_part(raw: dict[str, Any], locator: Locator, problems: list[Problem]) -> doc.Document:
    """The document without its faulty fields; each fault is appended to ``problems``."""
    shape = _Shape(locator, problems)
    shape.refuse_keys(raw, (), doc.Document, doc.LATER_TOP, "at the top level")
    kept: dict[str, Any] = {}
    if "settings" in raw:
        kept["settings"] = shape.table(
            raw["settings"], ("settings",), doc.SettingsDocument, doc.LATER_SETTINGS, "in [settings]"
        )
    for key in ("vars", "resources"):
        if key in raw:
            kept[key] = shape.mapping(raw[key], (key,), doc.Scalar if key == "vars" else int | doc.Size)
    kept["task"] = dict(shape.tasks(raw.get("task", {})))
    kept["wave"] = list(shape.waves(raw.get("wave", [])))
    return msgspec.convert(kept, doc.Document)


class _Shape:
    def __init__(self, locator: Locator, problems: list[Problem]) -> None:
        self.locator = locator
        self.problems = problems

    def add(self, slug: str, message: str, path: KeyPath, on_key: bool, step: str = "") -> None:
        place = self.locator.key(*path) if on_key else self.locator.value(*path)
        self.problems.append(Problem(slug, message, place, step))

    def tasks(self, raw: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if not isinstance(raw, dict):
            self.add("wrong-type", f"'task' must be a table of tasks, not {_kind(raw)}", ("task",), False)
            return
        for name, table in raw.items():
            path = ("task", name)
            yield name, self.table(table, path, doc.TaskDocument, doc.LATER_TASK, f"in task {name!r}", self.dotted)

    def waves(self, raw: Any) -> Iterator[dict[str, Any]]:
        if not isinstance(raw, list):
            self.add("wrong-type", "'wave' must be written [[wave]], once a wave", ("wave",), True)
            return
        for index, table in enumerate(raw):
            name = table.get("name", index + 1) if isinstance(table, dict) else index + 1
            kept = self.table(table, ("wave", index), doc.WaveDocument, doc.LATER_WAVE, f"in wave {name!r}")
            for key in ("name", "tasks"):
                if isinstance(table, dict) and key not in table:
                    self.add("missing-key", f"wave {index + 1} has no {key!r}", ("wave", index), True, f"add {key} = …")
            # An empty stand-in keeps the numbering of waves, which places rely on.
            yield {"name": "", "tasks": [], **kept}

    def dotted(self, path: KeyPath, key: str, value: Any) -> bool:
        """Tell ``[task.a.b]`` from an unknown key: its value is a table."""
        if not isinstance(value, dict):
            return False
        name = f"{path[-1]}.{key}"
        self.add(
            "dotted-name",
            f"[task.{name}] makes a key {key!r} of task {str(path[-1])!r}, not a task {name!r}",
            (*path, key),
            True,
            f'quote it: [task."{name}"]',
        )
        return True

    def table(
        self,
        raw: Any,
        path: KeyPath,
        struct: type[msgspec.Struct],
        later: frozenset[str],
        where: str,
        unknown: Callable[[KeyPath, str, Any], bool] | None = None,
    ) -> dict[str, Any]:
        """The sound fields of one table."""
        if not isinstance(raw, dict):
            self.add("wrong-type", f"expected a table {where}, not {_kind(raw)}", path, False)
            return {}
        refused = self.refuse_keys(raw, path, struct, later, where, unknown)
        kept = {}
        for key, value in raw.items():
            if key not in refused and self.fits(value, (*path, key), _field_type(struct, key), f"{key!r} {where}"):
                kept[key] = value
        return kept

    def refuse_keys(
        self,
        raw: dict[str, Any],
        path: KeyPath,
        struct: type[msgspec.Struct],
        later: frozenset[str],
        where: str,
        unknown: Callable[[KeyPath, str, Any], bool] | None = None,
    ) -> set[str]:
        known = struct.__struct_encode_fields__
        refused = {key for key in raw if key not in known}
        for key in sorted(refused, key=list(raw).index):
            if key in later:
                self.add(
                    "not-supported-yet",
                    f"{key!r} {where} is not supported yet",
                    (*path, key),
                    True,
                    "take it out: this version of exarp would not act on it",
                )
            elif unknown is None or not unknown(path, key, raw[key]):
                hint = did_you_mean(key, known) or f"known keys: {', '.join(sorted(known))}"
                self.add("unknown-key", f"unknown key {key!r} {where}", (*path, key), True, hint)
        return refused

    def mapping(self, raw: Any, path: KeyPath, kind: Any) -> dict[str, Any]:
        """The sound entries of a table whose keys are the author's own."""
        where = f"[{path[-1]}]"
        if not isinstance(raw, dict):
            self.add("wrong-type", f"{where} must be a table, not {_kind(raw)}", path, False)
            return {}
        kept = {}
        for key, value in raw.items():
            if path == ("vars",) and isinstance(value, list | dict):
                what = "a list as a variable" if isinstance(value, list) else "a command as a variable"
                step = "write the value as a string"
                self.add(
                    "not-supported-yet", f"{what} ({key!r} in [vars]) is not supported yet", (*path, key), False, step
                )
            elif self.fits(value, (*path, key), kind, f"{key!r} in {where}"):
                kept[key] = value
        return kept

    def fits(self, value: Any, path: KeyPath, kind: Any, subject: str) -> bool:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            inner = _inner_path(str(error))
            offender = _follow(value, inner)
            message = f"{subject} must be {_words(kind)}, not {_kind(value)}"
            if inner:
                message = f"{subject} must be {_words(kind)}; here stands {_kind(offender)}"
            elif (limit := _limit(kind)) and isinstance(value, int | list):
                message = f"{subject} must be {limit}, not {value!r}"
            self.add("wrong-type", message, (*path, *inner), False, _repair(value, kind))
            return False
        return True


def _field_type(struct: type[msgspec.Struct], key: str) -> Any:
    """A field's annotation with its limits."""
    return get_type_hints(struct, include_extras=True)[key]


def _inner_path(message: str) -> KeyPath:
    """The path inside a field that msgspec's message names (``- at `$[1]```)."""
    found = re.search(r"at `\$([^`]*)`$", message)
    if found is None:
        return ()
    return tuple(int(part[1]) if part[1] else part[2] for part in _PATH_PART.finditer(found[1]))


def _follow(value: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return value
    return value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {value!r}" if len(value) <= 40 else "a string"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else f"a {type(value).__name__}"


def _words(kind: Any) -> str:
    return _describe(inspect.type_info(kind))


def _describe(info: inspect.Type) -> str:
    while isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(info, inspect.UnionType):
        words = [_describe(part) for part in info.types if type(part).__name__ != "UnsetType"]
        return " or ".join(dict.fromkeys(words))
    if isinstance(info, inspect.LiteralType):
        return "one of " + ", ".join(repr(value) for value in sorted(info.values, key=str) if value != "")
    if isinstance(info, inspect.ListType):
        return "a list of strings"
    if isinstance(info, inspect.IntType) and info.ge is not None:
        return f"a whole number, {info.ge} or more"
    return _NAMES.get(type(info).__name__, "something else")


def _limit(kind: Any) -> str:
    words = _words(kind)
    return words if "or more" in words else ""


def _repair(value: Any, kind: Any) -> str:
    words = _words(kind)
    if isinstance(value, str) and words.startswith("a list"):
        return f'write a list: ["{value}"]' if '"' not in value else "write a list: [ … ]"
    if isinstance(value, str) and words.startswith("one of"):
        return did_you_mean(value, re.findall(r"'([^']*)'", words))
    if isinstance(value, int) and not isinstance(value, bool) and words == "a string":
        return f'write a string with its unit: "{value}s" for a duration, "{value}MiB" for a size'
    return ""
