"""``.exarp/config.yaml``: limits of a workspace, for what its manifest leaves open.

Knows the file's keys, and that one which is unknown is a warning: other tools may have theirs there. Does not touch the disk.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.document import Count, SettingsDocument
from exarp.manifests.file import decode
from exarp.manifests.notations import yaml
from exarp.manifests.problems.place import Locator, reworded
from exarp.manifests.problems.positions import KeyPath
from exarp.manifests.shape import sound_table
from exarp.model.name import did_you_mean

MAX_BYTES = 1024 * 1024
_EXAMPLE = "write thresholds: { max_tasks_per_wave: 8 }"
# What the manifest, and the command line, call the same thing.
_OTHER_WORDS = {"jobs": "max_parallel_tasks"}


class Thresholds(msgspec.Struct, frozen=True):
    """The limits that the file says."""

    max_tasks_per_wave: Annotated[Count | UnsetType, Meta(description="As in the settings of a manifest.")] = UNSET
    max_parallel_tasks: Annotated[Count | UnsetType, Meta(description="As `jobs` in the settings.")] = UNSET

    @property
    def settings(self) -> dict[str, int]:
        """As a manifest would say it: by the names of its settings."""
        said = {"max_tasks_per_wave": self.max_tasks_per_wave, "jobs": self.max_parallel_tasks}
        return {name: value for name, value in said.items() if value is not UNSET}


_KNOWN = Thresholds.__struct_encode_fields__


def read_config(data: bytes, file: str) -> tuple[dict[str, int], list[Problem]]:
    """The limits by the names of the manifest's settings, and every problem of ``file`` (as messages name it)."""
    if len(data) > MAX_BYTES:
        step = "keep only the limits there"
        return {}, [Problem("too-large", f"the file has more than {MAX_BYTES // 1024**2} MiB", Place(file, 1, 1), step)]
    try:
        text = decode(data, file)
        raw = yaml.parse(text, file)
    except ManifestError as error:
        return {}, list(error.problems)
    locator = Locator(file, text, yaml)
    problems = [
        _unknown(key, (key,), "at the top level", ("thresholds",), locator) for key in raw if key != "thresholds"
    ]
    if "thresholds" not in raw:
        return {}, problems
    table: Any = raw["thresholds"]
    if isinstance(table, dict):
        unknown = [key for key in table if key not in _KNOWN]
        problems += [_unknown(key, ("thresholds", key), "in thresholds", _KNOWN, locator) for key in unknown]
        table = {key: value for key, value in table.items() if key in _KNOWN}
    faults: list[Problem] = []
    kept = sound_table(table, Thresholds, "thresholds", _EXAMPLE, locator, faults)
    return msgspec.convert(kept, Thresholds).settings, problems + [reworded(fault, locator) for fault in faults]


def _unknown(key: str, path: KeyPath, where: str, known: tuple[str, ...], locator: Locator) -> Problem:
    if key in _KNOWN:
        step = f"{key!r} belongs in thresholds"
    elif key in _OTHER_WORDS:
        step = f"did you mean {_OTHER_WORDS[key]!r}?"
    elif key in SettingsDocument.__struct_encode_fields__:
        step = f"{key!r} belongs in the settings of the manifest"
    else:
        step = did_you_mean(key, known) or f"known keys: {', '.join(known)}"
    return Problem("unknown-key", f"unknown key {key!r} {where}", locator.key(*path), step, severity="warning")
