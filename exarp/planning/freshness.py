"""Whether a task must run, from what was recorded of its last success and what is there now.

Knows the rule: up to date means recipe, needs, input contents and output contents are those of the last success. Decides
from digests alone; does not read files (``workspace``) nor the record (``store``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from exarp.model.event import FreshnessReason
from exarp.model.path import is_glob, matches
from exarp.model.task import Task
from exarp.planning.recipe import changed_parts

MISSING = b""
# Beside the names of variables, none of which it can be.
ARGUMENTS = "@"
_UNDECLARED = FreshnessReason("undeclared")
_NEVER_RAN = FreshnessReason("never-ran")


class Record(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A success: digests by path. ``needs``: what each need contributed (``contribution``), by name.

    ``found``: files that the depfile named, beyond the declared inputs. ``doubt``: the code of a reason why the success cannot
    be relied on; what it names is worth knowing all the same. ``variables``: short digests of those that count, the task's
    ``env`` too, which only say which of them changed: their values are the recipe's. ``parts``: the same of the rest of the
    recipe (``Recipe.parts``). ``run``: the one that recorded it; empty for ``--touch``. ``manifest``: the file that the task was
    in; empty for the one that is found without being named. ``left``: what it made before, is there as it was, and is none of
    its ``outputs`` any more.
    """

    recipe: bytes
    inputs: dict[str, bytes]
    found: dict[str, bytes]
    outputs: dict[str, bytes]
    needs: dict[str, bytes] = {}
    doubt: str = ""
    variables: dict[str, bytes] = {}
    parts: bytes = b""
    run: str = ""
    manifest: str = ""
    left: dict[str, bytes] = {}

    def contribution(self) -> bytes:
        """What a dependent that shares no file with the task sees of it: its outputs, else its recipe."""
        from blake3 import blake3

        if not self.outputs:
            return self.recipe
        return blake3(msgspec.msgpack.encode(sorted(self.outputs.items()))).digest()


def decide(task: Task, record: Record | None, now: Record, done: bool = False) -> FreshnessReason | None:
    """Why ``task`` must run, or None if it is up to date. ``now``: digests as they are, MISSING where a file is not. ``done``:
    the success counts although the task declares nothing, as in the run that is gone on with.

    ``now.outputs`` covers the paths of ``record.outputs`` and those now declared.
    """
    if record is not None and not record.doubt and (done or not task.always_runs) and _is_same(record, now):
        return None
    return next(differences(task, record, now), None)


def _is_same(record: Record, now: Record) -> bool:
    """Whether nothing is other than it was: far cheaper than to look for what is."""
    return (
        record.recipe == now.recipe
        and record.inputs == now.inputs
        and record.found == now.found
        and record.outputs == now.outputs
        and record.needs == now.needs
    )


def differences(task: Task, record: Record | None, now: Record) -> Iterator[FreshnessReason]:
    """Everything that speaks against a task being up to date, as ``decide`` sees it: its answer comes first."""
    if task.service is not None:
        yield FreshnessReason("needed")
    elif task.always_runs:
        yield _UNDECLARED
    elif record is None:
        yield _NEVER_RAN
    else:
        if record.doubt:
            yield FreshnessReason(record.doubt)
        yield from _since(task, record, now)


def restarted_for(task: Task, then: Record, now: Record) -> FreshnessReason | None:
    """Why a service that was started when all was as ``then`` must be started anew, or None where it can go on."""
    return None if _is_same(then, now) else next(_since(task, then, now), FreshnessReason("recipe-changed"))


def _since(task: Task, record: Record, now: Record) -> Iterator[FreshnessReason]:
    if record.recipe != now.recipe:
        yield from _of_recipe(task, record, now)
    for reason in _of_files(record.inputs, now.inputs):
        yield as_tool(task, reason)
    yield from _of_files(record.found, now.found)
    yield from _of_outputs(record.outputs, now.outputs)
    yield from _of_needs(record.needs, now.needs)


def as_tool(task: Task, reason: FreshnessReason) -> FreshnessReason:
    """A reason about an input; where its path is one of the task's tools, about a tool: ``tool-changed``."""
    kind, _, what = reason.code.partition("-")
    if kind == "input" and any(tool == reason.subject or matches(tool, reason.subject) for tool in task.tools):
        return FreshnessReason(f"tool-{what}", reason.subject, reason.detail)
    return reason


def variable_digests(values: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """Short digests of variables, empty for one that is not set: no record holds a value."""
    from blake3 import blake3

    return {name: MISSING if value is None else blake3(value).digest(8) for name, value in values.items()}


def _of_recipe(task: Task, record: Record, now: Record) -> Iterator[FreshnessReason]:
    is_told = False
    if record.variables.get(ARGUMENTS, MISSING) != now.variables.get(ARGUMENTS, MISSING):
        is_told = True
        yield FreshnessReason("arguments-changed")
    for name in _changed_variables(task, record.variables, now.variables):
        is_told = True
        yield FreshnessReason("variable-changed", name)
    parts = changed_parts(record.parts, now.parts)
    for part in parts:
        yield FreshnessReason("recipe-changed", part)
    if not is_told and not parts:
        # With the same script only `env` and `track_env` can have dropped a name, or taken it up.
        others = sorted(record.variables.keys() ^ now.variables.keys()) if record.parts else ()
        yield from (FreshnessReason("recipe-changed", name) for name in others or ("",))


def _changed_variables(task: Task, then: Mapping[str, bytes], now: Mapping[str, bytes]) -> Iterator[str]:
    """Variables that have another value than then."""
    for name, digest in now.items():
        if name != ARGUMENTS and then.get(name, MISSING if name in task.env else digest) != digest:
            yield name
    # Names come and go with the script, too, but for those of `env`, and those that only a glob stands for.
    globs = [entry for entry in task.track_env if is_glob(entry)]
    others = sorted((then.keys() ^ now.keys()) - {ARGUMENTS, *task.env}) if globs else ()
    yield from (name for name in others if any(matches(glob, name) for glob in globs))


def _of_files(then: Mapping[str, bytes], now: Mapping[str, bytes]) -> Iterator[FreshnessReason]:
    if then == now:
        return
    for path, digest in now.items():
        if path not in then:
            yield FreshnessReason("input-added", path)
        elif then[path] != digest:
            yield FreshnessReason("input-changed" if digest else "input-removed", path)
    yield from (FreshnessReason("input-removed", path) for path in then if path not in now)


def _of_outputs(then: Mapping[str, bytes], now: Mapping[str, bytes]) -> Iterator[FreshnessReason]:
    if then == now:
        return
    for path, digest in then.items():
        found = now.get(path, MISSING)
        if found == MISSING:
            yield FreshnessReason("output-missing", path)
        elif found != digest:
            yield FreshnessReason("output-changed", path)
    yield from (FreshnessReason("output-changed", path) for path in now if path not in then)


def _of_needs(then: Mapping[str, bytes], now: Mapping[str, bytes]) -> Iterator[FreshnessReason]:
    if then == now:
        return
    yield from (FreshnessReason("need-changed", name) for name, digest in now.items() if then.get(name) != digest)
    if not then.keys() <= now.keys():
        yield FreshnessReason("recipe-changed", "needs")
