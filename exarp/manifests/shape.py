"""Every fault in the shape of a manifest: unknown keys, keys of later versions, wrong types.

Knows the structs of ``document``. Runs only after msgspec refused the whole, which stops at the first error; here
each field, entry and element is tried alone, faults are collected, and what is sound is kept so that later checks
still run. What was surely meant (``[tasks.a]``, ``[task.a.b]``) is read as such, so that its own faults are told too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from exarp.errors import Fix, Problem
from exarp.manifests import document as doc
from exarp.manifests.problems import fixes
from exarp.manifests.problems.key_hints import KeyHint, is_sure, key_hint, meant_table
from exarp.manifests.problems.place import Locator
from exarp.manifests.problems.positions import KeyPath
from exarp.manifests.problems.suggestions import Suggestions
from exarp.manifests.problems.type_words import Kind, field_kinds, repair, value_words
from exarp.manifests.sound import Sound

_OF_TASKS = frozenset(doc.TaskDocument.__struct_encode_fields__) | doc.LATER_TASK
_OF_WAVES = frozenset(doc.WaveDocument.__struct_encode_fields__)
# Keys that name further variables: without them ``${src}`` would be unknown, which is not what is wrong.
_MAKE_VARIABLES = frozenset(("params",))


class _Table(NamedTuple):
    """A table of a manifest: where it stands, the struct of its fields, keys of later versions, how to say "in it"."""

    path: KeyPath
    struct: type[msgspec.Struct]
    later: frozenset[str]
    where: str


def sound_part(raw: dict[str, Any], locator: Locator, problems: list[Problem]) -> Sound:
    """The document without its faulty fields; each fault is appended to ``problems``."""
    shape = _Shape(locator, problems)
    raw = shape.top_level(raw)
    kept: dict[str, Any] = {}
    if "settings" in raw:
        table = _Table(("settings",), doc.SettingsDocument, frozenset(), "in [settings]")
        kept["settings"] = shape.fields(raw["settings"], table, "[settings]")
    if "include" in raw:
        kept["include"] = shape.entries(raw["include"], ("include",), _entry_kind("include"), "in [include]")
    if "vars" in raw:
        kept["vars"] = shape.variables(raw["vars"])
    if "resources" in raw:
        kept["resources"] = shape.entries(raw["resources"], ("resources",), _entry_kind("resources"), "in [resources]")
    if "cache" in raw:
        table = _Table(("cache",), doc.CacheDocument, frozenset(), "in [cache]")
        kept["cache"] = shape.fields(raw["cache"], table, "[cache]")
    if "recovery" in raw and (found := shape.recovery(raw["recovery"])):
        kept["recovery"] = found
    if "agents" in raw:
        kept["agents"] = shape.entries(raw["agents"], ("agents",), _entry_kind("agents"), "in [agents]")
    kept["template"] = dict(shape.templates(raw.get("template", {})))
    kept["task"] = dict(shape.tasks(raw.get("task", {})))
    kept["wave"] = list(shape.waves(raw.get("wave", [])))
    document = msgspec.convert(kept, doc.Document)
    return Sound(document, frozenset(shape.broken_variables), frozenset(shape.broken_matrices))


def sound_table(
    raw: Any, struct: type[msgspec.Struct], name: str, step: str, locator: Locator, problems: list[Problem]
) -> dict[str, Any]:
    """The sound fields of the table ``name`` of another document; each fault is appended to ``problems``. ``step``: how to
    write the table, for who wrote none.
    """
    return _Shape(locator, problems).fields(raw, _Table((name,), struct, frozenset(), f"in {name}"), repr(name), step)


class _Shape:
    def __init__(self, locator: Locator, problems: list[Problem]) -> None:
        self.locator = locator
        self.problems = problems
        self.broken_variables: set[str] = set()
        self.broken_matrices: set[str] = set()
        self.suggestions = Suggestions()
        self.hints: dict[tuple[str, type[msgspec.Struct]], KeyHint] = {}

    def add(
        self, slug: str, message: str, path: KeyPath, step: str = "", on_key: bool = False, fix: Fix | None = None
    ) -> None:
        place = self.locator.key(*path) if on_key else self.locator.value(*path)
        self.problems.append(Problem(slug, message, place, step, fix=fix))

    def is_null(self, value: Any, path: KeyPath, subject: str) -> bool:
        """Whether ``value`` is none, which is told: YAML and JSON have a word for it, and YAML writes it by writing nothing."""
        if value is None:
            self.add("no-value", f"{subject} has no value", path, "give it one, or leave the key out")
        return value is None

    # -- the tables of a manifest ------------------------------------------------------------------------------

    def top_level(self, raw: dict[str, Any]) -> dict[str, Any]:
        """``raw`` with misspelt tables under the names that were meant."""
        self.refuse_keys(raw, _Table((), doc.Document, frozenset(), "at the top level"))
        known = doc.Document.__struct_encode_fields__
        found = dict(raw)
        for key, value in raw.items():
            name = meant_table(key) if key not in known else None
            if name is not None and name not in found and _may_be(name, value):
                found[name] = value
                self.locator.move((name,), (key,))
        return found

    def recovery(self, raw: Any) -> dict[str, Any]:
        """The sound fields of ``[recovery]``; nothing where it says no command, which is told."""
        kept = self.fields(raw, _Table(("recovery",), doc.RecoveryDocument, frozenset(), "in [recovery]"), "[recovery]")
        if _is_table(raw) and "run" not in raw:
            self.add("missing-key", "[recovery] has no 'run'", ("recovery",), 'add run = "…"', on_key=True)
        return kept if "run" in kept else {}

    def variables(self, raw: Any) -> dict[str, Any]:
        kept = self.entries(raw, ("vars",), _entry_kind("vars"), "in [vars]")
        self.broken_variables = set(raw) - set(kept) if _is_table(raw) else set()
        return kept

    def tasks(self, raw: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if self.is_null(raw, ("task",), "'task'"):
            return
        if not _is_table(raw):
            message = f"'task' must hold tables, one a task, not {value_words(raw)}"
            self.add("wrong-type", message, ("task",), "write [task.NAME]")
            return
        for name, table in raw.items():
            dotted = dict(self.dotted(name, table)) if _is_table(table) else {}
            inner = _keys_inside(dotted.values())
            yield name, self.task(name, table, inner[()])
            for meant, path in dotted.items():
                if meant not in raw:
                    self.locator.move(("task", meant), ("task", name, *path))
                    yield meant, self.task(meant, _at(table, path), inner[path])

    def task(self, name: str, table: Any, dotted: Collection[str] = ()) -> dict[str, Any]:
        shape = _task_fields(name)
        if dotted:
            table = {key: value for key, value in table.items() if key not in dotted}
        kept = self.fields(table, shape, f"task {name!r}", f'write [task.{name}] and below it run = "…"')
        if _is_table(table):
            self.forgive(name, table, kept)
        return kept

    def forgive(self, name: str, table: dict[str, Any], kept: dict[str, Any]) -> None:
        """Change what is kept of a task so that what was refused is not told once more, in other words."""
        if not {"run", "argv", "prompt"} & kept.keys() and set(table) - set(kept):
            # What was refused may have been its command: it must not be told, too, that it runs nothing.
            kept["run"] = ""
        is_broken = kept.get("matrix", {}) != table.get("matrix", {})
        if is_broken:
            self.broken_matrices.add(name)
            kept.pop("matrix", None)
        if is_broken or _MAKE_VARIABLES.intersection(table) or ("extends" in table and "extends" not in kept):
            for key in [key for key, value in kept.items() if key != "run" and _uses_variables(value)]:
                del kept[key]

    def templates(self, raw: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if not _is_table(raw):
            message = f"'template' must hold tables, one a template, not {value_words(raw)}"
            self.add("wrong-type", message, ("template",), "write [template.NAME]")
            return
        for name, table in raw.items():
            shape = _Table(("template", name), doc.TaskDocument, doc.LATER_TASK, f"in template {name!r}")
            yield name, self.fields(table, shape, f"template {name!r}", f"write [template.{name}]")

    def dotted(self, name: str, table: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Tasks that ``[task.a.b]`` was meant to declare, with their paths in task ``a``; each is told."""
        fields = _task_fields(name)
        for path in _inner_tables(table):
            if self.key_fix(table, path[0], fields) is not None:
                continue  # it is surely a key, and told as one that is unknown
            if self.locator.has_header("task", name, *path):
                meant = ".".join((name, *path))
                message = f"[task.{meant}] makes a key {path[0]!r} of task {name!r}, not a task {meant!r}"
                step = f'quote it: [task."{meant}"]'
                at = ("task", name, *path)
                fix = fixes.quoted_name(self.locator, at) if self.is_task(_at(table, path), path) else None
                self.add("dotted-name", message, at, step, on_key=True, fix=fix)
                yield meant, path

    def is_task(self, table: dict[str, Any], path: tuple[str, ...]) -> bool:
        """Whether a table inside of a task is surely one itself, and its name no slip for a key."""
        is_whole = not {"run", "argv", "prompt"}.isdisjoint(table) and _OF_TASKS.issuperset(table)
        return is_whole and all(self.suggestions.slip(part, _OF_TASKS) is None for part in path)

    def waves(self, raw: Any) -> Iterator[dict[str, Any]]:
        if self.is_null(raw, ("wave",), "'wave'"):
            return
        if not isinstance(raw, list):
            step = "write [[wave]] with two brackets" if self.locator.has_header("wave") else "write [[wave]]"
            is_wave = _is_table(raw) and {"name", "tasks"} <= raw.keys() <= _OF_WAVES
            fix = fixes.doubled_brackets(self.locator, ("wave",)) if "two" in step and is_wave else None
            message = f"'wave' must be a list of tables, not {value_words(raw)}"
            self.add("wrong-type", message, ("wave",), step, on_key=True, fix=fix)
            return
        for index, table in enumerate(raw):
            name = table.get("name") if _is_table(table) else None
            which = f"wave {name!r}" if isinstance(name, str) else f"wave {index + 1}"
            shape = _Table(("wave", index), doc.WaveDocument, doc.LATER_WAVE, f"in {which}")
            kept = self.fields(table, shape, which)
            for key, step in (("name", 'add name = "…"'), ("tasks", 'add tasks = ["…"]')):
                if _is_table(table) and key not in table:
                    self.add("missing-key", f"{which} has no {key!r}", ("wave", index), step, on_key=True)
            # A stand-in keeps the numbering of waves, which places rely on.
            yield {"name": doc.stand_in(index + 1), "tasks": [], **kept}

    # -- their fields ------------------------------------------------------------------------------------------

    def fields(self, raw: Any, table: _Table, subject: str, step: str = "") -> dict[str, Any]:
        """The sound fields of one table."""
        if self.is_null(raw, table.path, subject):
            return {}
        if not _is_table(raw):
            self.add("wrong-type", f"{subject} must be a table, not {value_words(raw)}", table.path, step)
            return {}
        refused = self.refuse_keys(raw, table)
        kinds = field_kinds(table.struct)
        kept: dict[str, Any] = {}
        for key, value in raw.items():
            if key not in refused:
                kept.update(
                    (key, part) for part in self.sound(value, (*table.path, key), kinds[key], f"{key!r} {table.where}")
                )
        return kept

    def refuse_keys(self, raw: dict[str, Any], table: _Table) -> set[str]:
        known = table.struct.__struct_encode_fields__
        refused = [key for key in raw if key not in known]
        for key in refused:
            path = (*table.path, key)
            if key in table.later:
                step = "take it out: this version of exarp would not act on it"
                self.add("not-supported-yet", f"{key!r} {table.where} is not supported yet", path, step, on_key=True)
            else:
                message, fix = f"unknown key {key!r} {table.where}", self.key_fix(raw, key, table)
                self.add("unknown-key", message, path, self.hint(key, table).step, on_key=True, fix=fix)
        return set(refused)

    def hint(self, key: str, table: _Table) -> KeyHint:
        if (key, table.struct) not in self.hints:
            self.hints[key, table.struct] = key_hint(key, table.struct, table.later, self.suggestions)
        return self.hints[key, table.struct]

    def key_fix(self, raw: dict[str, Any], key: str, table: _Table) -> Fix | None:
        """The right key for an unknown one, where that is certain, is not there yet, and takes the value."""
        meant, known = self.hint(key, table).meant, table.struct.__struct_encode_fields__
        if meant is None or meant in raw or not is_sure(key, raw[key], table.struct):
            return None
        others = [other for other in raw if other != key and other not in known and other not in table.later]
        if any(self.hint(other, table).meant == meant for other in others):
            return None
        path = (*table.path, key)
        if not table.path:
            # What is in it is told by itself.
            return fixes.renamed(self.locator, path, meant) if _may_be(meant, raw[key]) else None
        inner = self.told_apart(raw[key], path, field_kinds(table.struct)[meant])
        mended = [problem.fix for problem in inner if problem.fix is not None]
        return fixes.renamed(self.locator, path, meant, mended) if len(mended) == len(inner) else None

    def told_apart(self, value: Any, path: KeyPath, kind: Kind) -> list[Problem]:
        """What would be wrong with a value if it were one of ``kind``."""
        told, self.problems = self.problems, []
        self.sound(value, path, kind, "")
        told, self.problems = self.problems, told
        return told

    def entries(self, raw: Any, path: KeyPath, kind: Kind, where: str) -> dict[str, Any]:
        """The sound entries of a table whose keys are the author's own."""
        if self.is_null(raw, path, f"[{path[-1]}]"):
            return {}
        if not _is_table(raw):
            step = f"write [{path[-1]}], and below it NAME = …"
            self.add("wrong-type", f"[{path[-1]}] must be a table, not {value_words(raw)}", path, step)
            return {}
        kept: dict[str, Any] = {}
        for key, value in raw.items():
            kept.update((key, part) for part in self.sound(value, (*path, key), kind, f"{key!r} {where}"))
        return kept

    def elements(self, raw: list[Any], path: KeyPath, kind: Kind, subject: str) -> list[Any]:
        """The sound elements of a list."""
        return [
            part
            for index, value in enumerate(raw)
            for part in self.sound(value, (*path, index), kind, f"an entry of {subject}")
        ]

    def sound(self, value: Any, path: KeyPath, kind: Kind, subject: str) -> list[Any]:
        """What is sound of a value: nothing, or one value."""
        if self.is_null(value, path, subject):
            return []
        if isinstance(value, list) and kind.items and value:
            kept = self.elements(value, path, kind.items, subject)
            return [kept] if kept else []
        if _is_table(value) and kind.values:
            return [self.entries(value, path, kind.values, f"of {subject}")]
        if _is_table(value) and kind.struct is not None:
            return self.inner(value, path, kind.struct, subject)
        if any(_fits(value, part) for part in kind.types):
            return [value]
        self.wrong_type(value, path, kind, subject)
        return []

    def wrong_type(self, value: Any, path: KeyPath, kind: Kind, subject: str) -> None:
        if value == [] and kind.items:
            self.add("empty-list", f"{subject} must not be empty", path, "take the key out, or fill the list")
        elif _is_table(value) and path[0] == "task" and len(path) == 3 and self.locator.has_header(*path):
            name = f"{path[1]}.{path[2]}"
            message = f"{subject} must be {kind.words}, not a table"
            self.add("wrong-type", message, path, f'for a task {name!r}, quote it: [task."{name}"]')
        elif (most := kind.most) is not None and type(value) is int and value > most:
            self.add("wrong-type", f"{subject} is too large: it can be {most} at most", path, f"write {most} or less")
        else:
            step = repair(value, kind) or f"write {kind.words}"
            message = f"{subject} must be {kind.words}, not {value_words(value)}"
            self.add("wrong-type", message, path, step, fix=fixes.rewritten(self.locator, path, value, kind))

    def inner(self, value: dict[str, Any], path: KeyPath, struct: type[msgspec.Struct], subject: str) -> list[Any]:
        """A table with keys of its own where other kinds of values may stand too, such as ``{ from = "TASK" }``."""
        kept = self.fields(value, _Table(path, struct, frozenset(), f"in {subject}"), subject)
        missing = [
            field.encode_name
            for field in msgspec.structs.fields(struct)
            if field.required and field.encode_name not in kept
        ]
        if missing and value.keys() <= set(struct.__struct_encode_fields__) and missing[0] not in value:
            words = getattr(struct, "words", "")
            self.add("missing-key", f"{subject} has no {missing[0]!r}", path, f"write {words}" if words else "")
        return [] if missing else [kept]


