"""One folder in which things happen, and what is asked of exarp after each: exactly what the oracle says.

Knows how a run is judged. What may happen to the folder is in ``changes``, what is run in it in ``test_stateful``.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from exarp.model.event import TaskFinished, TaskStarted
from tests.freshness.stateful.drawing import LASTING, SOURCES, contents, projects
from tests.freshness.stateful.machine import Place, Ran, expected, put
from tests.freshness.stateful.manifest import INNER_FILE, ROOT_FILE
from tests.freshness.stateful.project import Project
from tests.freshness.stateful.scripts import made_by
from tests.freshness.stateful.simulation import Outcome
from tests.freshness.stateful.tree import Entry, Tree, below, removed, with_folders

MADE = ("out", "dir", "keep", "glob", "mo")


class Folder(RuleBasedStateMachine):
    """One folder, built in one way."""

    way = "command"
    artifacts = False

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="stateful-"))
        self.place = Place(self.base / "a", self.way, self.artifacts)
        self.last: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self.branches: list[tuple[Tree, Project]] = []
        # What went wrong is not to be told twice.
        self.is_right = False
        # Somebody said of outputs that they are right.
        self.is_touched = False

    def teardown(self) -> None:
        try:
            if self.is_right:
                self.compare_with_a_build_from_scratch()
        finally:
            shutil.rmtree(self.base)

    @initialize(project=projects(), data=st.data())
    def begin(self, project: Project, data: st.DataObject) -> None:
        for path in SOURCES:
            if path in LASTING or data.draw(st.integers(0, 5)):
                self.place.write(path, data.draw(contents))
        self.place.write("lib/p", "a1\n")
        self.place.write("src/p.c", "a1\n")
        self.place.describe(project)
        self.branches.append((self.sources(), project))
        self.is_right = True

    def sources(self) -> Tree:
        """What is there and no task makes, without the manifests."""
        tree = self.place.tree()
        for spec in self.place.project.expanded(tree).tasks:
            for output in (*spec.outputs, *((spec.depfile,) if spec.depfile else ())):
                removed(tree, output.removesuffix("/*.o").rstrip("/"))
        apart = (*MADE, ROOT_FILE, INNER_FILE)
        return {path: entry for path, entry in tree.items() if path.split("/")[0] not in apart and path not in apart}

    def strays(self) -> Tree:
        """What lies in folders whose tasks leave it there."""
        tree, found = self.place.tree(), dict[str, Entry]()
        for spec in self.place.project.tasks:
            if spec.kind == "kept":
                inside = below(tree, spec.outputs[0].rstrip("/"))
                found |= {path: tree[path] for path in inside if not made_by(spec, path)}
        return found

    def every(self) -> tuple[str, ...]:
        return tuple(spec.key for spec in self.place.project.tasks)

    def some(self, data: st.DataObject, most: int = 3) -> tuple[str, ...]:
        """Keys of a few tasks."""
        return tuple(data.draw(st.lists(st.sampled_from(self.every()), min_size=1, max_size=most, unique=True)))

    def names(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        by_key = {spec.key: spec.name for spec in self.place.project.tasks}
        return tuple(by_key.get(key, key) for key in keys)

    def check(self, keys: tuple[str, ...], options: tuple[str, ...]) -> None:
        """Run tasks, and see that exactly what must be made is made, and rightly."""
        self.is_right, place = False, self.place
        self.last = (keys, tuple(option for option in options if option != "--force"))
        wanted = {"--all": self.every()}.get(keys[0], keys) if keys else place.project.default
        outcome = expected(place, wanted, "--force" in options, "--no-cache" not in options)
        expanded = place.project.expanded(place.tree())
        foreseen = place.foresee(self.names(keys)) if keys and not {"--force", "--no-cache"} & set(options) else None
        ran = place.run(self.names(keys), *options)
        event(ran.answered)
        made = sorted([*ran.begun, *ran.restored])
        assert made == sorted(outcome.made), self.told(outcome, ran)
        assert outcome.restored <= ran.restored <= outcome.restored | outcome.unsure, self.told(outcome, ran)
        told = sorted(expanded.by_name[name].key for name in ran.begun if not expanded.by_name[name].is_group)
        said = sorted(one.removeprefix("mx/").removesuffix(".c") for one in ran.started)
        assert said == told, self.told(outcome, ran)
        assert ran.code == int(outcome.is_failure), self.told(outcome, ran)
        if foreseen is not None and not outcome.failed:
            restored, fresh = foreseen
            event(f"foreseen as restored: {min(len(restored), 3)}")
            assert restored <= ran.restored, (restored, self.told(outcome, ran))
            assert fresh.isdisjoint(made), (fresh, self.told(outcome, ran))
        place.records, place.store = outcome.records, outcome.store
        self.compare(outcome, ran)
        self.is_right = True

    def compare(self, outcome: Outcome, ran: Ran) -> None:
        """What is there with what must be there."""
        differences = _differences(outcome.tree, self.place.tree())
        assert not differences, f"{differences}\n{self.told(outcome, ran)}"

    def told(self, outcome: Outcome, ran: Ran) -> str:
        index = (self.place.root / ".exarp/index").exists()
        why = [(event.task, event.reason) for event in ran.events if isinstance(event, TaskStarted | TaskFinished)]
        project = self.place.project
        specs = "\n".join(map(str, [*project.tasks, *project.waves]))
        return (
            f"must: {sorted(outcome.made)}, restored: {outcome.restored} {outcome.unsure}; ran: {ran.begun}; "
            f"restored: {ran.restored}; failed: {outcome.failed}; {ran.answered}; "
            f"{ran.started} {ran.code} {index=} {why}\n{self.place.said}\n{specs}"
        )

    def compare_with_a_build_from_scratch(self) -> None:
        """What is there after all that happened is what is made where nothing ever happened."""
        place = self.place
        self.check(("--all",), ("--force",) if self.is_touched else ())
        fresh = Place(self.base / "b", "process", False)
        fresh.environ = place.environ
        put(fresh.root, with_folders({**self.sources(), **self.strays()}), {})
        fresh.describe(place.project)
        outcome = expected(fresh, self.every())
        if outcome.failed:
            return
        before = place.tree()
        assert fresh.run(("--all",)).code == 0
        for path, entry in fresh.tree().items():
            assert before.get(path) == entry, (path, entry, before.get(path))


def _differences(then: Tree, now: Tree) -> list[object]:
    return [(path, then.get(path), now.get(path)) for path in sorted({*then, *now}) if then.get(path) != now.get(path)]
