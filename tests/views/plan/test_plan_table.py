from __future__ import annotations

import msgspec

from exarp.errors import Problem
from exarp.model.plan import Wave
from exarp.model.verdict import Reason, Verdict
from exarp.views.cells import width
from exarp.views.plan.table import Layout, table

from .plans import (
    BOTH_CHANGE,
    DEPENDENCY,
    MANIFEST,
    UNMARKED,
    VERDICTS,
    locate,
    plan,
    simple_plan,
    task,
    tasks_verdict,
    waves_verdict,
)

EXPECTED = {"docs:build": 9000, "release:bump": 9000}
PICTURE = """\
4 waves, 10 tasks, critical path docs:build → release:bump (18s)

 1  backend       3 tasks, in turn            beside 2
 2  frontend      4 tasks, up to 8 at once    beside 1
 3  docs          2 tasks, up to 8 at once    after 1, 2: not marked parallel
 4  release       1 task                      after 3: needs docs:build
    marked parallel with docs, but runs after it: both change CHANGELOG.md
        docs:notes    modifies CHANGELOG.md   exarp.toml:41
        release:bump  modifies CHANGELOG.md   exarp.toml:58"""


def shown(a_plan, manifest=MANIFEST, expected_ms=EXPECTED, **layout):
    return table(a_plan, manifest, expected_ms, locate, Layout(**({"jobs": 8} | layout)))


def manifest_of(*tasks):
    return msgspec.structs.replace(MANIFEST, tasks=tasks, waves=())


def test_the_plan_looks_like_the_picture():
    assert shown(plan()) == PICTURE


def test_a_critical_path_of_unknown_duration_has_none():
    assert shown(plan(), expected_ms={"docs:build": 1}).split("\n")[0].endswith("docs:build → release:bump")


def test_a_long_critical_path_is_shortened_in_the_middle_unless_asked():
    names = [f"t{number}" for number in range(9)]
    a_plan = simple_plan(*names, critical_path=tuple(range(9)))
    manifest = manifest_of(*map(task, names))
    assert "t0 → t1 → t2 → 4 more → t7 → t8" in shown(a_plan, manifest)
    assert " → ".join(names) in shown(a_plan, manifest, verbose=True)


def test_flow_is_said_where_it_makes_a_difference():
    flow = "each task starts as soon as what it needs is done (schedule = flow)"
    assert shown(plan(schedule="flow")).split("\n")[1] == flow
    assert flow not in shown(plan())
    assert flow not in shown(simple_plan("a"), manifest_of(task("a")))


def test_one_wave_of_one_task_is_singular():
    assert shown(simple_plan("a"), manifest_of(task("a"))) == "1 wave, 1 task\n\n 1  a      1 task"


def test_packed_tightly_the_fewest_waves_are_told_beside_their_number():
    tight = msgspec.structs.replace(MANIFEST.settings, packing="tight", max_tasks_per_wave=4)
    manifest = msgspec.structs.replace(MANIFEST, settings=tight)
    assert shown(plan(), manifest).startswith("4 waves (at least 2), 10 tasks, ")
    assert shown(plan(lower_bound=4), manifest).startswith("4 waves (there cannot be fewer), 10 tasks, ")


def test_a_derived_wave_is_told_by_its_tasks_and_why_it_comes_later():
    waves = (Wave(1, "wave 1", (0, 1)), Wave(2, "wave 2", (2,), after=(1,)))
    a_plan = simple_plan("gen", "fetch", "link", needs={2: (1,)}, waves=waves)
    assert shown(a_plan, manifest_of(*map(task, ("gen", "fetch", "link")))).split("\n")[-2:] == [
        " 1  gen, fetch      2 tasks, up to 8 at once",
        " 2  link            1 task                      after 1: needs fetch",
    ]


def test_a_derived_wave_and_a_declared_one_say_why_they_run_in_turn():
    waves = (Wave(1, "wave 1", (0,)), Wave(2, "w", (1,), declared=True, after=(1,)))
    manifest = manifest_of(task("free"), task("x"))
    assert shown(simple_plan("free", "x", waves=waves), manifest).endswith(
        "after 1: a derived wave runs beside no other"
    )
    ordered = manifest_of(task("free"), task("x", after=("free",)))
    assert shown(simple_plan("free", "x", waves=waves), ordered).endswith("after 1: comes after free")


def test_tasks_of_a_wave_that_wait_for_each_other_run_in_turn():
    wave = Wave(1, "w", (0, 1, 2), declared=True)
    chain = simple_plan("a", "b", "c", needs={1: (0,)}, order=((1, 2),), waves=(wave,))
    assert shown(chain, manifest_of(*map(task, "abc"))).endswith("3 tasks, in turn")
    fan = simple_plan("a", "b", "c", needs={1: (0,), 2: (0,)}, waves=(wave,))
    assert shown(fan, manifest_of(*map(task, "abc"))).endswith("3 tasks, up to 2 at once")
    assert shown(fan, manifest_of(*map(task, "abc")), jobs=1).endswith("3 tasks, in turn")


def test_parts_of_a_wave_are_numbered():
    waves = (
        Wave(1, "all", (0, 1), 1, 2, declared=True),
        Wave(2, "all", (2,), 2, 2, declared=True, after=(1,)),
    )
    lines = shown(simple_plan("a", "b", "c", waves=waves), manifest_of(*map(task, "abc"))).split("\n")
    assert lines[-2].startswith(" 1  all 1/2")
    assert lines[-1] == " 2  all 2/2      1 task                      after 1: a part of the same wave"


def test_verbose_lists_the_tasks_of_each_wave():
    assert "    docs:build\n    docs:notes\n 4  release" in shown(plan(), verbose=True)


