"""What the author of an unknown key most likely meant.

Knows the keys of every table, and what other build tools call them. Does not know where a key stands in a file.
"""

from __future__ import annotations

import textwrap
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from exarp.manifests.document import Document, SettingsDocument, TaskDocument, WaveDocument
from exarp.manifests.problems.slips import meant_by
from exarp.manifests.problems.suggestions import Suggestions
from exarp.model.name import nearest

# What make, just, go-task, npm and the CI services call the same thing.
_OTHER_WORDS = {
    "cmd": "run", "cmds": "run", "command": "run", "commands": "run", "script": "run", "scripts": "run", "exec": "run",
    "deps": "needs", "dep": "needs", "depends": "needs", "depends_on": "needs", "dependencies": "needs",
 "sources": "inputs", "srcs": "inputs", "src": "inputs", "files": "inputs",
    "generates": "outputs", "produces": "outputs", "targets": "outputs", "artifacts": "outputs",
    "dir": "cwd", "directory": "cwd", "working_dir": "cwd", "workdir": "cwd", "working_directory": "cwd",
    "desc": "description", "help": "description", "summary": "description", "doc": "description",
    "environment": "env", "variables": "vars", "var": "vars", "tasks": "task", "waves": "wave", "steps": "run",
    "retry": "retries", "ignore_error": "allow_failure", "ignore_errors": "allow_failure", "tag": "tags",
    "concurrency": "jobs", "threads": "jobs", "pools": "resources", "order_only": "after",
}  # fmt: skip
# Those that mean the same there as here. Not what only seems to: exarp empties folders that are outputs, and runs nothing for
# ``after``, as others do for ``order_only``.
_SAME = frozenset(
    "cmd cmds command commands script deps depends depends_on dependencies sources srcs dir working_dir workdir "
    "working_directory desc help summary doc environment variables var tasks waves pools ignore_error ignore_errors "
    "retry concurrency tag".split()
)
# A list of them is one command elsewhere, or one script; here each of its strings is a script of its own.
_ALONE = frozenset("cmd command commands script".split())
_HOMES: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("[settings]", SettingsDocument),
    ("a task", TaskDocument),
    ("[[wave]]", WaveDocument),
)
_WIDTH = 84


class KeyHint(NamedTuple):
    """The next step for an unknown key, and the key that it may stand for by a slip of the pen or in another tool."""

    step: str
    meant: str | None


def key_hint(key: str, struct: type[msgspec.Struct], later: frozenset[str], suggestions: Suggestions) -> KeyHint:
    """What to do about an unknown ``key`` of the table that ``struct`` describes."""
    known = struct.__struct_encode_fields__
    meant = _OTHER_WORDS.get(_word(key))
    if meant in known:
        return KeyHint(_step(key, struct, later, meant), meant)
    slip = suggestions.slip(key, [*known, *later])
    near = slip or suggestions.nearest(key, [*known, *later])
    return KeyHint(_step(key, struct, later, near), None if slip in later else slip)


def _step(key: str, struct: type[msgspec.Struct], later: frozenset[str], meant: str | None) -> str:
    if meant is not None:
        return f"did you mean {meant!r}?" + (" It is not supported yet" if meant in later else "")
    homes = [home for home, other in _HOMES if key in other.__struct_encode_fields__ and key != "name"]
    if homes:
        return f"{key!r} belongs in {' or '.join(homes)}"
    if key in Document.__struct_encode_fields__:
        return f"{key!r} belongs at the top level"
    return "\n".join(textwrap.wrap(f"known keys: {', '.join(sorted(struct.__struct_encode_fields__))}", _WIDTH))


def is_sure(key: str, value: Any, struct: type[msgspec.Struct]) -> bool:
    """Whether nobody can have meant anything else than a hint says by ``key``, with this ``value``, in the table of ``struct``.

    Whether the value is one for the key that is meant, and that key free, is for the caller to see.
    """
    word, known = _word(key), struct.__struct_encode_fields__
    if word in _OTHER_WORDS and word not in known:
        is_same = word in _SAME and (word not in _ALONE or isinstance(value, str))
        return is_same and _OTHER_WORDS[word] in known
    return not _is_right_elsewhere(key, value, struct)


def _is_right_elsewhere(key: str, value: Any, struct: type[msgspec.Struct]) -> bool:
    """Whether the key, with this value, is one of another table: it may only stand in the wrong place."""
    homes: list[type[msgspec.Struct]] = [*(home for _, home in _HOMES), Document]
    for home in homes:
        if home is not struct and key in home.__struct_encode_fields__:
            types = {field.encode_name: field.type for field in msgspec.structs.fields(home)}
            with suppress(msgspec.ValidationError):
                msgspec.convert(value, types[key])
                return True
    return False


def _word(key: str) -> str:
    return key.lower().replace("-", "_")


def meant_table(key: str) -> str | None:
    """The table of the top level that a misspelt ``key`` was surely meant for, or None."""
    known = Document.__struct_encode_fields__
    meant = _OTHER_WORDS.get(_word(key))
    return meant if meant in known else meant_by(key, known) or nearest(key, known)
