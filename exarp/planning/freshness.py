"""Whether a task must run, from what was recorded of its last success and what is there now.

Knows the rule: up to date means recipe, needs, input contents and output contents are those of the last success. Decides
from digests alone; does not read files (``workspace``) nor the record (``store``).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exarp.model.event import FreshnessReason
from exarp.model.path import is_glob, matches
from exarp.model.task import Task

MISSING = b""
# Beside the names of variables, none of which it can be.
ARGUMENTS = "@"
_UNDECLARED = FreshnessReason("undeclared")
_NEVER_RAN = FreshnessReason("never-ran")


class Record(msgspec.Struct, frozen=True, gc=False):
    """A success: digests by path. ``needs``: what each need contributed (``contribution``), by name.

    ``found``: files that the depfile named, beyond the declared inputs. ``doubt``: the code of a reason why the success cannot
    be relied on; what it names is worth knowing all the same. ``variables``: short digests of those that count, the task's
    ``env`` too, which only say which of them changed: their values are the recipe's.
    """

    recipe: bytes
    inputs: dict[str, bytes]
    found: dict[str, bytes]
    outputs: dict[str, bytes]
    needs: dict[str, bytes] = {}
    doubt: str = ""
    variables: dict[str, bytes] = {}

    def contribution(self) -> bytes:
        """What a dependent that shares no file with the task sees of it: its outputs, else its recipe."""
        from blake3 import blake3

        if not self.outputs:
            return self.recipe
        return blake3(msgspec.msgpack.encode(sorted(self.outputs.items()))).digest()


def decide(task: Task, record: Record | None, now: Record) -> FreshnessReason | None:
    """Why ``task`` must run, or None if it is up to date. ``now``: digests as they are, MISSING where a file is not.

    ``now.outputs`` covers the paths of ``record.outputs`` and those now declared.
    """
    if task.service is not None:
        return FreshnessReason("needed")
    if task.always_runs:
        return _UNDECLARED
    if record is None:
        return _NEVER_RAN
    if record.doubt:
        return FreshnessReason(record.doubt)
    if record.recipe != now.recipe:
        if record.variables.get(ARGUMENTS, MISSING) != now.variables.get(ARGUMENTS, MISSING):
            return FreshnessReason("arguments-changed")
        variable = _changed_variable(task, record.variables, now.variables)
        return FreshnessReason("variable-changed", variable) if variable else FreshnessReason("recipe-changed")
    return (
        _compare_inputs(task, record.inputs, now.inputs)
        or _compare(record.found, now.found, "input")
        or _compare_outputs(record.outputs, now.outputs)
        or _compare_needs(record.needs, now.needs)
    )


def as_tool(task: Task, reason: FreshnessReason) -> FreshnessReason:
    """A reason about an input; where its path is one of the task's tools, about a tool: ``tool-changed``."""
    kind, _, what = reason.code.partition("-")
    if kind == "input" and any(tool == reason.subject or matches(tool, reason.subject) for tool in task.tools):
        return FreshnessReason(f"tool-{what}", reason.subject, reason.detail)
    return reason


def _compare_inputs(task: Task, then: Mapping[str, bytes], now: Mapping[str, bytes]) -> FreshnessReason | None:
    reason = _compare(then, now, "input")
    return reason if reason is None or not task.tools else as_tool(task, reason)


def variable_digests(values: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """Short digests of variables, empty for one that is not set: no record holds a value."""
    from blake3 import blake3

    return {name: MISSING if value is None else blake3(value).digest(8) for name, value in values.items()}


def _changed_variable(task: Task, then: Mapping[str, bytes], now: Mapping[str, bytes]) -> str:
    """A variable that has another value than then; an empty text where none has."""
    for name in now:
        if then.get(name, MISSING if name in task.env else now[name]) != now[name]:
            return name
    # Names come and go with the script, too, but for those of `env`, and those that only a glob stands for.
    globs = [entry for entry in task.track_env if is_glob(entry)]
    others = sorted(then.keys() ^ now.keys()) if globs else ()
    return next((name for name in others if any(matches(glob, name) for glob in globs)), "")


def _compare(then: Mapping[str, bytes], now: Mapping[str, bytes], what: str) -> FreshnessReason | None:
    if then == now:
        return None
    for path, digest in now.items():
        if path not in then:
            return FreshnessReason(f"{what}-added", path)
        if then[path] != digest:
            return FreshnessReason(f"{what}-changed" if digest else f"{what}-removed", path)
    gone = next(path for path in then if path not in now)
    return FreshnessReason(f"{what}-removed", gone)


def _compare_outputs(then: Mapping[str, bytes], now: Mapping[str, bytes]) -> FreshnessReason | None:
    if then == now:
        return None
    for path, digest in then.items():
        if now.get(path, MISSING) == MISSING:
            return FreshnessReason("output-missing", path)
        if now[path] != digest:
            return FreshnessReason("output-changed", path)
    added = next(path for path in now if path not in then)
    return FreshnessReason("output-changed", added)


def _compare_needs(then: Mapping[str, bytes], now: Mapping[str, bytes]) -> FreshnessReason | None:
    if then == now:
        return None
    for name, digest in now.items():
        if then.get(name) != digest:
            return FreshnessReason("need-changed", name)
    return FreshnessReason("recipe-changed")
