"""Whatever happens to a folder, a run ends with what a build from scratch makes, and runs nothing that need not be run."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.effort import tries
from tests.freshness.stateful.machine import Place, Ran, expected, put
from tests.freshness.stateful.oracle import FOLDER, MATRIX, From, Outcome, Project, Spec, Tree, removed

CONTENTS = ["a1\n", "a2\n", "b1\n", "b2\n", "a1\na2\n", ""]
SOURCES = [
    "src/p.c",
    "src/q.c",
    "src/r.h",
    "lib/p",
    "lib/sub/q",
    "inc/h1",
    "inc/h2",
    "mx/a.c",
    "mx/b.c",
    "mx/c.c",
    "mod/f",
]
# Without these there is nothing that could be run.
LASTING = frozenset({"mx/a.c"})
# What globs and folders may come to hold, or not.
MEMBERS = ["src/q.c", "src/z.c", "src/r.h", "lib/z", "lib/sub/q", "mx/b.c"]
PATTERNS = ["src/p.c", "src/p.c", "src/q.c", "src/*.c", "src/*.c", "src/*.h", "lib", "lib/", "lib/*", "inc/h1", "mod/f"]
KINDS = ["file", "file", "two", "folder", "kept", "glob", "dep", "check", "group", "always", "modify", MATRIX]
contents = st.sampled_from(CONTENTS)
# Among those is what some tasks fail of.
edits = st.sampled_from([*CONTENTS, "X1\n"])


@st.composite
def specs(draw: st.DrawFn, key: str, before: tuple[Spec, ...], name: str = "") -> Spec:
    """A task that may read what those before it make."""
    kind = draw(st.sampled_from(KINDS))
    if (kind == MATRIX and any(spec.kind == kind for spec in before)) or (kind == "modify" and before):
        kind = "file"
    makers = [spec.key for spec in before if spec.outputs]
    inputs: list[str | From] = []
    needs: list[str] = []
    if kind not in (MATRIX, "group", "always", "modify"):
        inputs += draw(st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True))
        if makers:
            inputs += draw(st.lists(st.builds(From, st.sampled_from(makers), st.booleans()), max_size=2))
    if before:
        needs = draw(st.lists(st.sampled_from([spec.key for spec in before]), max_size=2, unique=True))
    if "mod/f" in inputs:
        needs += [spec.key for spec in before if spec.kind == "modify" and spec.key not in needs]
    if kind == "group" and not needs:
        kind = "check"
    return Spec(
        key=key,
        name=name or f"t{key}",
        kind=kind,
        salt=draw(st.integers(0, 2)),
        inputs=tuple(dict.fromkeys(inputs)),
        needs=tuple(needs),
        coarse=draw(st.booleans()) and kind != "dep",
        fails=draw(st.sampled_from(["", "", "early", "late"])),
        allow_failure=draw(st.integers(0, 5)) == 0 and kind != "group",
        variable=draw(st.sampled_from(["", "", "A", "B", "T"])),
    )


@st.composite
def projects(draw: st.DrawFn) -> Project:
    tasks: tuple[Spec, ...] = ()
    for number in range(draw(st.integers(2, 7))):
        tasks += (draw(specs(str(number), tasks)),)
    default = draw(st.lists(st.sampled_from([spec.key for spec in tasks]), min_size=1, max_size=3, unique=True))
    return Project(tasks, tuple(default))


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
        """What is there and no task makes."""
        tree = self.place.tree()
        for spec in self.place.project.expanded(tree).tasks:
            for output in (*spec.outputs, *((spec.depfile,) if spec.depfile else ())):
                removed(tree, output.removesuffix("/*.o").rstrip("/"))
        apart = ("out", "dir", "glob", "mo", "exarp.toml")
        return {path: entry for path, entry in tree.items() if path.split("/")[0] not in apart}

    # -- sources -----------------------------------------------------------------------------------------------

    @rule(
        path=st.sampled_from(SOURCES),
        content=edits,
        how=st.sampled_from(["", "", "replace", "keep time", "old", "future"]),
    )
    def edit(self, path: str, content: str, how: str) -> None:
        self.change_source(path, content, how)

    def change_source(self, path: str, content: str, how: str) -> None:
        """Give a source another content, in one of the ways in which that is done."""
        at = self.place.root / path
        before = at.stat() if at.exists() else None
        if how == "replace":
            self.place.write("aside", content)
            at.parent.mkdir(parents=True, exist_ok=True)
            os.rename(self.place.root / "aside", at)
        else:
            self.place.write(path, content)
        if how == "keep time" and before is not None:
            os.utime(at, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif how in ("old", "future"):
            os.utime(at, ns=(0, 0 if how == "old" else 4_000_000_000_000_000_000))

    @rule(
        path=st.sampled_from(SOURCES), to=st.sampled_from(SOURCES), how=st.sampled_from(["touch", "delete", "rename"])
    )
    def rearrange(self, path: str, to: str, how: str) -> None:
        at = self.place.root / path
        if not at.exists():
            return
        if how == "touch":
            os.utime(at)
        elif path in LASTING:
            return
        elif how == "delete":
            at.unlink()
        else:
            (self.place.root / to).parent.mkdir(parents=True, exist_ok=True)
            os.rename(at, self.place.root / to)

    @rule(
        path=st.sampled_from(["src/p.c", "src/z.c", "lib/z"]),
        leads=st.sampled_from(["../src/q.c", "../inc/h1", "nothing", "", ""]),
    )
    def link(self, path: str, leads: str) -> None:
        at = self.place.root / path
        if leads or path.endswith("z") or at.is_symlink():
            at.unlink(missing_ok=True)
        if leads:
            at.symlink_to(leads)

    @rule(names=st.sampled_from(["", "r.h", "q.c", "q.c\nr.h"]))
    def ignore(self, names: str) -> None:
        self.place.write(".gitignore", f"{names}\n")

    # -- outputs -----------------------------------------------------------------------------------------------

    @rule(data=st.data(), how=st.sampled_from(["edit", "delete", "delete", "folder", "link", "same", "touch"]))
    def meddle(self, data: st.DataObject, how: str) -> None:
        tree = self.place.tree()
        made = [path for path in tree if path.split("/")[0] in ("out", "dir", "glob", "mo") and not path.endswith(".d")]
        files = sorted(path for path in made if tree[path][0] == "file")
        if files:
            self.meddle_with(data.draw(st.sampled_from(files)), how)

    def meddle_with(self, path: str, how: str) -> None:
        """Do something to an output."""
        at = self.place.root / path
        if how == "edit":
            at.write_text("meddled\n")
        elif how == "delete":
            at.unlink()
        elif how == "same":
            at.write_text(at.read_text())
        elif how == "touch":
            os.utime(at)
        elif path.startswith(("out/", "mo/")):
            at.unlink()
            if how == "folder":
                self.place.write(f"{path}/inside", "meddled\n")
            else:
                at.symlink_to("../src/p.c")

    @rule(data=st.data())
    def drop_folder(self, data: st.DataObject) -> None:
        tree = self.place.tree()
        own = ("dir/", "glob/")
        tops = sorted(p for p, entry in tree.items() if entry == FOLDER and p.count("/") == 1 and p.startswith(own))
        tops += [top for top in ("out", "dir", "mo") if top in tree]
        if tops:
            shutil.rmtree(self.place.root / data.draw(st.sampled_from(tops)))

    @rule(data=st.data())
    def stray(self, data: st.DataObject) -> None:
        folders = [output for spec in self.place.project.tasks for output in spec.outputs if spec.kind == "folder"]
        if folders:
            folder = data.draw(st.sampled_from(folders))
            if (self.place.root / folder).is_dir():
                self.place.write(f"{folder}stray", "stray\n")

    # -- the manifest ------------------------------------------------------------------------------------------

    @rule(data=st.data(), what=st.sampled_from(["salt", "coarse", "name", "outputs", "all", "allow", "fails"]))
    def change(self, data: st.DataObject, what: str) -> None:
        project = self.place.project
        at = data.draw(st.integers(0, len(project.tasks) - 1))
        spec = project.tasks[at]
        if what == "all":
            new = data.draw(specs(spec.key, project.tasks[:at], spec.name))
            if new.kind == MATRIX and any(each.kind == MATRIX for each in project.tasks if each is not spec):
                return
            if "modify" in (new.kind, spec.kind):
                return
            users = [e for e in project.tasks if any(isinstance(i, From) and i.key == spec.key for i in e.inputs)]
            if users and not new.outputs:
                return
        elif what == "salt":
            new = replace(spec, salt=(spec.salt + 1) % 3)
        elif what == "coarse":
            new = replace(spec, coarse=not spec.coarse and spec.kind != "dep")
        elif what == "name":
            new = replace(spec, name=f"t{spec.key}" if spec.name[0] == "n" else f"n{spec.key}")
        elif what == "outputs":
            new = replace(spec, moved="" if spec.moved else "v")
        elif what == "allow":
            new = replace(spec, allow_failure=not spec.allow_failure and not spec.is_group)
        else:
            new = replace(spec, fails="" if spec.fails else "late")
        self.place.describe(replace(project, tasks=(*project.tasks[:at], new, *project.tasks[at + 1 :])))

    @rule(name=st.sampled_from("AB"), value=st.sampled_from(["", "1", "2"]))
    def set_variable(self, name: str, value: str) -> None:
        if name == "A":
            self.place.describe(replace(self.place.project, variable=value))
        else:
            self.place.environ = {"B": value} if value else {}

    @rule()
    def remember(self) -> None:
        self.branches.append((self.sources(), self.place.project))

    @rule(data=st.data())
    def switch(self, data: st.DataObject) -> None:
        tree, project = data.draw(st.sampled_from(self.branches))
        before = self.sources()
        self.branches.append((before, self.place.project))
        put(self.place.root, tree, before)
        self.place.describe(project)

    # -- runs --------------------------------------------------------------------------------------------------

    @rule()
    def settle(self) -> None:
        self.place.settle()

    @rule(options=st.sampled_from([(), (), ("-j2",), ("-k", "-q"), ("--force",)]))
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

    @rule(data=st.data(), options=st.sampled_from([(), (), ("-j2",), ("-k",)]))
    def run_some(self, data: st.DataObject, options: tuple[str, ...]) -> None:
        some = data.draw(st.lists(st.sampled_from(self.every()), min_size=1, max_size=3, unique=True))
        self.check(tuple(some), options)

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
            some = tuple(data.draw(st.lists(st.sampled_from(self.every()), min_size=1, max_size=2, unique=True)))
        self.check(some, ())
        # The index of a run of some is made after the first change, and only patched after the next ones.
        for _ in range(data.draw(st.integers(1, 3))):
            sources, outputs = self.concerning(some)
            kind = data.draw(st.sampled_from(["source", "output", "member"]))
            if kind == "member":
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

    @rule(words=st.sampled_from([(), (), ("--stale",)]))
    def clean(self, words: tuple[str, ...]) -> None:
        before, sources = self.place.tree(), self.sources()
        assert self.place.call("clean", *words) == 0
        assert self.sources() == sources
        if words:
            now = self.place.tree()
            expanded = self.place.project.expanded(before)
            kept = {output for spec in expanded.tasks if spec.kind != "kept" for output in spec.outputs}
            assert all(now.get(path) == before.get(path) for path in kept)

    @rule(data=st.data(), signum=st.sampled_from([signal.SIGKILL, signal.SIGINT]), at=st.sampled_from(["0", "1"]))
    def break_off(self, data: st.DataObject, signum: int, at: str) -> None:
        likely = expected(self.place, self.every())
        keys = sorted({name.partition("@")[0] for name in likely.made})
        specs = [spec for spec in self.place.project.tasks if spec.name in keys]
        if not specs:
            return
        spec = data.draw(st.sampled_from(specs))
        gate = f"{MATRIX if spec.kind == MATRIX else spec.key}.{at}"
        ran = self.place.broken_off(gate, signum, ())
        self.take_over(likely, ran)

    def take_over(self, likely: Outcome, ran: Ran) -> None:
        """A run that ended before its end: what it told is what is known."""
        assert set(ran.begun) <= set(likely.made), (ran.begun, likely.made)
        assert ran.restored <= set(likely.made)
        for name in {*ran.begun, *ran.restored}:
            self.place.records.pop(name, None)
            if name in ran.passed and name in likely.records:
                self.place.records[name] = likely.records[name]

    def every(self) -> tuple[str, ...]:
        return tuple(spec.key for spec in self.place.project.tasks)

    def check(self, keys: tuple[str, ...], options: tuple[str, ...]) -> None:
        """Run tasks, and see that exactly what must be made is made, and rightly."""
        self.is_right, place = False, self.place
        self.last = (keys, tuple(option for option in options if option != "--force"))
        wanted = {"--all": self.every()}.get(keys[0], keys) if keys else place.project.default
        outcome = expected(place, wanted, "--force" in options)
        expanded = place.project.expanded(place.tree())
        names = keys
        if keys and keys != ("--all",):
            by_key = {spec.key: spec.name for spec in place.project.tasks}
            names = tuple(by_key[key] for key in keys)
        ran = place.run(names, *options)
        event(ran.answered)
        made = sorted([*ran.begun, *ran.restored])
        assert made == sorted(outcome.made), self.told(outcome, ran)
        told = sorted(expanded.by_name[name].key for name in ran.begun if not expanded.by_name[name].is_group)
        said = sorted(one.removeprefix("mx/").removesuffix(".c") for one in ran.started)
        assert said == told, self.told(outcome, ran)
        assert ran.code == int(outcome.is_failure), self.told(outcome, ran)
        assert self.artifacts or not ran.restored
        place.records = outcome.records
        tree = place.tree()
        differences = _differences(outcome.tree, tree)
        assert not differences, f"{differences}\n{self.told(outcome, ran)}"
        self.is_right = True

    def told(self, outcome: Outcome, ran: Ran) -> str:
        index = (self.place.root / ".exarp/index").exists()
        why = [(event.task, event.reason) for event in ran.events if hasattr(event, "reason")]
        specs = "\n".join(map(str, self.place.project.tasks))
        return (
            f"must: {sorted(outcome.made)}; ran: {ran.begun}; restored: {ran.restored}; failed: {outcome.failed}; "
            f"{ran.started} {ran.code} {index=} {why}\n{self.place.said}\n{specs}"
        )

    def compare_with_a_build_from_scratch(self) -> None:
        """What is there after all that happened is what is made where nothing ever happened."""
        place = self.place
        self.check(("--all",), ())
        sources = self.sources()
        fresh = Place(self.base / "b", "process", False)
        fresh.environ = place.environ
        put(fresh.root, sources, {})
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


WAYS = {"process": ("process", False), "command": ("command", False), "artifacts": ("command", True)}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_happens(way: str) -> None:
    class Tried(Folder):
        pass

    Tried.way, Tried.artifacts = WAYS[way]
    run_state_machine_as_test(
        Tried,
        settings=settings(
            max_examples=tries(6),
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            # Each step may start processes: to make an example smaller takes many minutes. It is told step by step.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
