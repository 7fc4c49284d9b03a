"""Small random manifests that can be planned: whatever would be refused is mended until nothing is left to refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from exarp.graph.build import build_graph
from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.task import Requirement, Service, Task
from exarp.planning.grouping import Grouping

from .dice import Dice, dice

FILES = ("a/1.c", "a/2.c", "a/.x", "b/1.h", "out/p", "out/q", "out/x/r", "out/x/s.c", "top")
FOLDERS = ("a/", "out/", "out/x/")
GLOBS = ("a/*.c", "a/**", "**/*.c", "out/*", "out/x/?", "*/1.*", "out/**/r", "b/[0-9].h")
MADE = FILES + FOLDERS + GLOBS
# "out" is the folder "out/" in another spelling; as an output it would be the same output twice.
TOUCHED = (*MADE, "out")
POOLS = {"gpu": 2, "memory": 10}


class Case(NamedTuple):
    """A manifest, its graph, and the tasks that are asked for."""

    manifest: Manifest
    graph: TaskGraph
    targets: tuple[str, ...]

    def __repr__(self) -> str:
        values = (*self.manifest.tasks, *self.manifest.waves, self.manifest.settings)
        return "\n".join(["", *(_told(value) for value in values), f"targets={self.targets}"])


def _told(value: msgspec.Struct) -> str:
    """What a value says beyond its defaults."""
    fields = {field.name: field.default for field in msgspec.structs.fields(value)}
    told = {name: getattr(value, name) for name, default in fields.items() if getattr(value, name) != default}
    return f"{type(value).__name__}({', '.join(f'{name}={field!r}' for name, field in told.items() if field != {})})"


def cases(most: int = 8, waves: bool = True) -> st.SearchStrategy[Case]:
    """A manifest with up to ``most`` tasks, listed in an order of their own."""
    return dice(64 * most).map(lambda dice: case_of(dice, most, waves))


def case_of(dice: Dice, most: int = 8, waves: bool = True) -> Case:
    """The manifest that the dice make."""
    count = most - dice.below(most)
    calm = dice.of(True, False)
    settings = _settings(dice)
    names = dice.shuffled([f"t{number}" for number in range(count)])
    targets = dice.of(names, names, names, dice.some(names, 3) or names[:1])
    declared = _waves(dice, count) if waves else []
    touched = dice.shuffled(TOUCHED)[: 2 + dice.below(10)]
    makers = [dice.below(count) for _ in MADE]
    specs = []
    for number in range(count):
        earlier = names[: names.index(f"t{number}")]
        own = [pattern for pattern, maker in zip(MADE, makers, strict=True) if maker == number]
        task = _task(dice, f"t{number}", earlier, own, touched)
        specs.append(msgspec.structs.replace(task, modifies=(), depfile="", after=()) if calm else task)
    specs = _without_graph_faults([_as_service(dice, task) if dice.below(7) == 6 else task for task in specs])
    graph = build_graph(specs)[0]
    manifest = Manifest("exarp.toml", tuple(specs), _without_wave_faults(graph, declared), settings, POOLS)
    return Case(manifest, graph, tuple(targets))


def _settings(dice: Dice) -> Settings:
    return Settings(
        jobs=1 + dice.below(4),
        max_parallel_waves=1 + dice.below(3),
        max_tasks_per_wave=dice.of(0, 0, 1, 2, 3),
        packing=dice.of("levels", "levels", "tight"),
        schedule=dice.of("waves", "flow"),
        trust=dice.of("plan", "plan", "proof"),
        cache_dirs=dice.of((), (), ("out/x/",)),
    )


def _waves(dice: Dice, count: int) -> list[WaveSpec]:
    names = ("A", "B", "C", "D")
    home = {f"t{task}": dice.below(5) for task in range(count)}
    found = []
    for index, name in enumerate(names):
        members = tuple(task for task in dice.shuffled(list(home)) if home[task] == index)
        marking = dice.of(True, True, True, False, dice.some(names, 3))
        if members:
            found.append(WaveSpec(name, members, dice.of("parallel", "parallel", "sequential"), marking))
    return found


def _task(dice: Dice, name: str, earlier: Sequence[str], own: Sequence[str], touched: Sequence[str]) -> Task:
    """A task; ``earlier`` are names it may need, ``own`` patterns that it alone may make, ``touched`` those for all."""
    return Task(
        name,
        commands=() if dice.below(10) == 9 else ("true",),
        inputs=dice.of(None, dice.some(touched, 2)),
        excluded=dice.some(touched, 1),
        tools=dice.of((), (), dice.some(touched, 1)),
        outputs=dice.of(None, dice.some(own, 2)),
        modifies=dice.some(touched, 1),
        needs=dice.some(earlier, 2),
        after=dice.some(earlier, 1),
        parent=dice.of("", "", "", *earlier[:1]),
        depfile=dice.of("", "", "", "out/d", "a/d", "top.d"),
        priority=dice.of(0, 0, 1, -1),
        mutex=dice.of((), (), (), ("db",), ("net", "db")),
        resources=dice.of({}, {}, {}, {"gpu": 1}, {"gpu": 2}, {"memory": 6}, {"memory": 5}, {"memory": 1, "gpu": 1}),
        **_behaviour(dice),
    )


def _as_service(dice: Dice, task: Task) -> Task:
    """The task as one that keeps running, without what a service cannot have."""
    service = dice.of(Service(), Service(port=80), Service(ready="ask", timeout=9.0, interval=2.0))
    free = {"outputs": (), "modifies": (), "depfile": "", "mutex": (), "resources": {}}
    return msgspec.structs.replace(
        task, commands=("serve",), service=service, interactive=False, retries=0, timeout=0.0, **free
    )


def _behaviour(dice: Dice) -> dict[str, Any]:
    """Fields that say how a task is run and what follows from a failure."""
    return {
        "retries": dice.of(0, 0, 1, 2),
        "retry_delay": dice.of(0.0, 1.0),
        "no_retry_on": dice.of((), (), (1,), (2, 126)),
        "timeout": dice.of(0.0, 5.0),
        "allow_failure": dice.of(False, False, True),
        "on_failure": dice.of("fail", "fail", "ask", "skip", "abort"),
        "interactive": dice.of(False, False, False, False, True),
        "confirm": dice.of("", "", "", "", "", "sure?"),
        "cleanup": dice.of((), (), (), ("a",), ("a", "b")),
        "when": dice.of("", "", "", "", "true"),
        "platforms": dice.of((), (), (), (), (), ("macos",)),
        "requires": dice.of((), (), (), (), (Requirement("cc"), Requirement(run="a"), Requirement(run="b"))),
    }


def _without_graph_faults(specs: list[Task]) -> list[Task]:
    """Tasks that need themselves, or each other, by files lose the inputs that say so."""
    while True:
        faults = build_graph(specs)[1]
        guilty = {fault.task for fault in faults.self_inputs} | {task for cycle in faults.cycles for task in cycle}
        assert not faults.duplicates
        if not guilty:
            return specs
        specs = [
            msgspec.structs.replace(task, inputs=(), tools=()) if number in guilty else task
            for number, task in enumerate(specs)
        ]


def _without_wave_faults(graph: TaskGraph, declared: list[WaveSpec]) -> tuple[WaveSpec, ...]:
    """Waves that need each other are given up, one by one; sequences against needs become parallel."""
    while True:
        cycles, sequences = Grouping(graph, set(range(len(graph))), declared).faults()
        if not cycles and not sequences:
            return tuple(declared)
        wrong = {declared[fault.wave].name for fault in sequences}
        declared = [msgspec.structs.replace(w, order="parallel") if w.name in wrong else w for w in declared]
        in_cycle = {graph.names[task] for cycle in cycles for edge in cycle.edges for task in edge}
        given_up = next((wave.name for wave in declared if in_cycle.intersection(wave.tasks)), None)
        declared = [wave for wave in declared if wave.name != given_up]
