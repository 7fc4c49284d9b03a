"""Verdicts about files that tasks reach through symbolic links, told by what the tasks themselves say.

Knows which reasons are about files. Does not know which folders are links (the manifest does).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exarp.model.links import as_written, resolve
from exarp.model.manifest import Manifest
from exarp.model.verdict import Verdict


def real_folders(manifest: Manifest) -> tuple[str, ...]:
    """Folders that tasks may share safely, by their real names."""
    folders = manifest.settings.cache_dirs
    return tuple([resolve(folder, manifest.links) for folder in folders]) if manifest.links else folders


def verdicts_as_written(
    verdicts: tuple[Verdict, ...], manifest: Manifest, ids: Mapping[str, int]
) -> tuple[Verdict, ...]:
    """The verdicts; where only a link makes files the same, each reason says what its tasks say."""
    if not manifest.links:
        return verdicts
    return tuple([_as_written(verdict, manifest, ids) for verdict in verdicts])


def _as_written(verdict: Verdict, manifest: Manifest, ids: Mapping[str, int]) -> Verdict:
    reasons = tuple(
        [
            as_written(reason, [manifest.tasks[ids[name]] for name in reason.tasks], manifest.links)
            for reason in verdict.reasons
        ]
    )
    return msgspec.structs.replace(verdict, reasons=reasons) if reasons != verdict.reasons else verdict
