"""Limits of a workspace: which word counts, for every kind of manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exarp.app.opening.examining import examine
from exarp.app.opening.project import Overrides, Project
from exarp.cli.entry import run_cli
from tests.manifests.plans.todo2_states import write_json

PLAN = '---\nwave: 1\ndepends_on: []\n---\n<task type="auto"><name>Do it</name></task>\n'
WAVE_PLAN = "---\ntodos:\n  - id: a\n    content: Do it\n    status: pending\n---\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".exarp").mkdir()
    (tmp_path / "package").mkdir()
    return tmp_path


def limit(root: Path, text: str) -> None:
    (root / ".exarp/config.yaml").write_text(text)


def read(root: Path, name: str, overrides: Overrides | None = None) -> Project:
    project, problems = examine(str(root), str(root / name), {}, overrides)
    assert problems == []
    return project


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("exarp.toml", "[task.a]\nrun = 'true'"),
        ("exarp.yaml", "task: { a: { run: 'true' } }"),
        ("exarp.json", '{"task": {"a": {"run": "true"}}}'),
        ("pyproject.toml", "[tool.exarp.task.a]\nrun = 'true'"),
        ("phases/01-first/01-01-PLAN.md", PLAN),
        ("plans/a.plan.md", WAVE_PLAN),
        ("state.todo2.json", ""),
    ],
)
def test_limits_hold_for_every_kind_of_manifest(root: Path, name: str, text: str) -> None:
    limit(root, "thresholds: { max_tasks_per_wave: 7, max_parallel_tasks: 3 }")
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if text:
        path.write_text(text)
    else:
        write_json(path, [{"id": "T-1", "status": "Todo", "content": "First"}])

    settings = read(root, name).manifest.settings

    assert (settings.max_tasks_per_wave, settings.jobs, settings.schedule) == (7, 3, "waves")


@pytest.mark.parametrize(
    ("written", "overrides", "expected"),
    [
        ("", {}, (7, 3, "waves")),
        ("jobs = 0", {}, (7, 0, "waves")),
        ("max_tasks_per_wave = 0", {}, (0, 3, "flow")),
        ("max_tasks_per_wave = 2", {}, (2, 3, "waves")),
        ('schedule = "flow"', {}, (7, 3, "flow")),
        ("jobs = 2", {"jobs": 5}, (7, 5, "waves")),
        ("", {"max_tasks_per_wave": 0}, (0, 3, "flow")),
        ("", {"schedule": "flow"}, (7, 3, "flow")),
    ],
)
def test_the_command_line_counts_first_then_what_the_manifest_has_written(
    root: Path, written: str, overrides: dict, expected: tuple[int, int, str]
) -> None:
    limit(root, "thresholds: { max_tasks_per_wave: 7, max_parallel_tasks: 3 }")
    (root / "exarp.toml").write_text(f"[settings]\n{written}\n[task.a]\nrun = 'true'")

    settings = read(root, "exarp.toml", Overrides(**overrides)).manifest.settings

    assert (settings.max_tasks_per_wave, settings.jobs, settings.schedule) == expected


def test_the_file_is_that_of_the_workspace_root(root: Path) -> None:
    limit(root, "thresholds: { max_parallel_tasks: 3 }")
    (root / "exarp.toml").write_text('include = { p = "package" }')
    (root / "package/exarp.toml").write_text("[task.a]\nrun = 'true'")
    assert read(root, "exarp.toml").manifest.settings.jobs == 3
    assert read(root, "package/exarp.toml").manifest.settings.jobs == 0


def test_a_file_that_cannot_be_read_is_told(root: Path) -> None:
    (root / "exarp.toml").write_text("[task.a]\nrun = 'true'")
    (root / ".exarp/config.yaml").symlink_to("nowhere")
    (problem,) = examine(str(root / "package"), None, {})[1]
    assert (problem.slug, str(problem.place)) == ("unreadable", "../.exarp/config.yaml:1:1")


def test_plan_and_check_tell_unknown_keys_and_run_refuses_faults(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    (root / "exarp.toml").write_text("".join(f"[task.{name}]\nrun = 'true'\n" for name in "abc"))
    limit(root, "thresholds: { max_tasks_per_wave: 2, max_paralel_tasks: 3 }")
    assert run_cli(["plan", "--json"]) == 0
    out, err = capsys.readouterr()
    assert [wave["tasks"] for wave in json.loads(out)["waves"]] == [["a", "b"], ["c"]]
    assert ".exarp/config.yaml:1:38: unknown key 'max_paralel_tasks' in thresholds: did you mean 'max_parallel_" in err
    assert run_cli(["check", "--strict"]) == 1
    assert "unknown key 'max_paralel_tasks'" in capsys.readouterr().out
    limit(root, "thresholds: { max_tasks_per_wave: many }")
    assert run_cli(["run", "--all"]) == 3
    assert ".exarp/config.yaml:1:35" in capsys.readouterr().err
