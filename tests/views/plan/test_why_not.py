from __future__ import annotations

import msgspec
import pytest

from exarp.manifests.notations import yaml
from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.verdict import Reason, Verdict
from exarp.views.plan.reason_words import sentence, touches
from exarp.views.plan.why_not import answer

from .plans import BOTH_CHANGE, DEPENDENCY, MANIFEST, UNMARKED, locate, task, tasks_verdict, waves_verdict

LINT = Manifest("exarp.toml", (task("lint", inputs=("src/**/*.py",)), task("fmt", modifies=("src/**/*.py",))))
READS = Reason("read-write", ("lint", "fmt"), path="src/**/*.py", writer="fmt")
PICTURE = """\
lint and fmt may not run side by side: fmt changes what lint reads
  fmt   modifies src/**/*.py   exarp.toml:12
  lint  reads    src/**/*.py   exarp.toml:7
They run in manifest order: lint, then fmt. To choose: add after = ["fmt"] to lint."""


def test_the_answer_looks_like_the_picture():
    assert answer(tasks_verdict("lint", "fmt", READS), LINT, locate) == PICTURE
    in_yaml = answer(tasks_verdict("lint", "fmt", READS), LINT, locate, advise=yaml.advice)
    assert in_yaml.endswith('To choose: add after: ["fmt"] to lint.')


def test_every_reason_is_told_with_its_evidence():
    assert answer(waves_verdict("docs", "release", True, DEPENDENCY, BOTH_CHANGE), MANIFEST, locate) == (
        "docs and release may not run side by side: release:bump needs docs:build\n"
        "  release:bump  needs docs:build   exarp.toml:57\n"
        "also: both change CHANGELOG.md\n"
        "  docs:notes    modifies CHANGELOG.md   exarp.toml:41\n"
        "  release:bump  modifies CHANGELOG.md   exarp.toml:58\n"
        "They run in the order of their needs: docs, then release."
    )


def test_waves_that_are_only_not_marked_are_told_what_to_write():
    assert answer(waves_verdict("backend", "docs", False, *UNMARKED), MANIFEST, locate) == (
        "backend and docs may not run side by side: not marked parallel\n"
        'They run in manifest order: backend, then docs. To let them: set parallel = ["frontend", "docs"] in wave '
        'backend and parallel = ["release", "backend"] in wave docs.'
    )
    one_sided = answer(waves_verdict("backend", "release", False, *UNMARKED), MANIFEST, locate)
    assert one_sided.endswith('To let them: set parallel = ["frontend", "release"] in wave backend.')


@pytest.mark.parametrize("one_and_other", [("backend", "frontend"), ("lint", "fmt")])
def test_what_may_run_side_by_side_is_told_with_why_nothing_speaks_against_it(one_and_other):
    kind = "waves" if "backend" in one_and_other else "tasks"
    text = answer(Verdict(kind, "upheld", "parallel", between=one_and_other), MANIFEST, locate)
    assert text.startswith(f"{one_and_other[0]} and {one_and_other[1]} may run side by side: ")
    assert "\n" not in text and len(text) > 60


def test_waves_that_may_run_beside_each_other_tell_which_of_their_tasks_do_not():
    mutex = Reason("mutex", ("api", "ui:a"), name="db")
    verdict = Verdict("waves", "upheld", "parallel", (mutex,), between=("backend", "frontend"), marked=True)
    assert answer(verdict, MANIFEST, locate).split("\n") == [
        "backend and frontend may run side by side, but both hold the mutex db",
        "  api   holds db",
        "  ui:a  holds db",
    ]


def test_what_is_not_proven_is_not_called_wrong():
    reason = Reason("undeclared", ("a",))
    verdict = Verdict("tasks", "unproven", "sequential", (reason,), between=("a", "b"))
    first, *_, last = answer(verdict, Manifest("e", (task("a"), task("b"))), locate).split("\n")
    assert (
        first
        == "a and b do not run side by side: it is not proven safe, a does not declare all that it reads and writes"
    )
    assert last == 'They run in manifest order: a, then b. To choose: add after = ["b"] to a.'
    trusted = msgspec.structs.replace(verdict, runs="parallel")
    assert answer(trusted, Manifest("e", ()), locate).startswith(
        "a and b may run side by side, though that is not proven safe: a does not"
    )


def test_what_excludes_each_other_has_no_order():
    verdict = tasks_verdict("train", "test", Reason("resource", ("train", "test"), name="gpu"))
    manifest = Manifest("e", (task("train", resources={"gpu": 2}), task("test", resources={"gpu": 1})))
    assert answer(verdict, manifest, locate).split("\n") == [
        "train and test may not run side by side: together they ask for more gpu than there is",
        "  train  asks for gpu = 2   exarp.toml:80",
        "  test   asks for gpu = 1",
        "They run one at a time, whichever is ready first.",
    ]


