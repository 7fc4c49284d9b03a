"""A draft as TOML, as a person would write it.

Knows TOML's strings, lists and tables. Does not know what keys mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exarp.manifests.foreign.draft import Draft, DraftTask
from exarp.model.leftover import Leftover

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 110
_FIRST = ("extends", "description", "internal", "aliases", "tags")
_LAST = ("needs", "after", "inputs", "outputs", "depfile", "env", "shell", "run", "finally")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def draft_text(draft: Draft) -> str:
    """The manifest's whole text, UTF-8 when encoded, with what was not converted in a comment at its end."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    made = f"Converted from {draft.file}" if draft.converted else f"For {draft.tool}, as {draft.file} suggests"
    yield f"# {_comment(made)}. `exarp plan` shows the waves, `exarp check` what is in doubt."
    for header, entries in (
        ("settings", draft.settings), ("resources", draft.resources), ("vars", draft.variables)
    ):  # fmt: skip
        if entries:
            yield ""
            yield f"[{header}]"
            yield from _entries(entries)
    for name, keys in draft.templates.items():
        yield ""
        yield f"[template.{key(name)}]"
        yield from _entries(keys)
    for task in draft.tasks:
        yield ""
        yield from _task(task)
    for wave in draft.waves:
        yield ""
        yield "[[wave]]"
        yield from _entries(wave)
    yield from _leftovers(draft.file, sorted(draft.leftovers))


def _task(task: DraftTask) -> Iterator[str]:
    yield from (f"# {_comment(note)}" for note in task.notes)
    yield f"[task.{key(task.name)}]"
    yield from _entries(dict(sorted(task.keys.items(), key=_place)))


def _place(entry: tuple[str, Any]) -> int:
    """Where people look for a key: what a task is comes first, then when it is done, then how; all others stay between."""
    name = entry[0]
    return _FIRST.index(name) - len(_FIRST) if name in _FIRST else _LAST.index(name) + 1 if name in _LAST else 0


def _entries(entries: Mapping[str, Any]) -> Iterator[str]:
    return (f"{key(name)} = {value(entry)}" for name, entry in entries.items())


def _leftovers(file: str, leftovers: Iterable[Leftover]) -> Iterator[str]:
    for number, left in enumerate(leftovers):
        if number == 0:
            yield ""
            yield "# Not converted:"
        yield f"# {_comment(left.place(file))}: {_comment(left.text)}: {_comment(left.why)}"


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else _line_of_text(name)


def text(content: str) -> str:
    """A string; one of several lines between three quotes, one with quotes between apostrophes where that reads better."""
    if "\n" in content.strip("\n") and "\r" not in content:
        return _lines_of_text(content)
    if '"' in content and "'" in content and "'''" not in content and content.isprintable() and content[-1] != "'":
        return f"'''{content}'''"
    return _line_of_text(content)


def _line_of_text(content: str) -> str:
    if ('"' in content or "\\" in content) and "'" not in content and content.isprintable():
        return f"'{content}'"
    return '"' + "".join(_escaped(char) for char in content) + '"'


def _lines_of_text(content: str) -> str:
    plain = all(char == "\n" or char == "\t" or char.isprintable() for char in content)
    if plain and "'''" not in content and not content.endswith("'"):
        return f"'''\n{content}'''"
    inner = "".join(char if char in '\n"' else _escaped(char) for char in content)
    inner = re.sub(r'"(?=""|\Z)', r"\"", inner)
    return f'"""\n{inner}"""'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def value(entry: Any) -> str:
    """Any value of a manifest. Raises TypeError for what no manifest holds."""
    if isinstance(entry, bool):
        return "true" if entry else "false"
    if isinstance(entry, int | float):
        return repr(entry)
    if isinstance(entry, str):
        return text(entry)
    if isinstance(entry, Mapping):
        inner = ", ".join(f"{key(name)} = {value(each)}" for name, each in entry.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(entry, list | tuple):
        return _list([value(each) for each in entry])
    raise TypeError(f"no manifest holds {type(entry).__name__}")


def _list(entries: list[str]) -> str:
    line = f"[{', '.join(entries)}]"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    return "[\n" + "".join(f"  {entry},\n" for entry in entries) + "]"


def _comment(content: str) -> str:
    return "".join(char if char.isprintable() else " " for char in content)
