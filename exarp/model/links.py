"""Folders that are reached by two names: what patterns say, seen through symbolic links.

Knows how a pattern is told by the real names of its folders, given which folders are links. Does not look at the disk
(``workspace.links`` does), and so knows nothing of links that are made later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from exarp.model.task import Task

if TYPE_CHECKING:
    from exarp.model.verdict import Reason

Links = Mapping[str, str]
"""Folders that are links, relative to the workspace root, and the folders they lead to; "" is the root itself."""


def patterns_of(task: Task) -> Iterable[str]:
    """All that a task says of files."""
    yield from task.inputs or ()
    yield from task.outputs or ()
    yield from task.modifies
    yield from task.excluded
    yield from task.tools
    if task.depfile:
        yield task.depfile


def resolve(pattern: str, links: Links) -> str:
    """A pattern by the real names of its folders."""
    folder = pattern.rstrip("/")
    while folder and folder not in links:
        folder = folder[: folder.rfind("/")] if "/" in folder else ""
    if not folder:
        return pattern
    real, rest = links[folder], pattern[len(folder) + 1 :]
    if rest:
        return f"{real}/{rest}" if real else rest
    return f"{real}/" if real and pattern.endswith("/") else real or "./"


def resolved(task: Task, links: Links) -> Task:
    """A task that says the same by real names."""
    if not any(resolve(pattern, links) != pattern for pattern in patterns_of(task)):
        return task

    def each(patterns: Iterable[str]) -> tuple[str, ...]:
        return tuple([resolve(pattern, links) for pattern in patterns])

    return msgspec.structs.replace(
        task,
        inputs=None if task.inputs is None else each(task.inputs),
        outputs=None if task.outputs is None else each(task.outputs),
        modifies=each(task.modifies),
        excluded=each(task.excluded),
        tools=each(task.tools),
        depfile=resolve(task.depfile, links) if task.depfile else "",
    )


def as_written(reason: Reason, tasks: Sequence[Task], links: Links) -> Reason:
    """A reason about files, with what its ``tasks`` themselves say where only a link makes it the same."""
    if reason.code not in ("write-write", "read-write") or len(reason.tasks) != len(tasks):
        return reason
    said = tuple([_said(task, reason, links) for task in tasks])
    if all(said) and any(resolve(pattern, links) != pattern for pattern in said):
        return msgspec.structs.replace(reason, written=said)
    return reason


def _said(task: Task, reason: Reason, links: Links) -> str:
    from exarp.model.overlap import overlap

    reads = reason.code == "read-write" and task.name != reason.writer
    writing = (*(task.outputs or ()), *task.modifies, *([task.depfile] if task.depfile else []))
    for pattern in (*(task.inputs or ()), *task.tools) if reads else writing:
        if overlap(resolve(pattern, links), reason.path):
            return pattern
    return ""