def test_a_group_is_answered_too():
    verdict = Verdict("group", "refuted", "sequential", (Reason("mutex", name="db"),), among=("a", "b", "c"))
    assert answer(verdict, Manifest("e", ()), locate).startswith(
        "a, b, c may not run side by side: all hold the mutex db\n"
    )


def test_the_advice_can_be_pasted_whatever_the_name():
    name = 'a"b\\c'
    verdict = tasks_verdict("x", name, Reason("write-write", ("x", name), path="o"))
    assert answer(verdict, Manifest("e", ()), locate).endswith('add after = ["a\\"b\\\\c"] to x.')


def test_a_derived_wave_has_no_marking_to_set():
    verdict = Verdict("waves", "refuted", "sequential", (Reason("unmarked", name="wave 2"),), ("docs", "wave 2"))
    assert answer(verdict, MANIFEST, locate) == (
        "docs and wave 2 may not run side by side: wave 2 is a derived wave and runs beside no other\n"
        "They run in manifest order: docs, then wave 2. "
        "To let them: put the tasks of both into declared waves that are marked parallel, or into one."
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason("ordered-through", name="docs"), "docs runs between them"),
        (Reason("ordered-through", ("a", "b"), name="w"), "in w one comes after the other"),
        (Reason("unmarked", name="wave 1"), "wave 1 is a derived wave and runs beside no other"),
        (Reason("undecided", ("a", "b"), path="out/*"), "whether both touch out/* cannot be decided"),
        (Reason("undecided"), "whether both touch the same files cannot be decided"),
        (Reason("read-write", path="x"), "one changes what the other reads: x"),
        (Reason("undeclared", ("a", "b")), "a, b do not declare all that they read and write"),
        (Reason("dependency", ("a", "d"), via=("a", "b", "c", "d")), "d needs a (through b, c)"),
        (Reason("dependency", ("a", "e"), via=("a", "e")), "e comes after a"),
    ],
)
def test_every_code_has_words(reason, words):
    assert sentence(reason, {"e": task("e", after=("a",))}) == words


def test_evidence_that_was_seen_says_so_instead_of_a_place():
    reason = Reason("read-write", ("a", "b"), path="x", writer="b", evidence="traced")
    rows = touches(reason, {"a": task("a"), "b": task("b")}, locate)
    assert [(row.task, row.verb, row.place) for row in rows] == [
        ("b", "writes", "seen when it ran"),
        ("a", "reads", "seen when it ran"),
    ]


def test_the_declared_pattern_that_covers_the_path_is_shown():
    tasks = {"a": task("a", outputs=("x/", "out/")), "b": task("b", inputs=("out/**/*.h",)), "c": task("c")}
    rows = touches(Reason("read-write", ("a", "b"), path="out/a.h", writer="a"), tasks, locate)
    assert [(row.verb, row.what) for row in rows] == [("writes", "out/"), ("reads", "out/**/*.h")]
    both = touches(Reason("undecided", ("b", "c"), path="out/*.h"), tasks, locate)
    assert [(row.verb, row.what) for row in both] == [("reads", "out/**/*.h"), ("writes", "out/*.h")]


def test_the_evidence_is_a_pattern_that_really_overlaps():
    tasks = {"a": task("a", modifies=("src/a*.h",)), "b": task("b", inputs=("src/*.c", "src/**/*.h"))}
    rows = touches(Reason("read-write", ("a", "b"), path="src/a*.h", writer="a"), tasks, locate)
    assert [row.what for row in rows] == ["src/a*.h", "src/**/*.h"]


def test_what_nobody_declared_is_not_claimed():
    manifest = Manifest("e", (task("a"), task("b"), task("c", inputs=(), outputs=())), (WaveSpec("w", ("a", "b")),))
    pair = answer(Verdict("tasks", "upheld", "parallel", between=("a", "c")), manifest, locate)
    assert pair == (
        "a and c may run side by side: as far as declared neither needs the other, and neither changes what the other "
        'reads or writes; a is undeclared, trusted (trust = "plan")'
    )
    waves = answer(Verdict("waves", "upheld", "parallel", between=("w", "v")), manifest, locate)
    assert waves.endswith(
        "and as far as declared no task of one needs, changes or reads what the other makes; "
        'a, b are undeclared, trusted (trust = "plan")'
    )


def test_waves_that_keep_two_tasks_apart_are_named_as_the_cause():
    reason = Reason("write-write", ("api", "ui:a"), path="x")
    text = answer(tasks_verdict("api", "ui:b", reason), MANIFEST, locate)
    assert text.split("\n")[0] == (
        "api and ui:b may not run side by side: their waves run one after the other, because of api and ui:a: "
        "both change x"
    )
    assert "To choose" not in text
    unmarked = answer(tasks_verdict("api", "ui:b", Reason("unmarked")), MANIFEST, locate)
    assert "side by side: their waves are not marked parallel\n" in unmarked
