"""What git says has changed, in real repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from exarp.errors import UsageError
from exarp.workspace.git_changes import Changes, changes_since

ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_", "CI"))} | {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.path, env=ENVIRON, check=True, capture_output=True)

    def write(self, name: str, text: str = "") -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "x")

    def changes(self, folder: str = "", revision: str = "", environ: Mapping[str, str] = ENVIRON) -> Changes:
        return changes_since(str(self.path / folder), revision, environ)

    def refusal(self, revision: str = "", environ: Mapping[str, str] = ENVIRON) -> tuple[str, str, str]:
        with pytest.raises(UsageError) as raised:
            self.changes("", revision, environ)
        (problem,) = raised.value.problems
        return problem.slug, problem.message, problem.next


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "r")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    return made


def test_commits_edits_removals_and_new_files_count_seen_from_the_workspace(repository: Repository) -> None:
    for name in ("ws/a", "ws/b", "ws/gone", "lib/x", "top", "ws/moved"):
        repository.write(name, name)
    repository.write(".gitignore", "*.o\n")
    repository.commit()
    repository.git("checkout", "-qb", "feature")
    repository.write("ws/a", "2")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("top", "changed on main alone")
    repository.commit()
    repository.git("checkout", "-q", "feature")
    repository.write("ws/b", "edited")
    repository.write("lib/x", "staged")
    repository.git("add", "lib/x")
    (repository.path / "ws/gone").unlink()
    (repository.path / "ws/moved").rename(repository.path / "ws/to here")
    repository.write("ws/new\nline")
    repository.write("ws/x.o")
    found = repository.changes("ws")
    assert found.since == "main"
    assert sorted(found.tracked) == ["../lib/x", "a", "b", "gone", "moved"]
    assert sorted(found.untracked) == ["new\nline", "to here"]
    assert sorted(repository.changes(revision="HEAD").tracked) == ["lib/x", "ws/b", "ws/gone", "ws/moved"]


def test_a_service_that_builds_a_proposed_change_says_what_it_is_for(repository: Repository, tmp_path: Path) -> None:
    repository.write("a")
    repository.commit()
    repository.git("branch", "release")
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "-q", str(repository.path), str(clone.path))
    assert clone.changes().since == "origin/HEAD"
    assert clone.changes(environ=ENVIRON | {"GITHUB_BASE_REF": "release"}).since == "origin/release"
    assert clone.refusal(environ=ENVIRON | {"GITHUB_BASE_REF": "gone"}) == (
        "no-revision",
        "git has no revision 'origin/gone'",
        "fetch it: git fetch origin gone",
    )


def test_what_git_cannot_say_is_told(repository: Repository, tmp_path: Path) -> None:
    assert repository.refusal()[1] == "the repository has no commit yet"
    repository.write("a")
    repository.commit()
    assert repository.refusal("nope")[:2] == ("no-revision", "git has no revision 'nope'")
    assert repository.refusal("--output=x")[0] == "no-revision"
    repository.git("branch", "-m", "main", "trunk")
    assert repository.refusal()[2] == "say what to compare with: --affected=REV"
    repository.git("checkout", "-q", "--orphan", "other")
    repository.write("a", "other")
    repository.commit()
    assert repository.refusal("trunk")[1] == "trunk and HEAD have no commit in common"
    outside = Repository(tmp_path)
    assert outside.refusal(environ=ENVIRON | {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})[0] == "no-git"
    assert "cannot be run" in outside.refusal(environ={"PATH": "/nowhere"})[1]


def test_a_shallow_clone_is_told_as_one(repository: Repository, tmp_path: Path) -> None:
    for text in ("1", "2"):
        repository.write("a", text)
        repository.commit()
    repository.git("checkout", "-qb", "feature", "HEAD~")
    repository.write("b")
    repository.commit()
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "-q", "--depth=1", "--no-single-branch", f"file://{repository.path}", str(clone.path))
    slug, message, step = clone.refusal("origin/main")
    assert (slug, message) == ("no-revision", "origin/main and HEAD have no commit in common in this shallow clone")
    assert "git fetch --unshallow" in step


def test_the_variables_of_a_hook_and_the_index_are_left_alone(repository: Repository) -> None:
    repository.write("ws/a")
    repository.commit()
    repository.write("ws/a", "2")
    index = (repository.path / ".git/index").read_bytes()
    hook = ENVIRON | {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/none"}
    assert repository.changes("ws", environ=hook).tracked == ("a",)
    assert (repository.path / ".git/index").read_bytes() == index