def test_a_dependency_alone_explains_why_a_marking_does_not_hold():
    a_plan = plan(verdicts=(*VERDICTS[:5], waves_verdict("docs", "release", True, DEPENDENCY)))
    assert shown(a_plan).endswith("    marked parallel with docs, but runs after it: release:bump needs docs:build")


def test_what_was_never_marked_needs_no_explanation_below():
    a_plan = plan(verdicts=(waves_verdict("docs", "release", False, BOTH_CHANGE, *UNMARKED),))
    assert shown(a_plan).split("\n")[-1] == (
        " 4  release       1 task                      after 3: both change CHANGELOG.md"
    )


def test_an_unproven_marking_is_told_as_such():
    reason = Reason("undeclared", ("docs:build",))
    verdict = Verdict("waves", "unproven", "sequential", (reason,), between=("docs", "release"), marked=True)
    assert shown(plan(verdicts=(verdict,))).split("\n")[-2:] == [
        "    marked parallel with docs, but not proven safe, so it runs after it: "
        "docs:build does not declare all that it reads and writes",
        "        docs:build  declares not all it touches",
    ]


def test_pairs_and_groups_of_tasks_stand_below_their_wave():
    group = Verdict(
        "group", "refuted", "sequential", (Reason("mutex", name="db"),), among=BACK, against=("ui:a", "ui:b")
    )
    pair = tasks_verdict("ui:a", "ui:b", Reason("read-write", ("ui:a", "ui:b"), path="x", writer="ui:b"))
    lines = shown(plan(verdicts=(*VERDICTS, group, pair))).split("\n")
    assert lines[3:5] == [
        "    api, db, srv run one after the other: all hold the mutex db",
        "        nor beside ui:a, ui:b",
    ]
    assert lines[6] == "    ui:a and ui:b run one after the other: ui:b changes what ui:a reads"


BACK = ("api", "db", "srv")


def test_many_pairs_are_counted_unless_asked_for():
    pairs = [tasks_verdict("ui:a", "ui:b", Reason("mutex", name=f"m{number}")) for number in range(8)]
    a_plan = plan(verdicts=tuple(pairs))
    assert "    and 3 more that do not run side by side (-v tells them)" in shown(a_plan).split("\n")
    assert "more that do not run" not in shown(a_plan, verbose=True)


def test_warnings_come_last():
    warning = Problem("wave-order", "'ui' is listed before 'db'", next="list 'db' first", severity="warning")
    assert table(plan(), MANIFEST, EXPECTED, locate, Layout(jobs=8), [warning]).endswith(
        "exarp.toml:58\n\nwarning: 'ui' is listed before 'db' (wave-order)\n      list 'db' first"
    )


def test_a_narrow_terminal_gets_relations_on_a_line_of_their_own():
    lines = shown(plan(), columns=60).split("\n")
    assert all(width(line) <= 60 for line in lines)
    assert lines[:2] == ["4 waves, 10 tasks, critical path docs:build → release:bump", "    (18s)"]
    assert lines[5:7] == [" 3  docs          2 tasks, up to 8 at once", "    after 1, 2: not marked parallel"]
    assert lines[3] == " 1  backend       3 tasks, in turn            beside 2"
    assert lines[9:11] == [
        "    marked parallel with docs, but runs after it: both",
        "        change CHANGELOG.md",
    ]


def test_long_names_are_cut_in_their_column_only_where_something_limits_it():
    a_plan = simple_plan("日本" * 40, waves=(Wave(1, "x" * 90, (0,), declared=True),))
    manifest = manifest_of(task("日本" * 40))
    line = shown(a_plan, manifest, columns=80).split("\n")[-1]
    assert width(line) < 50 and "…" in line
    assert "x" * 90 in shown(a_plan, manifest)
    many = simple_plan(*[f"task-{number}" for number in range(12)])
    assert f"{', '.join(f'task-{number}' for number in range(10))} and 2 more      12 tasks" in shown(
        many, manifest_of(*[task(f"task-{number}") for number in range(12)])
    )


def test_hostile_names_are_made_safe():
    name = "a\x1b[31m\n"
    a_plan = simple_plan(
        name, "b", critical_path=(0, 1), verdicts=(tasks_verdict(name, "b", Reason("mutex", name=name)),)
    )
    text = shown(a_plan, manifest_of(task(name), task("b")), verbose=True)
    assert "\x1b" not in text and r"a\x1b[31m\n" in text


def test_colour_marks_only_what_does_not_hold():
    colored = shown(plan(), color=True)
    assert colored.replace("\x1b[33m", "").replace("\x1b[0m", "") == PICTURE
    assert colored.count("\x1b[33m") == 1


def test_an_empty_plan_says_so():
    assert shown(plan(waves=(), verdicts=())) == "nothing to run"


def test_a_large_plan_takes_linear_time():
    names = tuple(f"t{number}" for number in range(100_000))
    waves = (Wave(1, "wave 1", tuple(range(50_000))), Wave(2, "wave 2", tuple(range(50_000, 100_000)), after=(1,)))
    a_plan = simple_plan(*names, waves=waves)
    assert shown(a_plan, manifest_of(*map(task, names))).count("\n") == 4


def test_many_that_write_what_many_read_are_told_as_two_lists():
    reason = Reason("read-write", path="src/**")
    verdict = Verdict("groups", "refuted", "sequential", (reason,), among=BACK, against=("ui:a", "ui:b"))

    lines = shown(plan(verdicts=(*VERDICTS, verdict))).split("\n")

    assert "    api, db, srv run beside none of ui:a, ui:b: some change what others read: src/**" in lines
    assert not any("nor beside" in line for line in lines)
