"""Plans and task states as manifests: the same plan comes of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from exarp.app.import_manifest import Imported, import_manifest
from exarp.app.opening.examining import examine, open_project
from exarp.app.opening.project import Project
from exarp.cli.entry import run_cli
from exarp.errors import UsageError
from exarp.model.plan import Plan
from exarp.planning.planner import make_plan
from exarp.planning.selection import all_targets
from tests.effort import tries
from tests.manifests.plans.todo2_states import Todo, plain_backlog, states, write_database, write_json

FIRST = """\
---
wave: 1
depends_on: []
files_modified: ["src/${x}.c", "!odd", src/*.h]
autonomous: false
---
<task type="auto"><name>Do ${this} "well"</name><verify>x</verify></task>
<task><name>And</name><files>src/a.c</files><done>y</done></task>
"""
SECOND = """\
---
wave: 1
depends_on: [01-07]
parallel: [01-01, 01-04]
files_modified: []
---
"""
THIRD = "---\nwave: 2\ndepends_on: [01-01, 01-05]\nfiles_modified: [src/b.c]\n---\n"
FOURTH = "---\nwave: 1\nstatus: blocked\n---\n"
FIFTH = "---\nwave: 1\nstatus: done\n---\n"
SIXTH = "---\nwave: 3\ndepends_on: [01-04]\n---\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    phase = tmp_path / "phases/01-first"
    phase.mkdir(parents=True)
    for number, text in enumerate((FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH), 1):
        (phase / f"01-0{number}-PLAN.md").write_text(text)
    return tmp_path


def imported(root: Path, tool: str, source: str | None = None, to: str = "exarp.toml") -> Imported:
    return import_manifest(tool, str(root), source, str(root / to), True, {})


def planned(project: Project) -> Plan:
    return make_plan(project.manifest, project.graph, all_targets(project.manifest))


def shape(project: Project) -> tuple[object, ...]:
    """What a plan says, without what only words or commands make."""
    blocked, plan = project.manifest.blocked, planned(project)
    tasks = [
        (task.name, task.description, task.needs, task.parent, task.priority, task.tags, task.modifies)
        for task in project.manifest.tasks
        if task.name not in blocked
    ]
    waves = [
        (wave.name, wave.group, wave.order, [plan.names[task] for task in wave.tasks], wave.after, wave.beside)
        for wave in plan.waves
    ]
    verdicts = [
        (each.verdict, [reason.code for reason in each.reasons]) for each in plan.verdicts if each.kind == "waves"
    ]
    return tasks, waves, verdicts


def test_phases_give_the_same_plan_and_what_is_lost_is_told(root: Path) -> None:
    found = imported(root, "phases")
    project, problems = examine(str(root), None, {})
    assert problems == []
    assert shape(project) == shape(open_project(str(root), str(root / "phases"), {}))
    told = [(left.file.rpartition("/")[2], left.line, left.text.partition(":")[0]) for left in found.leftovers]
    assert told == [
        ("", 0, "how 4 tasks are done"),
        ("", 0, "what is no work to do now"),
        ("01-01-PLAN.md", 1, "the checkpoint of 01-01"),
        ("01-02-PLAN.md", 3, "plan '01-02' depends on '01-07', which does not exist"),
        ("01-06-PLAN.md", 4, "01-06.1"),
    ]
    assert found.leftovers[-1].why == "it waits for 01-04 (blocked): import it again when that is done"


def test_paths_are_those_of_the_manifest_s_folder(root: Path) -> None:
    (root / "src").mkdir()
    found = imported(root, "phases", to="src/exarp.toml")
    project = open_project(str(root / "src"), None, {})
    assert project.manifest.tasks[0].modifies == ("${x}.c", "*.h")
    assert [(left.line, left.text) for left in found.leftovers if "outside" in left.why] == [(4, "!odd")]
    (root / "phases/.git").mkdir()
    imported(root, "phases")
    assert open_project(str(root), None, {}).manifest.tasks[0].modifies[0] == "phases/src/${x}.c"


def test_waves_that_wait_for_each_other_are_not_both_taken(root: Path) -> None:
    todos = "  - {id: a, dependencies: [d]}\n  - {id: b}\n  - {id: c, dependencies: [b]}\n  - {id: d}"
    (root / "x.plan.md").write_text(f"---\ntodos:\n{todos}\nwaves: [[a, b], [c, d]]\n---\n")
    found = imported(root, "phases", "x.plan.md")
    project, problems = examine(str(root), None, {})
    assert (problems, len(project.manifest.tasks), len(project.manifest.waves)) == ([], 4, 1)
    assert "waves need each other" in " ".join(left.why for left in found.leftovers)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tries(60))
@given(states())
def test_task_states_give_the_same_waves(tmp_path: Path, todos: list[Todo]) -> None:
    path = tmp_path / "todo2.db"
    path.unlink(missing_ok=True)
    write_json(tmp_path / "a.todo2.json", todos)
    write_database(path, todos)
    waves, blocked = plain_backlog(todos)
    for name in ("a.todo2.json", "todo2.db"):
        found = imported(tmp_path, "todo2", name)
        project, problems = examine(str(tmp_path), None, {})
        assert problems == []
        assert shape(project) == shape(open_project(str(tmp_path), str(tmp_path / name), {}))
        plan = planned(project)
        assert [[plan.names[task] for task in wave.tasks] for wave in plan.waves] == waves
        assert {left.text for left in found.leftovers if "waits for" in left.why} == set(blocked)


def test_an_imported_task_fails_until_somebody_says_how_and_is_done_then(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / ".todo2").mkdir()
    path = write_json(
        root / ".todo2/state.todo2.json",
        [{"id": "T 1", "status": "Todo"}, {"id": "T@1", "status": "Todo"}, {"id": "T-2", "status": "Done"}],
    )
    assert run_cli(["-C", str(root), "import", "todo2"]) == 0
    assert run_cli(["-C", str(root), "run", "-q", "T-1"]) == 1
    assert "T-1: nothing says yet how this is done" in "".join(capsys.readouterr())
    manifest = root / "exarp.toml"
    manifest.write_text(manifest.read_text().replace('extends = "unwritten"', 'run = "true"', 1))
    assert run_cli(["-C", str(root), "run", "-q", "-k", "--all"]) == 1
    assert run_cli(["-C", str(root), "export", "todo2"]) == 0
    assert [each["status"] for each in json.loads(path.read_text())["todos"]] == ["Done", "Todo", "Done"]


def test_plans_are_found_beside_a_manifest_and_other_plans(root: Path) -> None:
    (root / "exarp.toml").write_text("")
    (root / "a.plan.md").write_text("---\ntodos: [{id: a}]\n---\n")
    write_json(root / "state.todo2.json", [{"id": "T-1", "status": "Todo"}])
    assert imported(root, "phases").tasks == 1
    assert imported(root, "todo2").tasks == 1
    with pytest.raises(UsageError, match="there are no phases in src"):
        imported(root, "phases", "src")
    (root / "a.plan.md").unlink()
    (root / ".planning").mkdir()
    (root / "phases").rename(root / ".planning/phases")
    assert imported(root, "phases").tasks == 4
