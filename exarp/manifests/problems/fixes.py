"""How what is surely meant is written into the text of a manifest.

Knows where keys and values stand, and which text around them has to change with them; a key is renamed wherever it is written, or
nowhere. Does not decide what is certain (``key_hints``, ``sure_values``), and changes nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from exarp.errors import Edit, Fix
from exarp.manifests.problems.place import Locator
from exarp.manifests.problems.sure_values import sure_text, sure_word
from exarp.manifests.problems.type_words import Kind

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath

_GAP = r"[ \t]*"


def renamed(locator: Locator, path: KeyPath, name: str, inner: Sequence[Fix] = ()) -> Fix | None:
    """The key at ``path`` gets another name; ``inner``: what is mended in its value at the same time."""
    old, edits = str(path[-1]), []
    for start, end in locator.mentions(*path):
        written = locator.text[start:end]
        quote = written[0] if written[0] in "\"'" else ""
        if written != f"{quote}{old}{quote}":
            return None
        edits.append(Edit(start, end, f"{quote}{name}{quote}"))
    if not edits:
        return None
    words = " with ".join([name, *(fix.words for fix in inner[:1])])
    return Fix((*edits, *(edit for fix in inner for edit in fix.edits)), words)


def rewritten(locator: Locator, path: KeyPath, value: Any, kind: Kind) -> Fix | None:
    """The value at ``path`` is written as one of ``kind``, where that is certain."""
    extent = locator.extent(*path)
    if extent is None:
        return None
    written = locator.text[slice(*extent)]
    key = next(part for part in reversed(path) if isinstance(part, str))
    text = sure_text(value, kind, key, written, _only_part(locator, path, value, written))
    return None if text is None else Fix((Edit(*extent, text),), text)


def respelt(locator: Locator, path: KeyPath, value: str, known: Iterable[str]) -> Fix | None:
    """The text at ``path`` becomes the one of the words ``known`` that it is a slip of, where that is certain."""
    extent = locator.extent(*path)
    text = None if extent is None else sure_word(value, known, locator.text[slice(*extent)])
    return None if extent is None or text is None else Fix((Edit(*extent, text),), text)


def _only_part(locator: Locator, path: KeyPath, value: Any, written: str) -> str:
    """Of a list of one element, how that is written; empty where something else stands in the brackets, too."""
    is_one = isinstance(value, list) and len(value) == 1 and isinstance(path[-1], str)
    part = locator.extent(*path, 0) if is_one else None
    if part is None:
        return ""
    inner = locator.text[slice(*part)]
    return inner if re.fullmatch(rf"\[\s*{re.escape(inner)}\s*,?\s*\]", written) else ""


def quoted_name(locator: Locator, path: KeyPath) -> Fix | None:
    """``[task.a.b]`` becomes ``[task."a.b"]``, wherever it is written; ``path``: that of ``b``."""
    parts = [str(part) for part in path[1:]]
    dotted = rf"{_GAP}\.{_GAP}".join(f"(?:{word}|\"{word}\"|'{word}')" for word in map(re.escape, parts))
    chain = re.compile(rf"\.{_GAP}({dotted})\Z")
    name, edits = ".".join(parts), []
    for start, end in locator.mentions(*path):
        line = locator.text.rfind("\n", 0, start) + 1
        found = chain.search(locator.text[line:end])
        if found is None:
            return None
        edits.append(Edit(line + found.start(1), end, f'"{name}"'))
    is_plain = edits and name.isprintable() and not {'"', "\\"} & set(name)
    return Fix(tuple(edits), f'"{name}"') if is_plain else None


def doubled_brackets(locator: Locator, path: KeyPath) -> Fix | None:
    """``[wave]`` becomes ``[[wave]]``, where it is the only header of that name."""
    extent = locator.extent(*path)
    if extent is None or len(locator.mentions(*path)) != 1:
        return None
    header = locator.text[slice(*extent)]
    return Fix((Edit(*extent, f"[{header}]"),), f"[{header}]")
