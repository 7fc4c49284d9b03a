"""A plan like the one in look.md, and the manifest it was made from."""

from __future__ import annotations

from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.plan import Plan, Wave
from exarp.model.task import Task
from exarp.model.verdict import Reason, Verdict

PLACES = {
    ("docs:notes", "modifies", "CHANGELOG.md"): "exarp.toml:41",
    ("release:bump", "modifies", "CHANGELOG.md"): "exarp.toml:58",
    ("fmt", "modifies", "src/**/*.py"): "exarp.toml:12",
    ("lint", "inputs", "src/**/*.py"): "exarp.toml:7",
    ("release:bump", "needs", "docs:build"): "exarp.toml:57",
    ("seed", "mutex", "db"): "exarp.toml:70",
    ("train", "resources", "gpu"): "exarp.toml:80",
}


def locate(task: str, field: str, value: str) -> str:
    return PLACES.get((task, field, value), "")


def task(name: str, **fields: object) -> Task:
    return Task(name, commands=("true",), **fields)  # type: ignore[arg-type]


BACKEND = ("api", "db", "srv")
FRONTEND = ("ui:a", "ui:b", "ui:c", "ui:d")
TASKS = (
    *[task(name) for name in BACKEND + FRONTEND],
    task("docs:build"),
    task("docs:notes", modifies=("CHANGELOG.md",)),
    task("release:bump", modifies=("CHANGELOG.md",), needs=("docs:build",)),
    task("not:selected"),
)
MANIFEST = Manifest(
    "exarp.toml",
    TASKS,
    (
        WaveSpec("backend", BACKEND, "sequential", ("frontend",)),
        WaveSpec("frontend", FRONTEND, parallel=("backend",)),
        WaveSpec("docs", ("docs:build", "docs:notes"), parallel=("release",)),
        WaveSpec("release", ("release:bump",), parallel=True),
    ),
)
UNMARKED = (Reason("unmarked"),)
DEPENDENCY = Reason("dependency", ("docs:build", "release:bump"), via=("docs:build", "release:bump"))
BOTH_CHANGE = Reason("write-write", ("docs:notes", "release:bump"), path="CHANGELOG.md")


def waves_verdict(one: str, other: str, marked: bool, *reasons: Reason) -> Verdict:
    return Verdict(
        "waves",
        "refuted" if reasons else "upheld",
        "sequential" if reasons else "parallel",
        reasons,
        between=(one, other),
        marked=marked,
    )


def tasks_verdict(one: str, other: str, *reasons: Reason, **fields: object) -> Verdict:
    return Verdict("tasks", "refuted", "sequential", reasons, between=(one, other), **fields)  # type: ignore[arg-type]


VERDICTS = (
    waves_verdict("backend", "frontend", True),
    waves_verdict("backend", "docs", False, *UNMARKED),
    waves_verdict("backend", "release", False, *UNMARKED),
    waves_verdict("frontend", "docs", False, *UNMARKED),
    waves_verdict("frontend", "release", False, *UNMARKED),
    waves_verdict("docs", "release", True, DEPENDENCY, BOTH_CHANGE),
)


def plan(**fields: object) -> Plan:
    """The whole plan, with any field replaced."""
    needs: list[tuple[int, ...]] = [()] * len(TASKS)
    needs[9] = (7,)
    values: dict[str, object] = {
        "names": tuple(task.name for task in TASKS),
        "needs": tuple(needs),
        "waves": (
            Wave(1, "backend", (0, 1, 2), declared=True, order="sequential", beside=(2,)),
            Wave(2, "frontend", (3, 4, 5, 6), declared=True, beside=(1,)),
            Wave(3, "docs", (7, 8), declared=True, after=(1, 2)),
            Wave(4, "release", (9,), declared=True, after=(3,)),
        ),
        "order": ((0, 1), (1, 2), (8, 9)),
        "position": (*range(10), -1),
        "schedule": "waves",
        "verdicts": VERDICTS,
        "critical_path": (7, 9),
        "lower_bound": 2,
    }
    return Plan(**(values | fields))  # type: ignore[arg-type]


def simple_plan(*names: str, needs: dict[int, tuple[int, ...]] | None = None, **fields: object) -> Plan:
    """One derived wave of tasks."""
    count = len(names)
    values: dict[str, object] = {
        "names": names,
        "needs": tuple((needs or {}).get(task, ()) for task in range(count)),
        "waves": (Wave(1, "wave 1", tuple(range(count))),),
        "order": (),
        "position": tuple(range(count)),
        "schedule": "flow",
    }
    return Plan(**(values | fields))  # type: ignore[arg-type]
