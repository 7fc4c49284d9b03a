"""One file of a manifest: the manifest itself, or one that it includes.

Knows what belongs to a single file. Does not know how files are found (``included``), or how they become one (``joining``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from exarp.manifests.document import Document
from exarp.manifests.problems.notation import Notation
from exarp.manifests.problems.place import Locator
from exarp.manifests.sound import Sound
from exarp.manifests.variables.definitions import Variables
from exarp.model.manifest import Manifest


class Source(msgspec.Struct, frozen=True):
    """The bytes of a manifest; how messages name its file; what it is written in; its folder as seen from the workspace
    root (empty: the root itself); what tells the file from all others, by whatever name it is reached.
    """

    data: bytes
    shown: str
    notation: Notation
    base: str = ""
    identity: str = ""


class Part(msgspec.Struct, frozen=True):
    """A file, read as far as its document: parsed as ``raw``, of which a part is ``sound``. ``prefix`` is
    in front of its names (``ui:``), empty for the root's; ``outer`` is the file that includes it, by its ``key`` of ``include``.
    """

    source: Source
    prefix: str
    raw: Mapping[str, Any]
    sound: Sound
    variables: Variables
    locator: Locator
    outer: Part | None = None
    key: str = ""

    @property
    def document(self) -> Document:
        """What is sound of the file."""
        return self.sound.document


class Joined(msgspec.Struct, frozen=True):
    """What the files of a manifest are together: the matrices that are at fault, where everything stands, prefixes of files that
    could not be read (None: nothing is included), all files that were.
    """

    manifest: Manifest
    broken: Collection[str]
    locator: Locator
    unread: Sequence[str] | None
    parts: Sequence[Part]


def within(sound: Sound, raw: Mapping[str, Any], outer: Part) -> tuple[Sound, dict[str, Any]]:
    """An included file with what it takes from the one around it: its settings, and templates that it has none of itself."""
    own = sound.document
    document = replace(own, settings=outer.document.settings, template=outer.document.template | own.template)
    templates = _table(outer.raw, "template") | _table(raw, "template")
    return replace(sound, document=document), {**raw, "template": templates}


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = raw.get(key)
    return found if isinstance(found, dict) else {}
