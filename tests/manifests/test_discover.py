from __future__ import annotations

import os
from pathlib import Path

import pytest

from exarp.errors import ManifestError, Problem
from exarp.manifests.discover import Found, FoundPlans, find_manifest, named_manifest
from exarp.manifests.file import read_bytes
from exarp.manifests.notations import json, pyproject, toml, yaml
from exarp.manifests.problems.notation import Notation


def content(found: Found | FoundPlans) -> bytes:
    return read_bytes(found.path, found.shown)


def refusal(path: Path, *, named: bool = True) -> Problem:
    with pytest.raises(ManifestError) as raised:
        content(named_manifest(str(path), str(path.parent)) if named else find_manifest(str(path)))
    (problem,) = raised.value.problems
    return problem


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git repository inside a folder that has a manifest of its own."""
    (tmp_path / "exarp.toml").write_text("")
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    return root


def test_the_manifest_of_the_working_directory_is_found(project: Path) -> None:
    (project / "exarp.toml").write_text("")
    assert find_manifest(str(project)) == Found(str(project / "exarp.toml"), str(project), "exarp.toml", toml)


def test_a_manifest_above_is_found_and_named_as_seen_from_below(project: Path) -> None:
    (project / "exarp.toml").write_text("")
    below = project / "src/deep"
    below.mkdir(parents=True)
    assert find_manifest(str(below)) == Found(str(project / "exarp.toml"), str(project), "../../exarp.toml", toml)


def test_the_nearest_manifest_wins(project: Path) -> None:
    below = project / "src"
    below.mkdir()
    for folder in (project, below):
        (folder / "exarp.toml").write_text("")
    assert find_manifest(str(below)).root == str(below)


@pytest.mark.parametrize("worktree", [False, True])
def test_the_search_ends_at_the_git_root(project: Path, worktree: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if worktree:  # there `.git` is a file
        (project / ".git").rmdir()
        (project / ".git").write_text("gitdir: elsewhere")
    below = project / "src"
    below.mkdir()
    problem = refusal(below, named=False)
    assert problem.slug == "no-manifest"
    assert problem.message == (
        "no manifest here or above (looked for exarp.toml, exarp.yaml, exarp.json, [tool.exarp] in pyproject.toml)"
    )
    monkeypatch.chdir(project)
    assert refusal(below, named=False).next == "write one with: exarp -C src init"
    monkeypatch.chdir(below)
    assert refusal(below, named=False).next == "write one with: exarp init"


def test_without_a_git_root_the_search_goes_on_to_the_top(tmp_path: Path) -> None:
    (tmp_path / "exarp.toml").write_text("")
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    assert find_manifest(str(below)).path == str(tmp_path / "exarp.toml")


def test_toml_is_looked_for_before_the_other_kinds(project: Path) -> None:
    for name in ("exarp.toml", "exarp.yaml", "exarp.json"):
        (project / name).write_text("")
    assert find_manifest(str(project)).shown == "exarp.toml"


@pytest.mark.parametrize(("name", "notation"), [("exarp.yaml", yaml), ("exarp.yml", yaml), ("exarp.json", json)])
def test_the_other_kinds_are_read_as_what_they_are(project: Path, name: str, notation: Notation) -> None:
    (project / name).write_text("")
    assert find_manifest(str(project)) == Found(str(project / name), str(project), name, notation)
    assert named_manifest(str(project), str(project)) == Found(str(project / name), str(project), name, notation)


@pytest.mark.parametrize(
    "text",
    [
        "[tool.exarp]",
        " [ tool . exarp ]",
        "[tool.exarp.task.a]",
        "[[tool.exarp.wave]]",
        "[tool]\nexarp.vars.a = 1",
        "[tool.exarp]\n[broken",
    ],
)
def test_a_project_file_counts_if_it_has_the_table(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[project]\nname = 'x'\n{text}\n")
    found = Found(str(project / "pyproject.toml"), str(project), "pyproject.toml", pyproject)
    assert find_manifest(str(project)) == named_manifest(str(project), str(project)) == found


@pytest.mark.parametrize(
    "text", ["[tool.exarpeggio]", "# [tool.exarp]", "[tool]", "x = '''\n[tool.exarp]'''", "tool = 'exarp'", ""]
)
def test_a_project_file_without_the_table_is_passed_over(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text)
    assert refusal(project, named=False).slug == "no-manifest"


def test_a_project_file_that_cannot_be_read_is_not_passed_over(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text("[tool.exarp]")
    monkeypatch.setattr(os, "open", denied)
    assert refusal(project, named=False).slug == "unreadable"


def test_a_named_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sub/other.toml"
    path.parent.mkdir()
    path.write_bytes(b"[vars]\n")
    found = named_manifest(str(path), str(tmp_path))
    assert found == Found(str(path), str(path.parent), "sub/other.toml", toml)
    assert content(found) == b"[vars]\n"


def test_a_file_far_away_is_named_in_full(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("")
    far = "/" + "/".join("abcdefghijklmnopqrstuvwxyz")
    assert named_manifest(str(path), far).shown == str(path)


def test_a_named_folder_means_the_manifest_in_it(tmp_path: Path) -> None:
    (tmp_path / "exarp.toml").write_text("")
    assert named_manifest(str(tmp_path), str(tmp_path)).shown == "exarp.toml"


def test_a_named_folder_without_a_manifest_is_refused_and_not_searched_upwards(project: Path) -> None:
    problem = refusal(project)
    assert (problem.slug, problem.message) == ("no-manifest", "repository is a folder without a manifest")


@pytest.mark.parametrize(
    ("folder", "file", "kind"),
    [
        ("08-setup", "08-02-PLAN.md", "phases"),
        ("phases", "08-setup/08-02-PLAN.md", "phases"),
        ("plans", "a.plan.md", "wave-plans"),
        (".todo2", "todo2.db", "todo2"),
        (".todo2", "state.todo2.json", "todo2"),
        ("project", ".todo2/state.todo2.json", "todo2"),
    ],
)
def test_a_folder_of_plans_is_found_and_its_paths_start_at_the_git_root(
    project: Path, folder: str, file: str, kind: str
) -> None:
    path = project / folder / file
    path.parent.mkdir(parents=True)
    path.write_text("")
    for named in (project / folder, path):
        found = named_manifest(str(named), str(project))
        assert isinstance(found, FoundPlans)
        assert (found.kind, found.root, [each.path for each in found.files]) == (kind, str(project), [str(path)])


def test_plans_outside_of_git_start_at_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "08-01-PLAN.md").write_text("")
    (tmp_path / "below").mkdir()
    assert named_manifest(str(tmp_path), str(tmp_path / "below")).root == str(tmp_path / "below")


def test_plans_come_in_natural_order_phase_by_phase(project: Path) -> None:
    for name in (
        "10-last/10-01-PLAN.md",
        "9-first/9-10-PLAN.md",
        "9-first/9-2-PLAN.md",
        "9-first/.9-3-PLAN.md",
        "9-first/x.md",
    ):
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    found = named_manifest(str(project), str(project))
    assert isinstance(found, FoundPlans)
    assert [(file.folder, file.name) for file in found.files] == [
        ("9-first", "9-2-PLAN.md"),
        ("9-first", "9-10-PLAN.md"),
        ("10-last", "10-01-PLAN.md"),
    ]


def test_where_there_are_only_plans_the_next_step_says_how_to_read_them(project: Path) -> None:
    (project / "01-PLAN.md").write_text("")
    assert refusal(project, named=False).next.startswith("there are plans: exarp -f ")


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "nope.toml")
    assert (problem.slug, problem.message) == ("no-manifest", "nope.toml does not exist")


def test_a_link_that_leads_nowhere_says_so(tmp_path: Path) -> None:
    (tmp_path / "link.toml").symlink_to("nowhere.toml")
    problem = refusal(tmp_path / "link.toml")
    assert (problem.slug, problem.message) == ("unreadable", "link.toml cannot be read: the link leads nowhere")


def test_a_link_to_a_manifest_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_bytes(b"x")
    (tmp_path / "exarp.toml").symlink_to("real.toml")
    assert content(find_manifest(str(tmp_path))) == b"x"


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    problem = refusal(tmp_path / "pipe.toml")
    assert (problem.slug, problem.message) == ("unreadable", "pipe.toml cannot be read: it is not a regular file")


def test_a_pipe_that_took_a_files_place_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "exarp.toml"
    os.mkfifo(path)
    with pytest.raises(ManifestError, match="not a regular file"):
        read_bytes(str(path), "exarp.toml")


def test_a_pipe_is_no_manifest_when_searching(project: Path) -> None:
    os.mkfifo(project / "exarp.toml")
    assert refusal(project, named=False).slug == "no-manifest"


def test_a_device_without_end_does_not_hang() -> None:
    assert refusal(Path("/dev/zero")).slug == "unreadable"


def denied(path: str, flags: int, mode: int = 0o777) -> int:
    raise PermissionError(13, "Permission denied", path)


def test_a_file_that_may_not_be_opened_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exarp.toml").write_text("")
    monkeypatch.setattr(os, "open", denied)  # permissions do not stop root, who may run this
    problem = refusal(tmp_path / "exarp.toml")
    assert problem.slug == "unreadable"
    assert problem.message == "exarp.toml cannot be read: Permission denied"
    assert str(problem.place) == "exarp.toml:1:1"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "exarp.toml").open("wb") as file:
        file.truncate(2**40)
    assert refusal(tmp_path / "exarp.toml").message == "the manifest has 1048576.0 MiB; the limit is 64 MiB"
