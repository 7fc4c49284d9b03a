"""What a run of only some of a manifest's tasks is put together from, without the manifest's text.

Knows how tasks, what is around them and their plan become bytes of an index, and how a few of them are taken out again. Does not
know which tasks are wanted (``exarp.glance`` tells), nor what is up to date.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from exarp.graph.task_graph import TaskGraph
from exarp.model.choice import Schedule
from exarp.model.manifest import Manifest
from exarp.model.plan import Plan, Wave
from exarp.model.task import Task

if TYPE_CHECKING:
    from exarp.app.opening.project import Project


class Makings(msgspec.Struct, frozen=True, array_like=True):
    """``around``: the manifest without its tasks. ``ends`` and ``tasks``: where each task ends, and all of them, encoded, one
    behind the other. ``order``: pairs of the plan, one behind the other; both are arrays of unsigned ints. ``outputs``: what
    any task declares as an output.
    """

    around: Manifest
    ends: bytes
    tasks: bytes
    waves: tuple[Wave, ...]
    order: bytes
    schedule: Schedule
    outputs: tuple[str, ...]

    def task(self, number: int) -> Task:
        """The task at a position."""
        ends = memoryview(self.ends).cast("I")
        return _TASK.decode(memoryview(self.tasks)[ends[number - 1] if number else 0 : ends[number]])


_MAKINGS = msgspec.msgpack.Decoder(Makings)
_TASK = msgspec.msgpack.Decoder(Task)


def makings_of(project: Project, plan: Plan) -> bytes | None:
    """The makings of runs of what ``plan`` is for; None where more than they hold would be needed."""
    manifest = project.manifest
    if why_whole(manifest) or manifest.prose or manifest.blocked or plan.blocked:
        return None
    encoder = msgspec.msgpack.Encoder()
    ends, tasks = array("I"), bytearray()
    for task in manifest.tasks:
        tasks += encoder.encode(task)
        ends.append(len(tasks))
    settings = msgspec.structs.replace(manifest.settings, jobs=project.jobs)
    around = msgspec.structs.replace(manifest, tasks=(), waves=(), instances={}, settings=settings)
    order = array("I", [task for pair in plan.order for task in pair])
    outputs = tuple(dict.fromkeys(path for task in manifest.tasks for path in task.outputs or ()))
    return encoder.encode(
        Makings(around, ends.tobytes(), bytes(tasks), plan.waves, order.tobytes(), plan.schedule, outputs)
    )


def why_whole(manifest: Manifest) -> str:
    """Why all tasks of a manifest are looked at where something has changed; empty where a part of it can be run."""
    if not all(type(each) is dict for each in (manifest.vars, *manifest.inner_vars.values())):
        return "some variables are commands"
    if manifest.seen:
        return "folders of its patterns are symbolic links"
    # Their values may be in fields of tasks, and are kept nowhere.
    if manifest.settings.secrets:
        return "the manifest has secrets"
    return "the manifest has dotenv files" if manifest.dotenv else ""


def read_makings(data: bytes) -> Makings:
    """Raises msgspec.DecodeError for makings of another layout."""
    return _MAKINGS.decode(data)


class Share(msgspec.Struct, frozen=True):
    """Some tasks of a manifest, as a manifest of their own. ``tasks``: their positions in the whole, ascending, with those of
    others that they only need to know of (``graph`` has the whole's edges among them). ``plan``: for the former alone; what is
    not in it counts as up to date already.
    """

    tasks: tuple[int, ...]
    manifest: Manifest
    graph: TaskGraph
    plan: Plan


def share(
    makings: Makings, names: Sequence[str], needs_of: Callable[[int], Iterable[int]], wanted: Sequence[int], jobs: int
) -> Share | None:
    """The share of the tasks at the positions ``wanted``; None where services are in sight, which are not for a part of a run.

    ``names`` and ``needs_of`` are of the whole; ``jobs``: how many at once, 0 for what the manifest says.
    """
    specs = {number: makings.task(number) for number in wanted}
    inner: dict[int, tuple[int, ...]] = {number: tuple(needs_of(number)) for number in wanted}
    stack = [need for needs in inner.values() for need in needs if need not in specs]
    while stack:
        number = stack.pop()
        if number not in specs:
            specs[number] = makings.task(number)
            # What a group hands on is what its own needs are.
            inner[number] = tuple(needs_of(number)) if specs[number].is_group else ()
            stack += inner[number]
    if any(spec.service is not None or spec.prose is not None for spec in specs.values()):
        return None
    tasks = tuple(sorted(specs))
    at = {number: place for place, number in enumerate(tasks)}
    settings = msgspec.structs.replace(makings.around.settings, jobs=jobs) if jobs else makings.around.settings
    manifest = msgspec.structs.replace(
        makings.around, tasks=tuple([specs[number] for number in tasks]), settings=settings
    )
    needs = [tuple([at[need] for need in inner[number]]) for number in tasks]
    graph = TaskGraph([names[number] for number in tasks], needs, [()] * len(tasks))
    return Share(tasks, manifest, graph, _plan(makings, graph, at, frozenset(wanted)))


def _plan(makings: Makings, graph: TaskGraph, at: dict[int, int], wanted: frozenset[int]) -> Plan:
    waves = []
    position = [-1] * len(graph)
    place = 0
    for wave in makings.waves:
        tasks = tuple([at[number] for number in wave.tasks if number in wanted])
        for task in tasks:
            position[task] = place
            place += 1
        waves.append(msgspec.structs.replace(wave, tasks=tasks, settled=len(wave.tasks) - len(tasks)))
    pairs = memoryview(makings.order).cast("I")
    order = [
        (at[earlier], at[later])
        for earlier, later in zip(pairs[::2], pairs[1::2], strict=True)
        if earlier in wanted and later in wanted
    ]
    return Plan(graph.names, graph.needs, tuple(waves), tuple(order), tuple(position), makings.schedule)
