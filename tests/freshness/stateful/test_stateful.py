"""Whatever happens to a folder, a run ends with what a build from scratch makes, and runs nothing that need not be run."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.effort import tries
from tests.freshness.stateful.changes import Changing
from tests.freshness.stateful.drawing import AROUND, CHANGES, MEMBERS, PLACES, SOURCES, contents, values
from tests.freshness.stateful.machine import Ran, expected
from tests.freshness.stateful.project import MATRIX, Spec
from tests.freshness.stateful.simulation import Asked, Outcome, doubted, perhaps_kept, simulate, touch
from tests.freshness.stateful.tree import FOLDER, a_file


class Building(Changing):
    """A folder that changes, and is built."""

    @rule()
    def settle(self) -> None:
        self.place.settle()

    @rule(options=st.sampled_from([(), (), ("-j2",), ("-k", "-q"), ("--force",), ("--no-cache",)]))
    def run_all(self, options: tuple[str, ...]) -> None:
        self.check(("--all",), options)

    @rule()
    def run_all_and_again(self) -> None:
        self.place.settle()
        for _ in range(3):
            self.check(("--all",), ())

    @rule()
    def run_default(self) -> None:
        self.check((), ())

    @rule(data=st.data(), options=st.sampled_from([(), (), (), ("-j2",), ("-k",), ("--force",)]))
    def run_some(self, data: st.DataObject, options: tuple[str, ...]) -> None:
        self.check(self.some(data), options)

    @rule()
    def run_the_same(self) -> None:
        self.check(*self.last)

    @rule(data=st.data(), every=st.booleans(), how=st.sampled_from(["", "", "replace", "keep time", "old", "future"]))
    def run_around_a_change(self, data: st.DataObject, every: bool, how: str) -> None:
        """Where all is known, some tasks are run that are not as they were: what does that say of the others?"""
        self.place.settle()
        self.check(("--all",), ())
        some: tuple[str, ...] = ("--all",)
        if not every:
            some = self.some(data, most=2)
        self.check(some, ())
        # The index of a run of some is made after the first change, and only patched after the next ones.
        for _ in range(data.draw(st.integers(1, 3))):
            sources, outputs = self.concerning(some)
            kind = data.draw(
                st.sampled_from(["source", "source", "output", "member", "task", "around", "variable", "variable"])
            )
            if kind == "task":
                self.change(data, data.draw(st.sampled_from(CHANGES)))
            elif kind == "around":
                self.change_around(data, data.draw(st.sampled_from(AROUND)))
            elif kind == "variable":
                self.set_variable(data.draw(st.sampled_from(PLACES)), data.draw(values))
            elif kind == "member":
                self.join_or_leave(data.draw(st.sampled_from(MEMBERS)))
            elif kind == "output" and outputs:
                path, meddled = (
                    data.draw(st.sampled_from(outputs)),
                    data.draw(st.sampled_from(["edit", "delete", "same"])),
                )
                self.meddle_with(path, meddled)
            else:
                self.change_source(data.draw(st.sampled_from(sources)), data.draw(contents), how)
            self.check(some, ())
        if data.draw(st.booleans()):
            self.place.settle()
        self.check(data.draw(st.sampled_from([("--all",), ("--all",), (), *[(key,) for key in self.every()]])), ())

    @rule(data=st.data())
    def go_there_and_back(self, data: st.DataObject) -> None:
        """To another branch, and back to this one: with artifacts nothing is made twice."""
        self.check(("--all",), ())
        here = (self.sources(), self.place.project)
        for branch in (data.draw(st.sampled_from(self.branches)), here):
            self.switch_to(*branch)
            self.check(("--all",), ())

    def join_or_leave(self, path: str) -> None:
        """Put a file where patterns are looked for, or take it away."""
        at = self.place.root / path
        if at.exists():
            at.unlink()
        else:
            self.place.write(path, "a1\n")

    def concerning(self, keys: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """Sources that count for tasks, and files that those make."""
        tree = self.place.tree()
        names = self.place.project.expanded(tree).selection(self.every() if keys == ("--all",) else keys)
        records = [record for name, record in self.place.records.items() if name in names]
        sources = {path for record in records for path in (*record.inputs, *record.found) if path in SOURCES}
        outputs = {path for record in records for path in record.outputs if tree.get(path, FOLDER)[0] == "file"}
        return sorted(sources) or SOURCES, sorted(outputs)

    @rule(words=st.sampled_from([("plan",), ("run", "-n"), ("plan", "--diff"), ("status",), ("clean", "-n")]))
    def only_look(self, words: tuple[str, ...]) -> None:
        before = self.place.tree()
        self.place.call(*words)
        assert self.place.tree() == before

    @rule(data=st.data(), every=st.booleans())
    def take_as_done(self, data: st.DataObject, every: bool) -> None:
        """Somebody says that all is as it should be, and is believed."""
        place, keys = self.place, self.every() if every else self.some(data)
        before = place.tree()
        records = touch(place.project, before, place.environ, place.records, keys)
        code = place.call("run", *(("--all",) if every else self.names(keys)), "--touch")
        assert code == int(records is None), (keys, records, place.said)
        assert place.tree() == before
        if records is not None:
            place.records = records
            self.is_touched = True

    @rule(
        data=st.data(),
        whole=st.sampled_from([True, True, False]),
        signum=st.sampled_from([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM]),
        at=st.sampled_from("01"),
    )
    def break_off(self, data: st.DataObject, whole: bool, signum: signal.Signals, at: str) -> None:
        """exarp is ended in the midst of a run, or (not ``whole``) a task is killed."""
        likely = expected(self.place, self.every())
        spec = self.one_that_runs(data, likely)
        if spec is None or (not whole and spec.allow_failure):
            return
        ran = self.place.broken_off(_gate(spec, at), signum if whole else signal.SIGKILL, whole)
        self.take_over(likely, ran)

    def one_that_runs(self, data: st.DataObject, likely: Outcome) -> Spec | None:
        """A task that a run is going to come to."""
        keys = {name.partition("@")[0] for name in likely.made if name not in likely.restored}
        specs = [spec for spec in self.place.project.tasks if spec.name in keys]
        return data.draw(st.sampled_from(specs)) if specs else None

    def take_over(self, likely: Outcome, ran: Ran) -> None:
        """A run that ended before its end: what it told is what is known."""
        place = self.place
        assert set(ran.begun) <= set(likely.made), (ran.begun, likely.made)
        assert ran.restored <= likely.restored | likely.unsure, (ran.restored, likely.restored)
        passed = [name for name in {*ran.begun, *ran.restored} if name in ran.passed]
        for name in {*ran.begun, *ran.restored}:
            place.records.pop(name, None)
            if name in ran.passed and name in likely.records:
                place.records[name] = likely.records[name]
        doubted(place.store, [likely.keys[name] for name in ran.begun if name not in ran.passed])
        keys = [likely.keys[name] for name in passed]
        perhaps_kept(place.store, [(key, likely.store[key]) for key in keys if key in likely.store])

    @rule(data=st.data(), content=contents, at=st.sampled_from("01"), back=st.booleans())
    def change_meanwhile(self, data: st.DataObject, content: str, at: str, back: bool) -> None:
        """A source changes while a task runs, perhaps only for that time: whatever was recorded is of no account."""
        place, tree = self.place, self.place.tree()
        likely = expected(place, self.every())
        spec = self.one_that_runs(data, likely)
        if spec is None or self.is_touched:
            return
        read = (
            {*likely.records[spec.name].inputs, *likely.records[spec.name].found}
            if spec.name in likely.records
            else set()
        )
        path = data.draw(st.sampled_from(sorted(read.intersection(SOURCES)) or SOURCES))
        if tree.get(path, FOLDER)[0] != "file":
            return
        then = tree if back else {**tree, path: a_file(content)}
        after = simulate(place.project, then, place.environ, {}, {}, Asked(self.every()))
        if after.failed:
            return
        self.is_right = False

        def change(task: int, exarp: int) -> None:
            self.change_source(path, content, "")
            place.go_on()

        place.held_up(_gate(spec, at), change)
        # Also where it never came there: what it needs failed.
        self.change_source(path, then[path][1], "")
        ran = place.run(("--all",))
        assert ran.code == 0, self.told(after, ran)
        self.compare(after, ran)
        place.records |= after.records
        # What was kept on the way, nobody knows.
        place.store = {}
        if self.artifacts:
            place.call("cache", "clear")
        self.check(("--all",), ())


def _gate(spec: Spec, at: str) -> str:
    return f"{MATRIX if spec.kind == MATRIX else spec.key}.{at}"


# In this process, or by the command and so by the door; with artifacts or without.
WAYS = {
    "process": ("process", False),
    "command": ("command", False),
    "stored": ("process", True),
    "artifacts": ("command", True),
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_happens(way: str) -> None:
    class Tried(Building):
        pass

    Tried.way, Tried.artifacts = WAYS[way]
    run_state_machine_as_test(
        Tried,
        settings=settings(
            max_examples=tries(5),
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            # Each step may start processes: to make an example smaller takes many minutes. It is told step by step.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
