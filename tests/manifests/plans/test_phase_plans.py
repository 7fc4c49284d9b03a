"""Phase plans: what they mean, and what is odd about them."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.app.check import check
from exarp.app.opening.examining import examine
from exarp.errors import Problem
from exarp.manifests.plans.phase_plans import read_phases
from exarp.manifests.plans.reading import PlanReading
from exarp.manifests.plans.source import Source
from exarp.model.overlap import overlap
from exarp.model.path import exact_name, exactly, matches
from tests.effort import tries


def plan(front: str = "", *tasks: str) -> str:
    blocks = "".join(
        f'<task type="auto">\n<name>{name}</name>\n<verify>x</verify>\n</task>\n' for name in tasks or ("Do it",)
    )
    return f"---\n{textwrap.dedent(front)}---\n\n<tasks>\n{blocks}</tasks>\n"


def read(files: Mapping[str, str], elsewhere: tuple[str, ...] = ()) -> PlanReading:
    sources = [Source(path, text, path.rpartition("/")[2], path.rpartition("/")[0]) for path, text in files.items()]
    return read_phases(sources, "phases", "/work", lambda: elsewhere)


def remarks(reading: PlanReading) -> list[str]:
    return [f"{problem.place}: {problem.message}" for problem in reading.problems]


def slugs(reading: PlanReading) -> list[tuple[str, str]]:
    return [(problem.slug, problem.severity) for problem in reading.problems]


def test_a_plan_is_a_sequential_wave_of_its_tasks() -> None:
    reading = read({"08-x/08-02-PLAN.md": plan("wave: 3\nplan: 02\nautonomous: false\n", "Task 1:\n  One", "Two")})
    (wave,) = reading.manifest.waves
    assert (wave.name, wave.tasks, wave.order) == ("08-02", ("08-02.1", "08-02.2"), "sequential")
    assert (wave.group, wave.checkpoint, wave.parallel) == (3, True, False)
    assert [task.description for task in reading.manifest.tasks] == ["Task 1: One", "Two"]
    assert reading.manifest.prose and all(task.prose and not task.is_group for task in reading.manifest.tasks)
    assert reading.problems == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("08-x/08-02-PLAN.md", "08-02"),
        ("08-x/02-PLAN.md", "08-02"),
        ("02.1-x/02.1-03-PLAN.md", "02.1-03"),
        ("x/login-PLAN.md", "login"),
        ("x/log in-PLAN.md", "log-in"),
        ("x/a\x1b[31m-PLAN.md", "a-[31m"),
    ],
)
def test_names_are_made_of_file_names(path: str, name: str) -> None:
    assert [wave.name for wave in read({path: plan("wave: 1\n")}).manifest.waves] == [name]


def test_files_of_tasks_and_of_the_plan_are_joined_and_a_difference_is_told() -> None:
    text = textwrap.dedent("""\
        ---
        wave: 1
        files_modified: [src/a.ts, ./docs/]
        ---
        <task><name>A</name><files>`src/a.ts` (new), src/b.ts
          app/(auth)/page.tsx</files><done>x</done></task>
        <task><name>B</name><files>N/A</files><done>x</done></task>
        """)
    reading = read({"01-01-PLAN.md": text})
    assert [task.modifies for task in reading.manifest.tasks] == [
        ("src/a.ts", "src/b.ts", "app/(auth)/page.tsx", "docs/"),
        ("docs/",),
    ]
    assert remarks(reading) == [
        "01-01-PLAN.md:5:46: 'src/b.ts' is in <files>, but not in files_modified",
        "01-01-PLAN.md:6:3: 'app/(auth)/page.tsx' is in <files>, but not in files_modified",
        "01-01-PLAN.md:3:28: 'docs/' is in files_modified, but in no <files>",
    ]


def test_files_outside_of_the_workspace_are_left_out() -> None:
    reading = read({"01-01-PLAN.md": plan("wave: 1\nfiles_modified: [../x, /work/src/a, /etc/passwd]\n")})
    assert reading.manifest.tasks[0].modifies == ("src/a",)
    assert [problem.slug for problem in reading.problems] == ["outside-workspace"] * 2


def test_of_plans_that_share_a_number_the_one_that_is_named_is_meant() -> None:
    files = {f"{name}-PLAN.md": plan("wave: 1\n") for name in ("08-03", "8-3")}
    reading = read(
        files
        | {
            "08-04-PLAN.md": plan("wave: 2\ndepends_on: [8-3]\n"),
            "08-05-PLAN.md": plan("wave: 2\ndepends_on: [08-03]\n"),
        }
    )
    needs = {task.name: task.needs for task in reading.manifest.tasks}
    assert (needs["08-04.1"], needs["08-05.1"]) == (("8-3.1",), ("08-03.1",))


def test_brackets_belong_to_names_but_beside_wildcards() -> None:
    reading = read({"01-01-PLAN.md": plan("wave: 1\nfiles_modified:\n  - app/[id]/[[...all]]/p.tsx\n  - src/*.[ch]\n")})
    (task,) = reading.manifest.tasks
    assert [exact_name(path) for path in task.modifies] == ["app/[id]/[[...all]]/p.tsx", "src/*.[ch]"]
    exact, wide = task.modifies
    assert matches(exact, "app/[id]/[[...all]]/p.tsx")
    assert not matches(exact, "app/i/.all]/p.tsx")
    assert overlap(exact, exactly("app/[id]/"))
    assert not overlap(exact, "app/i/**")
    assert matches(wide, "src/a.c")


def test_plans_are_listed_by_number_then_name_and_those_of_one_number_are_marked_for_each_other() -> None:
    reading = read(
        {
            "1-a/1-01-PLAN.md": plan("wave: 2\nfiles_modified: []\n"),
            "1-a/1-02-PLAN.md": plan("wave: 1\nfiles_modified: []\n"),
            "1-a/1-03-PLAN.md": plan("wave: 1\nfiles_modified: []\n"),
            "1-a/1-04-PLAN.md": plan("wave: 1\nparallel: false\n"),
            "2-b/2-01-PLAN.md": plan("wave: 1\nparallel: [1-02, 7]\n"),
        }
    )
    waves = reading.manifest.waves
    assert [wave.name for wave in waves] == ["1-02", "1-03", "1-04", "1-01", "2-01"]
    assert [wave.group for wave in waves] == [1, 1, 1, 2, 1]
    assert waves[0].allows("1-03") and waves[1].allows("1-02") and not waves[0].allows("2-01")
    assert [wave.parallel for wave in waves[2:]] == [False, False, ("1-02",)]
    assert remarks(reading) == ["2-b/2-01-PLAN.md:3:18: parallel names '7', which is no plan"]


@pytest.mark.parametrize(
    "said",
    [
        "01-01",
        '"01-01"',
        "01-01-PLAN.md",
        "1-1",
        "01",
        "1",
        "phase-01",
        "Phase 01",
        "01-first",
        "p1",
        "01-first/01-01-PLAN.md",
    ],
)
def test_how_plans_name_each_other(said: str) -> None:
    files = {
        "01-first/01-01-PLAN.md": plan("wave: 1\nid: p1\n", "A", "B"),
        "02-next/02-05-PLAN.md": plan(f"wave: 1\ndepends_on: [{said}]\n"),
        "01-first/01-02-PLAN.md": plan(f"wave: 2\ndepends_on: [{said}]\n"),
    }
    if "irst" in said or "hase" in said:
        del files["01-first/01-02-PLAN.md"]
    if said in ("01", "1"):
        del files["02-next/02-05-PLAN.md"]
    reading = read(files)
    assert reading.problems == []
    assert [task.needs for task in reading.manifest.tasks[2:]] == [("01-01.1", "01-01.2")] * (len(files) - 1)


def test_what_does_not_exist_is_left_out_and_doubted_unless_it_lies_beside() -> None:
    text = plan('wave: 2\ndepends_on: ["01-01", "01-09", "00-03"]\n')
    reading = read({"01-01-PLAN.md": plan("wave: 1\n"), "01-02-PLAN.md": text}, ("00-03-PLAN.md",))
    assert slugs(reading) == [("unknown-dependency", "doubt")]
    assert remarks(reading) == [
        "01-02-PLAN.md:3:23: plan '01-02' depends on '01-09', which does not exist: it is left out"
    ]
    assert reading.manifest.tasks[1].needs == ("01-01.1",)


def test_done_plans_delay_nobody_and_held_ones_hold_back_who_waits_for_them() -> None:
    reading = read(
        {
            "01-01-PLAN.md": plan("wave: 1\nstatus: Complete\n"),
            "01-02-PLAN.md": plan("wave: 1\nstatus: blocked\n"),
            "01-03-PLAN.md": plan("wave: 2\ndepends_on: ['01-01']\nstatus: ready\n"),
            "01-04-PLAN.md": plan("wave: 2\ndepends_on: ['01-02', '01-03']\nfiles_modified: []\n"),
            "01-05-PLAN.md": plan("wave: 3\ndepends_on: ['01-04']\n"),
        }
    )
    assert [(task.name, task.needs) for task in reading.manifest.tasks] == [
        ("01-03.1", ()),
        ("01-04.1", ("01-03.1",)),
        ("01-05.1", ("01-04.1",)),
    ]
    assert reading.manifest.blocked == {"01-04.1": ("01-02",), "01-05.1": ("01-02",)}
    assert reading.manifest.settled == {"01-01": "Complete", "01-02": "blocked"}


def test_cycles_are_errors_with_every_edge() -> None:
    reading = read(
        {
            "01-01-PLAN.md": plan("wave: 1\ndepends_on: ['01-02']\n"),
            "01-02-PLAN.md": plan("wave: 2\ndepends_on: ['01-01', '01-02']\n"),
        }
    )
    assert [problem.slug for problem in reading.problems] == ["self-need", "cycle"]
    cycle = reading.problems[1]
    assert (cycle.message, cycle.severity) == ("01-01 → 01-02 → 01-01 is a cycle", "error")
    places = [str(edge.place) for edge in cycle.related]
    assert sorted(places) == ["01-01-PLAN.md:3:14", "01-02-PLAN.md:3:14"] and cycle.place == cycle.related[0].place


def test_missing_things_are_told() -> None:
    text = "---\nphase: 1\n---\n# A title\n<task>\n<action>x</action>\n</task>\n"
    assert remarks(read({"01-01-PLAN.md": text})) == [
        "01-01-PLAN.md:1:1: there is no wave number: the plan runs beside no other",
        "01-01-PLAN.md:5:1: this <task> has no <name>",
        "01-01-PLAN.md:5:1: nothing says how to tell that this task is done",
    ]
    reading = read({"01-01-PLAN.md": "---\nwave: 1\ntitle: Parser\n---\nProse\n"})
    assert [(task.name, task.description, task.prose) for task in reading.manifest.tasks] == [
        ("01-01.1", "Parser", "Prose")
    ]
    assert remarks(reading) == ["01-01-PLAN.md:4:4: there is no <task> in this plan: it is one task itself"]


def test_a_plan_that_may_run_beside_others_must_say_what_it_changes() -> None:
    files = {"01-01-PLAN.md": plan("wave: 1\n"), "01-02-PLAN.md": plan("wave: 1\nfiles_modified: []\n")}
    assert slugs(read(files)) == [("undeclared", "doubt")]


# -- what check finds, against a plain oracle ---------------------------------------------------------------------


class Made:
    """A plan of a phase, as it is drawn."""

    def __init__(self, name: str, wave: int, files: list[str], depends_on: list[str]) -> None:
        self.name = name
        self.wave = wave
        self.files = files
        self.depends_on = depends_on

    def text(self) -> str:
        return plan(
            f"wave: {self.wave}\ndepends_on: [{', '.join(self.depends_on)}]\nfiles_modified: [{', '.join(self.files)}]\n"
        )


@st.composite
def phases(draw: st.DrawFn) -> list[list[Made]]:
    found: list[list[Made]] = []
    for phase in range(1, draw(st.integers(1, 2)) + 1):
        plans: list[Made] = []
        for number in range(1, draw(st.integers(1, 5)) + 1):
            # Only earlier ones: there is no cycle. Their numbers are what may contradict.
            before = [made.name for made in plans]
            plans.append(
                Made(
                    f"{phase:02}-{number:02}",
                    draw(st.integers(1, 3)),
                    draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2)),
                    draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else [],
                )
            )
        found.append(plans)
    return found


def waits_for(plans: list[Made]) -> dict[str, set[str]]:
    """All that each plan waits for, directly or not."""
    found: dict[str, set[str]] = {}
    for made in plans:
        found[made.name] = set(made.depends_on).union(*(found[name] for name in made.depends_on))
    return found


def contradictions(plans: list[Made]) -> set[tuple[str, str]]:
    number = {made.name: made.wave for made in plans}
    return {(made.name, name) for made in plans for name in made.depends_on if number[name] >= made.wave}


def overlaps(plans: list[Made]) -> set[frozenset[str]]:
    """Pairs of one number that change one file, and of which neither waits for the other."""
    waiting = waits_for(plans)
    return {
        frozenset((one.name, other.name))
        for one, other in itertools.combinations(plans, 2)
        if one.wave == other.wave
        and set(one.files) & set(other.files)
        and one.name not in waiting[other.name]
        and other.name not in waiting[one.name]
    }


def quoted(problem: Problem) -> list[str]:
    return problem.message.split("'")[1::2]


@settings(max_examples=tries(60))
@given(phases())
def test_check_finds_every_overlap_and_every_contradiction_and_invents_none(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[list[Made]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("phases")
    for number, plans in enumerate(drawn, 1):
        for made in plans:
            path = folder / f"{number:02}-phase" / f"{made.name}-PLAN.md"
            path.parent.mkdir(exist_ok=True)
            path.write_text(made.text())
    found = check(str(folder), str(folder))
    by_slug: dict[str, list[list[str]]] = {}
    for problem in found:
        by_slug.setdefault(problem.slug, []).append(quoted(problem))
    assert by_slug.keys() <= {"wave-number", "write-write"}
    numbers = by_slug.get("wave-number", [])
    assert sorted(map(tuple, numbers)) == sorted(pair for plans in drawn for pair in contradictions(plans))
    pairs = {frozenset(names[:2]) for names in by_slug.get("write-write", [])}
    assert pairs == {pair for plans in drawn for pair in overlaps(plans)}


def test_the_digest_is_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "01-01-PLAN.md").write_text(plan("wave: 1\n"))
    before = examine(str(tmp_path), str(tmp_path), {})[0].manifest.digest
    (tmp_path / "01-02-PLAN.md").write_text(plan("wave: 2\n"))
    after = examine(str(tmp_path), str(tmp_path), {})[0].manifest.digest
    assert before and after and before != after
