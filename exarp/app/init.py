"""The use case ``init``: a first manifest, made from what is in the folder.

Knows the order: what another tool's file says, else what the files suggest, else a small example. Does not know what files
suggest (``manifests.foreign``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from exarp.app.import_manifest import FILES, convert, find, globber, read_text, refuse_target, sound_text
from exarp.app.schema import schema
from exarp.errors import ExarpError, Problem, UsageError
from exarp.manifests.foreign.draft import Draft
from exarp.manifests.foreign.proposal import propose
from exarp.model.leftover import Leftover
from exarp.store.state_folder import StateFolder

# Editors that know TOML read it (taplo.tamasfe.dev); exarp does not.
_SCHEMA = "#:schema .exarp/schema.json\n"

STARTER = """\
# Tasks, what they read and what they make: exarp works out the order and what may run side by side.
#   exarp run          bring everything up to date       exarp plan    show the waves, and why
#   exarp run greet    one task and what it needs        exarp list    show the tasks

[settings]
default = ["greet"]

[vars]
name = "world"

[task.text]
description = "Write a line to a file"
outputs = ["build/hello.txt"]
inputs = []
run = 'echo "hello, $name" > $out'

[task.greet]
description = "Show the line; needs build/hello.txt, so it runs after text"
inputs = ["build/hello.txt"]
run = "cat $in"
"""


class Begun(msgspec.Struct, frozen=True):
    """A manifest that was written. ``source``: what it was made from, empty for the example; ``tool``: whose file or what kind of
    project that is."""

    path: str
    tasks: int
    source: str = ""
    tool: str = ""
    converted: bool = False
    leftovers: tuple[Leftover, ...] = ()


def init(folder: str, file: str | None, force: bool, environ: Mapping[str, str]) -> Begun:
    """Write ``file`` (``exarp.toml`` if None) into ``folder``, and the schema for editors into its ``.exarp``.

    Raises UsageError if it is there already, cannot be written, or has a name that is not read as TOML.
    """
    path = os.path.join(folder, file or "exarp.toml")
    refuse_target(path, force)
    draft = _draft(folder)
    if draft is not None:
        text = sound_text(draft, folder, None, environ)
        if draft.tasks:
            _write(path, f"{_SCHEMA}{text}", force)
            return Begun(
                path, len(draft.tasks), draft.file, draft.tool, draft.converted, tuple(sorted(draft.leftovers))
            )
    _write(path, f"{_SCHEMA}{STARTER}", force)
    return Begun(path, 2)


def _draft(folder: str) -> Draft | None:
    """What another tool's file says, else what the files suggest; None where they suggest nothing."""
    for tool in FILES:
        source = find(tool, folder)
        if source is not None:
            try:
                draft = convert(tool, source, os.path.basename(source))
            except ExarpError:
                # What its own tool could not read either is no reason to write no manifest.
                continue
            if draft.tasks:
                return draft
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    return propose(names, globber(folder), lambda name: _text(os.path.join(folder, name)))


def _text(path: str) -> str:
    try:
        return read_text(path, path)
    except ExarpError:
        return ""


def _write(path: str, text: str, force: bool) -> None:
    """The manifest, and beside it the schema that its first line names."""
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as manifest:
            manifest.write(text)
        state = StateFolder(os.path.dirname(path))
        state.prepare()
        with open(os.path.join(state.path, "schema.json"), "wb") as file:
            file.write(schema())
    except FileExistsError:
        message = f"{path} exists already"
        raise UsageError(Problem("manifest-exists", message, None, "edit it, or say --force to replace it")) from None
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise UsageError(Problem("unwritable", message, None, "choose a folder you can write to")) from None