def _task_fields(name: str) -> _Table:
    return _Table(("task", name), doc.TaskDocument, doc.LATER_TASK, f"in task {name!r}")


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _may_be(table: str, value: Any) -> bool:
    """Whether ``value``, under a misspelt key, has the shape of that table of the top level."""
    if table == "wave":
        return isinstance(value, list)
    return _is_table(value) and (table != "task" or all(_is_table(each) for each in value.values()))


def _fits(value: Any, part: inspect.Type) -> bool:
    """Whether a scalar, or an empty list, is what one alternative of a kind takes."""
    if isinstance(part, inspect.LiteralType):
        return isinstance(value, str) and value in part.values
    if isinstance(part, inspect.ListType):
        return value == [] and not part.min_length
    if isinstance(part, inspect.StrType):
        return isinstance(value, str)
    if isinstance(part, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if isinstance(part, inspect.IntType):
        return (
            isinstance(value, int) and (part.ge is None or part.ge <= value) and (part.le is None or value <= part.le)
        )
    return isinstance(part, inspect.FloatType) and isinstance(value, float)


def _uses_variables(value: Any) -> bool:
    return "${" in repr(value)


def _entry_kind(key: str) -> Kind:
    kind = field_kinds(doc.Document)[key].values
    assert kind is not None, "its keys are the author's own"
    return kind


def _at(table: dict[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = table
    for part in path:
        found = found[part]
    return found


def _keys_inside(paths: Iterable[tuple[str, ...]]) -> defaultdict[tuple[str, ...], set[str]]:
    """For each table on the way along ``paths`` the keys that lead on."""
    found: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in paths:
        for length in range(len(path)):
            found[path[:length]].add(path[length])
    return found


def _inner_tables(table: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Paths to the tables inside ``table`` that are no fields of a task, and hold more than further tables."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        path = waiting.pop()
        found = _at(table, path)
        inner = [key for key, value in found.items() if key not in _OF_TASKS and _is_table(value)]
        waiting += [(*path, key) for key in reversed(inner)]
        if path and (not inner or len(inner) < len(found)):
            yield path
