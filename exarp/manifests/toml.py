"""Reading a TOML manifest.

Knows: bytes to a Manifest, or every problem of the file at once. Does not touch the disk (``discover`` does).
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

import msgspec
import tomli

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.document import Document
from exarp.manifests.place import Locator
from exarp.manifests.references import check_references
from exarp.manifests.resolve import resolve
from exarp.model.manifest import Manifest
from exarp.model.name import did_you_mean

MAX_BYTES = 64 * 1024 * 1024


class Reading(msgspec.Struct, frozen=True):
    """A manifest that was read, the problems found in it, and the locator for places in its text.

    With problems, ``manifest`` holds what is sound, so that later checks can add to the list.
    """

    manifest: Manifest
    problems: list[Problem]
    locator: Locator
    schedule_written: bool


def read_toml(
    data: bytes,
    file: str,
    environ: Mapping[str, str],
    memory: int = 0,
    variables: Mapping[str, str] | None = None,
) -> Reading:
    """Read ``data``, the content of ``file`` (as messages name it).

    ``memory``: physical memory in bytes, the default of that pool. ``variables`` replace those of ``[vars]``.
    Raises ManifestError for what leaves nothing to check: too large, not UTF-8, not TOML, a variable that is not there.
    """
    text = _decode(data, file)
    raw = _parse(text, file)
    locator = Locator(file, text)
    problems: list[Problem] = []
    if variables:
        _override(raw, variables)
    document = _convert(raw, locator, problems)
    manifest = resolve(document, locator, environ, memory, problems)
    check_references(manifest, locator, problems)
    return Reading(manifest, problems, locator, bool(document.settings.schedule))


def _override(raw: dict[str, Any], variables: Mapping[str, str]) -> None:
    known = raw.setdefault("vars", {})
    if not isinstance(known, dict):
        return
    for name, value in variables.items():
        if name not in known:
            step = did_you_mean(name, known) or "define it in [vars]"
            raise ManifestError(Problem("unknown-variable", f"--set names {name!r}, which is no variable", None, step))
        known[name] = value


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        message = f"the manifest has {len(data)} bytes; the limit is {MAX_BYTES}"
        raise ManifestError(Problem("too-large", message, Place(file, 1, 1), "split the project"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        shown = before[before.rfind("\n") + 1 :] + f"\\x{data[error.start]:02x}"
        message = f"byte 0x{data[error.start]:02x} is not valid UTF-8"
        place = Place(file, line, column, 4, shown)
        raise ManifestError(Problem("not-utf8", message, place, "save the file as UTF-8")) from None


def _parse(text: str, file: str) -> dict[str, Any]:
    # The many small objects of a large manifest are all kept: collecting among them only costs (half of the time
    # at 100,000 tasks).
    collecting = gc.isenabled()
    gc.disable()
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ManifestError(_syntax_problem(error, file, text)) from None
    except RecursionError:
        raise ManifestError(Problem("syntax", "nested too deeply", Place(file, 1, 1), "flatten it")) from None
    finally:
        if collecting:
            gc.enable()


def _syntax_problem(error: tomli.TOMLDecodeError, file: str, text: str) -> Problem:
    locator = Locator(file, text)
    place = locator.at(error.lineno, error.colno)
    if "Cannot declare" in error.msg or "Cannot overwrite" in error.msg:
        return Problem("duplicate-name", f"{error.msg}: it stands in the file already", place, "rename or remove one")
    return Problem("syntax", f"not valid TOML: {error.msg}", place, "see https://toml.io")


def _convert(raw: dict[str, Any], locator: Locator, problems: list[Problem]) -> Document:
    try:
        return msgspec.convert(raw, Document)
    except msgspec.ValidationError:
        from exarp.manifests.shape import sound_part

        document = sound_part(raw, locator, problems)
        assert problems, "msgspec refused what no field check refuses"
        return document
