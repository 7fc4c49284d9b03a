"""Which successes are worth keeping, under which key, and which of those that are kept make way for others.

Knows the rules. Does not know how artifacts are stored (``workspace.artifacts``), nor reads files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from blake3 import blake3

from exarp.model.artifact import Artifact
from exarp.model.task import Task
from exarp.planning.freshness import Record

# What a key holds may be given another meaning by a later exarp: it then begins differently.
_VERSION = b"exarp artifact 1"
# Sets of files that a depfile named, kept for one key.
MOST_VARIANTS = 16
# A store that is full is emptied to this part of its size, or it would be full again at once.
_KEPT_PART = 0.8


def why_not_kept(task: Task) -> str:
    """Why a task has no artifacts, as a code of ``NOT_KEPT``; empty where it has.

    What counts is whether a success could be had again by putting files back: not of what acts on the world.
    """
    if task.cache is False:
        return "cache-off"
    if task.is_group or task.prose is not None or task.service is not None:
        return "runs-nothing"
    if task.inputs is None:
        return "undeclared"
    if task.modifies:
        return "modifies"
    if task.interactive:
        return "interactive"
    if task.daemon:
        return "daemon"
    if task.confirm:
        return "confirmed"
    if task.manual and not task.outputs and task.cache is None:
        return "manual"
    if task.prompt and not task.outputs and task.cache is None:
        return "prompt"
    return ""


NOT_KEPT = {
    "cache-off": "cache = false says so",
    "runs-nothing": "it makes nothing that could be put back",
    "undeclared": "it does not declare its inputs",
    "modifies": "it changes files in place (modifies)",
    "interactive": "it is interactive",
    "daemon": "it leaves something running (daemon)",
    "confirmed": "somebody is asked before it runs (confirm)",
    "prompt": "it is a prompt and makes no files: what it does, it does elsewhere",
    "manual": "it is manual and makes no files: what it does, it does elsewhere",
}


def artifact_key(success: Record, needs: Sequence[bytes], platform: str) -> bytes:
    """The digest of all that a task's result depends on and that is known before it runs. Neither its name nor where the
    workspace lies is part of it: another checkout finds it, too.

    ``needs``: what they contribute, where that is known by then. ``platform``: system and machine, for nothing else says what
    the programs of a recipe are.
    """
    key = (
        _VERSION,
        platform,
        success.recipe,
        sorted(success.inputs.items()),
        # What a need contributes has its paths in it; how the need is called is nobody's concern.
        sorted(needs),
    )
    return blake3(msgspec.msgpack.encode(key)).digest()


def fitting(
    variants: Iterable[Artifact],
    digest: Callable[[str], bytes],
    needs: Callable[[Mapping[str, bytes]], Sequence[bytes]],
) -> Artifact | None:
    """The newest of the artifacts of one key whose found files, and needs, are as they were. ``variants``: newest first.

    ``digest``: of a file as it is now. ``needs``: what they contribute now to a task that reads these files.
    """
    seen: dict[str, bytes] = {}
    for variant in variants:
        for path, then in variant.found.items():
            now = seen.get(path)
            if now is None:
                now = seen[path] = digest(path)
            if now != then:
                break
        else:
            if variant.needs == needs(variant.found):
                return variant
    return None


def with_variant(variants: Sequence[Artifact], newest: Artifact) -> tuple[Artifact, ...]:
    """What is kept under a key once ``newest`` is: first itself, then the others that were found to read something else."""
    others = [variant for variant in variants if (variant.found, variant.needs) != (newest.found, newest.needs)]
    return (newest, *others[: MOST_VARIANTS - 1])


class Holding(NamedTuple):
    """What is kept under one key: when it was last used (any clock), its own size in bytes, and the blobs that it needs."""

    name: str
    used: float
    size: int
    blobs: Sequence[bytes]


def evicted(holdings: Iterable[Holding], sizes: Mapping[bytes, int], limit: int) -> tuple[list[str], set[bytes]]:
    """Names of what makes way, least recently used first, so that a store of ``limit`` bytes has room again; and the blobs
    that nothing needs then. ``sizes``: of the blobs that are there."""
    ordered = sorted(holdings, key=lambda holding: (holding.used, holding.name))
    users: dict[bytes, int] = {}
    for holding in ordered:
        for blob in set(holding.blobs):
            users[blob] = users.get(blob, 0) + 1
    idle = {blob for blob in sizes if blob not in users}
    total = sum(holding.size for holding in ordered) + sum(sizes[blob] for blob in users if blob in sizes)
    gone: list[str] = []
    if total <= limit:
        return gone, idle
    for holding in ordered:
        if total <= limit * _KEPT_PART:
            break
        gone.append(holding.name)
        total -= holding.size
        for blob in set(holding.blobs):
            users[blob] -= 1
            if not users[blob]:
                total -= sizes.get(blob, 0)
                idle.add(blob)
    return gone, idle.intersection(sizes)
