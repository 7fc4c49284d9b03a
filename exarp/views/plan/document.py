"""``plan --json``: a plan as the one document of the contract.

Knows the document's fields and their order; the same plan gives the same bytes. Does not plan, and does not know why
a task would run: it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import msgspec
from msgspec import UNSET, UnsetType

from exarp.model.event import IDLE, FreshnessReason
from exarp.model.manifest import Manifest
from exarp.model.path import exact_name
from exarp.model.plan import Plan, Wave
from exarp.model.verdict import Decision, Reason, Verdict, VerdictKind
from exarp.views.json_line import json_line


def document(
    plan: Plan,
    manifest: Manifest,
    freshness: Mapping[int, FreshnessReason | None],
    expected_ms: Mapping[str, int],
    digest: str,
    what_if: Sequence[Mapping[str, object]] = (),
    diff: Mapping[str, object] | None = None,
    restored: Set[int] = frozenset(),
) -> bytes:
    """The document, one line. ``freshness``: why each selected task would run, by id; None if it would not; ``restored``: those
    that would be restored instead.
    ``digest``: of what the plan was made from. ``what_if``: scenarios, and ``diff``: what
    differs from an earlier plan, where somebody asked."""
    return json_line(
        {
            "version": 1,
            "task_count": plan.task_count,
            "manifest": manifest.file,
            "digest": digest,
            "lower_bound": plan.lower_bound,
            "waves": [_wave(plan, wave) for wave in plan.waves],
            "tasks": _tasks(plan, freshness, expected_ms, restored),
            "blocked": [{"task": plan.names[task], "waits_for": names} for task, names in plan.blocked],
            "verdicts": [verdict_fields(verdict) for verdict in plan.verdicts],
            "critical_path": [plan.names[task] for task in plan.critical_path],
            "verify": plan.verify,
            **({"what_if": what_if} if what_if else {}),
            **({"diff": diff} if diff is not None else {}),
        }
    )


def _wave(plan: Plan, wave: Wave) -> dict[str, object]:
    return {
        "number": wave.number,
        "name": wave.name,
        "part": wave.part,
        "group": wave.group,
        "order": wave.order,
        "tasks": [plan.names[task] for task in wave.tasks],
        "after": wave.after,
        "beside": wave.beside,
        "checkpoint": wave.checkpoint,
        "verify": wave.verify,
    }


class TaskFields(msgspec.Struct, gc=False):
    """A task as the document has it. There may be a hundred thousand: a struct takes a third of a dict."""

    needs: list[str]
    would_run: bool
    would_restore: bool
    reason: str | None
    expected_ms: int | None


def _tasks(
    plan: Plan,
    freshness: Mapping[int, FreshnessReason | None],
    expected_ms: Mapping[str, int],
    restored: Set[int],
) -> dict[str, TaskFields]:
    names, needs, position = plan.names, plan.needs, plan.position
    is_whole, name_of = min(position, default=0) >= 0, names.__getitem__
    found = {}
    for wave in plan.waves:
        for task in wave.tasks:
            name, reason = names[task], freshness.get(task)
            code = reason.code if reason is not None else None
            planned = needs[task] if is_whole else [need for need in needs[task] if position[need] >= 0]
            back = task in restored
            would_run = code is not None and code not in IDLE and not back
            found[name] = TaskFields(list(map(name_of, planned)), would_run, back, code, expected_ms.get(name))
    return found


class VerdictFields(msgspec.Struct, gc=False):
    """A verdict as the document has it. Thousands of waves have millions of them."""

    kind: VerdictKind
    between: tuple[str, str] | UnsetType
    marked: bool | UnsetType
    among: tuple[str, ...] | UnsetType
    against: tuple[str, ...] | UnsetType
    verdict: Decision
    runs: str
    reasons: tuple[dict[str, object], ...]


def verdict_fields(verdict: Verdict) -> VerdictFields:
    """A verdict as the document has it."""
    is_pair = verdict.between is not None
    return VerdictFields(
        kind=verdict.kind,
        between=verdict.between or UNSET,
        marked=verdict.marked if is_pair else UNSET,
        among=UNSET if is_pair else verdict.among,
        against=UNSET if is_pair else verdict.against or UNSET,
        verdict=verdict.verdict,
        runs=verdict.runs,
        reasons=tuple([_reason(reason) for reason in verdict.reasons]),
    )


def _reason(reason: Reason) -> dict[str, object]:
    fields: dict[str, object] = {
        "code": reason.code,
        "tasks": reason.tasks,
        "path": exact_name(reason.path),
        "name": reason.name,
        "via": reason.via,
        "writer": reason.writer,
        "evidence": reason.evidence,
        "written": reason.written,
    }
    return {key: value for key, value in fields.items() if value}
