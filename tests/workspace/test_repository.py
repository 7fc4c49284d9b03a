"""What git ignores beyond ``.gitignore``: always git's own opinion, wherever it has it from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from exarp.workspace.globbing import Globbing, Outputs
from exarp.workspace.repository import Repository, find_repository

NAMES = ["a.c", "a.global", "a.home", "a.local", "a.exclude", "a.xdg"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, and no configuration from elsewhere."""
    for name in os.environ:
        if name.startswith(("GIT_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def work_tree(top: Path) -> Path:
    for name in NAMES:
        write(top / name, "")
    return top


def matched(top: Path) -> list[str]:
    """What matches; git agrees."""
    found = Globbing(str(top), Outputs([])).files("*")
    assert found == sorted(
        name for name in git(top, "ls-files", "--others", "--exclude-standard").split() if name[0] != "."
    )
    return found


def test_a_work_tree_has_the_repository_s_rules(tmp_path: Path) -> None:
    main = tmp_path / "main"
    main.mkdir()
    git(main, "init", "-q")
    git(main, "commit", "-q", "--allow-empty", "-m", "first")
    git(main, "worktree", "add", "-q", "../other")
    write(main / ".git/info/exclude", "*.exclude\n")
    assert "a.exclude" not in matched(work_tree(tmp_path / "other"))
    assert "a.exclude" not in matched(work_tree(main))


def test_a_git_folder_that_stands_elsewhere_as_a_submodule_s_does(tmp_path: Path) -> None:
    top = tmp_path / "sub"
    top.mkdir()
    (tmp_path / "real").mkdir()
    git(top, "init", "-q", "--separate-git-dir", "../real/git")
    (top / ".git").write_text("gitdir: ../real/git\n")
    write(tmp_path / "real/git/info/exclude", "*.exclude\n")
    assert "a.exclude" not in matched(work_tree(top))


@pytest.mark.parametrize(
    ("config", "hidden"),
    [
        ("", "a.xdg"),
        ("[core]\n\texcludesFile = ~/home.ignore\n", "a.home"),
        ("[CORE] excludesfile=~/home.ignore\n", "a.home"),
        ("[user]\n\tname = a\n[core]\n\tbare = false\n\tExcludesFile = ~/home.ignore\n[alias]\n\tx = y\n", "a.home"),
        ('[core]\n\texcludesFile = "~/home.ignore" # a note\n', "a.home"),
        ("[core]\n\texcludesFile = ~/other\n\texcludesFile = ~/home.ignore\n", "a.home"),
        ("[core]\n\texcludesFile =\n", ""),
        ("[core]\n\texcludesFile = ~/gone\n", ""),
        ("[other]\n\texcludesFile = ~/home.ignore\n", "a.xdg"),
        ('[core "sub"]\n\texcludesFile = ~/home.ignore\n', "a.xdg"),
        ("# excludesFile = ~/home.ignore\n", "a.xdg"),
        ("[include]\n\tpath = ~/more\n", "a.global"),
        ("[core]\n\texcludesFile = local.ignore\n", "a.local"),
    ],
)
def test_the_file_of_general_rules_is_the_one_that_git_reads(
    tmp_path: Path, home: Path, config: str, hidden: str
) -> None:
    write(home / ".gitconfig", config)
    write(home / "more", "[core]\n\texcludesFile = ~/global.ignore\n")
    write(home / "home.ignore", "a.home\n")
    write(home / "global.ignore", "a.global\n")
    write(home / ".config/git/ignore", "a.xdg\n")
    top = tmp_path / "top"
    write(top / "local.ignore", "a.local\n")
    git(top, "init", "-q")
    left = matched(work_tree(top))
    assert {name for name in NAMES if name not in left} == ({hidden} if hidden else set())


def test_settings_of_the_repository_and_of_the_environment_win(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "top"
    top.mkdir()
    git(top, "init", "-q")
    work_tree(top)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    write(tmp_path / "settings/git/ignore", "a.xdg\n")
    assert "a.xdg" not in matched(top)
    write(home / "home.ignore", "a.home\n")
    write(tmp_path / "settings/git/config", "[core]\n\texcludesFile = ~/home.ignore\n")
    assert "a.home" not in matched(top)
    write(home / "local.ignore", "a.local\n")
    git(top, "config", "core.excludesFile", "~/local.ignore")
    assert "a.local" not in matched(top)
    write(home / "global.ignore", "a.global\n")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.excludesFile")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(home / "global.ignore"))
    assert "a.global" not in matched(top)


def test_git_is_not_asked_where_its_configuration_is_plain(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".gitconfig", "[core]\n\texcludesFile = ~/home.ignore\n")
    (tmp_path / "top/.git").mkdir(parents=True)
    monkeypatch.setattr(Repository, "_asked", lambda repository: pytest.fail("git was asked"))
    repository = find_repository(str(tmp_path / "top"))
    assert repository is not None
    assert repository.exclude_files() == [f"{home}/home.ignore", f"{tmp_path}/top/.git/info/exclude"]


def test_without_home_and_settings_there_are_no_general_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    (tmp_path / ".git").mkdir()
    assert Repository(str(tmp_path)).exclude_files() == [f"{tmp_path}/.git/info/exclude"]
