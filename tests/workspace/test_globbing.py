"""Patterns against real folders: compared with the pure matcher, and with git's own opinion of what it ignores."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exarp.model.path import matches
from exarp.workspace.globbing import Globbing, Outputs

FILES = [
    "a.c",
    "b.h",
    ".hidden.c",
    "src/a.c",
    "src/deep/b.c",
    "src/deep/.dot/c.c",
    "src/.x/d.c",
    ".git/config",
    ".exarp/store",
]


def make(root: Path, names: list[str]) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def globbing(root: Path, *outputs: str) -> Globbing:
    return Globbing(str(root), Outputs(outputs))


def test_stars_skip_hidden_names_and_exarp_s_own_folders_never_match(tmp_path: Path) -> None:
    make(tmp_path, FILES)
    found = globbing(tmp_path)
    assert found.files("*.c") == ["a.c"]
    assert found.files("**/*.c") == ["a.c", "src/a.c", "src/deep/b.c"]
    assert found.files("src/**") == ["src/a.c", "src/deep/b.c"]
    assert found.files("src/") == ["src/.x/d.c", "src/a.c", "src/deep/.dot/c.c", "src/deep/b.c"]
    assert found.files("./") == sorted(name for name in FILES if not name.startswith((".git", ".exarp")))
    assert found.files(".*.c") == [".hidden.c"]
    assert found.files("src/*/") == ["src/deep/.dot/c.c", "src/deep/b.c"]
    assert found.files("**/*.c", ["src/deep/"]) == ["a.c", "src/a.c"]


names = st.sampled_from(["a", "b", "ab", ".a", "a.c"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
segments = st.sampled_from(["*", "**", "a", "a*", "?", "[ab]", "*.c", ".*"])
patterns = st.lists(segments, min_size=1, max_size=3).map("/".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(files=st.sets(paths, max_size=6), pattern=patterns)
def test_the_disk_and_the_matcher_agree(
    tmp_path_factory: pytest.TempPathFactory, files: set[str], pattern: str
) -> None:
    root = tmp_path_factory.mktemp("glob")
    made = []
    for name in sorted(files):
        try:
            make(root, [name])
            made.append(name)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    real = [name for name in made if (root / name).is_file()]
    if "*" in pattern or "?" in pattern or "[" in pattern:
        assert globbing(root).files(pattern) == sorted(name for name in real if matches(pattern, name))


def test_what_git_ignores_matches_only_where_a_task_makes_it(tmp_path: Path) -> None:
    make(
        tmp_path,
        ["src/a.c", "src/gen.c", "src/junk.c", "build/x.c", "build/y.c", "out/deep/z.c", "keep.log", "drop.log"],
    )
    (tmp_path / ".git").mkdir(exist_ok=True)
    (tmp_path / ".gitignore").write_text("build/\nout\n*.log\n!keep.log\n")
    (tmp_path / "src/.gitignore").write_text("gen.c\njunk.c\n")
    plain = globbing(tmp_path)
    assert plain.files("**/*.c") == ["src/a.c"]
    assert plain.files("*.log") == ["keep.log"]
    declared = globbing(tmp_path, "src/gen.c", "build/x.c", "out/deep/")
    assert declared.files("**/*.c") == ["build/x.c", "out/deep/z.c", "src/a.c", "src/gen.c"]


def test_what_git_tracks_although_a_rule_would_ignore_it_matches(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    make(tmp_path, ["a.c", "b.c", "gen/deep/c.c", "gen/d.c"])
    (tmp_path / ".gitignore").write_text("b.c\ngen/\n")
    subprocess.run(["git", "add", "-f", "b.c", "gen/deep/c.c"], cwd=tmp_path, check=True)
    assert globbing(tmp_path).files("**/*.c") == ["a.c", "b.c", "gen/deep/c.c"]


def test_git_s_and_exarp_s_own_folders_never_match_even_by_name(tmp_path: Path) -> None:
    make(tmp_path, FILES)
    for pattern in (".git/*", ".git/**", ".exarp/*", ".git/", "**/.git/*"):
        assert globbing(tmp_path).files(pattern) == []


ignore_lines = st.lists(
    st.sampled_from(
        [
            "a",
            "b/",
            "/a",
            "*.c",
            "!a.c",
            "!a",
            "ab/a",
            "**/b",
            "a/**",
            "!a/**",
            "!/ab",
            "a/*",
            "# note",
            "a?",
            "[ab]",
            "",
        ]
    ),
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(files=st.sets(paths, min_size=1, max_size=5), top=ignore_lines, inner=ignore_lines)
def test_git_agrees_on_what_is_ignored(
    tmp_path_factory: pytest.TempPathFactory, files: set[str], top: list[str], inner: list[str]
) -> None:
    root = tmp_path_factory.mktemp("ignore")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    for name in sorted(files):
        try:
            make(root, [name])
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    (root / ".gitignore").write_text("\n".join(top) + "\n")
    if (root / "a").is_dir():
        (root / "a/.gitignore").write_text("\n".join(inner) + "\n")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"], cwd=root, check=True, capture_output=True
    )
    expected = sorted(name for name in listed.stdout.decode().split("\0") if name)
    assert globbing(root).files("./") == expected


def test_linked_folders_are_not_entered_by_double_stars(tmp_path: Path) -> None:
    make(tmp_path, ["src/a.c"])
    (tmp_path / "src/up").symlink_to("..")
    assert globbing(tmp_path).files("**/*.c") == ["src/a.c"]
    assert globbing(tmp_path).files("src/") == ["src/a.c"]


def test_listings_are_kept_until_forgotten(tmp_path: Path) -> None:
    make(tmp_path, ["a.c"])
    found = globbing(tmp_path)
    assert found.files("*.c") == ["a.c"]
    make(tmp_path, ["b.c"])
    assert found.files("*.c") == ["a.c"]
    found.forget()
    assert found.files("*.c") == ["a.c", "b.c"]


steps = st.lists(st.tuples(st.booleans(), paths), max_size=8)


@settings(deadline=None, max_examples=60)
@given(steps=steps, asked=st.lists(patterns.filter(lambda p: "*" in p), min_size=1, max_size=3))
def test_what_is_remembered_never_differs_from_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, str]], asked: list[str]
) -> None:
    root = tmp_path_factory.mktemp("kept")
    kept = globbing(root)
    for add, name in steps:
        try:
            if add:
                make(root, [name])
            elif (root / name).is_dir():
                shutil.rmtree(root / name)
            else:
                (root / name).unlink(missing_ok=True)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        kept.forget()
        for pattern in asked:
            assert kept.files(pattern) == globbing(root).files(pattern)


def test_a_folder_that_has_not_changed_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, ["in/a.c"])
    os.utime(tmp_path / "in", (1_000_000, 1_000_000))
    found = globbing(tmp_path)
    assert found.files("in/*.c") == ["in/a.c"]
    found.forget()
    monkeypatch.setattr(os, "scandir", lambda path: pytest.fail(f"{path} was read again"))
    assert found.files("in/*.c") == ["in/a.c"]
