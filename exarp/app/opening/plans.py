"""Reading plans and task states from disk.

Knows which reader takes which kind of files. Does not know what they hold.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

import msgspec
from blake3 import blake3

from exarp.errors import Place, Problem, UsageError
from exarp.manifests.discover import FoundPlans, shown_from
from exarp.manifests.file import read_bytes
from exarp.manifests.plans.files import TODO2_JSON, beside
from exarp.manifests.plans.reading import PlanReading
from exarp.manifests.plans.source import Source, decoded


def read_plans(found: FoundPlans, variables: Mapping[str, str]) -> PlanReading:
    """What the files mean. Raises ManifestError where one cannot be read; UsageError for ``variables``: plans have none."""
    if variables:
        message = f"--set names {next(iter(variables))!r}, but plans have no variables"
        raise UsageError(Problem("unknown-variable", message, None, "leave --set out"))
    digest = blake3()
    reading = _read(found, digest)
    file = os.path.relpath(found.path, found.root)
    manifest = msgspec.structs.replace(reading.manifest, file=file, digest=digest.hexdigest())
    return msgspec.structs.replace(reading, manifest=manifest)


def _read(found: FoundPlans, digest: blake3) -> PlanReading:
    if found.kind == "todo2":
        return _todo2(found, digest)
    if found.kind == "wave-plans":
        from exarp.manifests.plans.wave_plans import read_wave_plans

        return read_wave_plans(_sources(found, digest), found.shown)
    from exarp.manifests.plans.phase_plans import read_phases

    return read_phases(_sources(found, digest), found.shown, found.root, partial(beside, found.files[0].path))


def _todo2(found: FoundPlans, digest: blake3) -> PlanReading:
    from exarp.manifests.plans.todo2 import items_of_json, read_todo2

    (file,) = found.files
    shown = shown_from(file.path, found.directory)
    data = read_bytes(file.path, shown)
    digest.update(data)
    if not file.name.endswith(TODO2_JSON):
        from exarp.manifests.plans.todo2_database import items_of_database

        return read_todo2(items_of_database(file.path, shown), shown, lambda *_: Place(shown, 1, 1))
    items, where, warnings = items_of_json(data, shown, found.root)
    reading = read_todo2(items, shown, where)
    return msgspec.structs.replace(reading, problems=warnings + reading.problems)


def _sources(found: FoundPlans, digest: blake3) -> list[Source]:
    """The files as text, each added to the digest."""
    sources = []
    for file in found.files:
        shown = shown_from(file.path, found.directory)
        data = read_bytes(file.path, shown)
        digest.update(f"{file.folder}/{file.name}\0{len(data)}\0".encode(errors="surrogateescape"))
        digest.update(data)
        sources.append(decoded(data, shown, file.name, file.folder))
    return sources
