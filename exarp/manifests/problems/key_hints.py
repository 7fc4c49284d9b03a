"""What the author of an unknown key most likely meant.

Knows the keys of every table, and what other build tools call them. Does not know where a key stands in a file.
"""

from __future__ import annotations

import textwrap

import msgspec

from exarp.manifests.document import Document, SettingsDocument, TaskDocument, WaveDocument
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
_HOMES: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("[settings]", SettingsDocument),
    ("a task", TaskDocument),
    ("[[wave]]", WaveDocument),
)
_WIDTH = 84


def key_hint(key: str, struct: type[msgspec.Struct], later: frozenset[str], suggestions: Suggestions) -> str:
    """The next step for an unknown ``key`` of the table that ``struct`` describes."""
    known = struct.__struct_encode_fields__
    meant = _OTHER_WORDS.get(key.lower().replace("-", "_"))
    if meant not in known:
        meant = suggestions.nearest(key, [*known, *later])
    if meant is not None:
        return f"did you mean {meant!r}?" + (" It is not supported yet" if meant in later else "")
    homes = [home for home, other in _HOMES if key in other.__struct_encode_fields__ and key != "name"]
    if homes:
        return f"{key!r} belongs in {' or '.join(homes)}"
    if key in Document.__struct_encode_fields__:
        return f"{key!r} belongs at the top level"
    return "\n".join(textwrap.wrap(f"known keys: {', '.join(sorted(known))}", _WIDTH))


def meant_table(key: str) -> str | None:
    """The table of the top level that a misspelt ``key`` was surely meant for, or None."""
    known = Document.__struct_encode_fields__
    meant = _OTHER_WORDS.get(key)
    return meant if meant in known else nearest(key, known)
