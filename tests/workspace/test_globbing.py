"""Patterns against real folders: compared with the pure matcher, and with git's own opinion of what it ignores."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exarp.model.path import matches
from exarp.workspace.fingerprints import FileClock
from exarp.workspace.globbing import Globbing, Outputs
from exarp.workspace.ignore import Ignore
from tests.effort import tries
from tests.stopwatch import grows_slowly

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


class Ahead:
    """A clock that is so far ahead that every folder is old."""

    def now(self) -> int:
        return time.time_ns() + 10_000_000_000


def globbing(root: Path, *outputs: str) -> Globbing:
    return Globbing(str(root), Outputs(outputs))


def trusting(root: Path) -> Globbing:
    return Globbing(str(root), Outputs([]), Ahead())


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


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=tries(150),
)
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


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=tries(60),
)
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


def test_whether_a_folder_is_ignored_is_asked_once_for_all_that_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    make(tmp_path, [f"a/b/{number}.c" for number in range(50)])
    asked: Counter[str] = Counter()
    ignores = Ignore.ignores

    def counted(self: Ignore, folder: str, name: str, is_folder: bool) -> bool:
        asked[name] += 1
        return ignores(self, folder, name, is_folder)

    monkeypatch.setattr(Ignore, "ignores", counted)
    assert len(globbing(tmp_path).files("a/b/*.c")) == 50
    assert asked["a"] == asked["b"] == asked["7.c"] == 1


def test_linked_folders_are_not_entered_by_double_stars(tmp_path: Path) -> None:
    make(tmp_path, ["src/a.c"])
    (tmp_path / "src/up").symlink_to("..")
    assert globbing(tmp_path).files("**/*.c") == ["src/a.c"]
    assert globbing(tmp_path).files("src/**") == ["src/a.c"]
    # But a folder that is meant whole is not the same without the link.
    assert globbing(tmp_path).files("src/") == ["src/a.c", "src/up"]


@pytest.mark.parametrize("rule", ["data/", "data/*", "*.csv"])
def test_a_folder_that_is_named_and_ignored_counts_whole(tmp_path: Path, rule: str) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    make(tmp_path, ["data/a.csv", "data/sub/b.csv", "src/a.c", "src/a.csv"])
    (tmp_path / ".gitignore").write_text(f"{rule}\n")
    found = globbing(tmp_path)
    assert found.files("data/") == ["data/a.csv", "data/sub/b.csv"]
    assert found.files("data/*.csv") == []
    # What git ignores of it is still left out of a folder that holds more.
    assert ("src/a.csv" in found.files("src/")) == (rule != "*.csv")


def test_listings_are_kept_until_forgotten(tmp_path: Path) -> None:
    make(tmp_path, ["a.c"])
    found = globbing(tmp_path)
    assert found.files("*.c") == ["a.c"]
    make(tmp_path, ["b.c"])
    assert found.files("*.c") == ["a.c"]
    found.forget()
    assert found.files("*.c") == ["a.c", "b.c"]


steps = st.lists(st.tuples(st.booleans(), paths), max_size=8)


@settings(deadline=None, max_examples=tries(60))
@given(steps=steps, asked=st.lists(patterns.filter(lambda p: "*" in p), min_size=1, max_size=3))
def test_what_is_remembered_never_differs_from_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, str]], asked: list[str]
) -> None:
    root = tmp_path_factory.mktemp("kept")
    clock = FileClock(f"{root}.clock")
    kept = Globbing(str(root), Outputs([]), clock)
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
    clock.close()


def test_a_folder_that_has_not_changed_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, ["in/a.c"])
    found = trusting(tmp_path)
    assert found.files("in/*.c") == ["in/a.c"]
    found.forget()
    monkeypatch.setattr(os, "scandir", lambda path: pytest.fail(f"{path} was read again"))
    assert found.files("in/*.c") == ["in/a.c"]


def test_a_folder_as_young_as_its_listing_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, ["in/a.c"])
    stamp = (tmp_path / "in").stat()

    class Same:
        def now(self) -> int:
            return stamp.st_ctime_ns + 1

    found = Globbing(str(tmp_path), Outputs([]), Same())
    assert found.files("in/*.c") == ["in/a.c"]
    make(tmp_path, ["in/b.c"])
    found.forget()
    # A second change within one tick leaves no trace.
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", lambda path: stamp)
        listed = found.files("in/*.c")
    assert listed == ["in/a.c", "in/b.c"]


def test_a_change_is_seen_although_the_folder_s_time_of_modification_was_set_back(tmp_path: Path) -> None:
    make(tmp_path, ["in/a.c"])
    os.utime(tmp_path / "in", (1_000_000, 1_000_000))
    found = trusting(tmp_path)
    assert found.files("in/*.c") == ["in/a.c"]
    before = (tmp_path / "in").stat().st_ctime_ns
    # However coarse the stamps are, sooner or later a change has a later one.
    while (tmp_path / "in").stat().st_ctime_ns == before:
        os.rename(tmp_path / "in/a.c", tmp_path / "in/b.c")
        os.rename(tmp_path / "in/b.c", tmp_path / "in/a.c")
    os.rename(tmp_path / "in/a.c", tmp_path / "in/b.c")
    os.utime(tmp_path / "in", (1_000_000, 1_000_000))
    found.forget()
    assert found.files("in/*.c") == ["in/b.c"]


def test_another_folder_in_its_place_is_read(tmp_path: Path) -> None:
    make(tmp_path, ["in/a.c", "other/b.c"])
    found = trusting(tmp_path)
    assert found.files("in/*.c") == ["in/a.c"]
    os.rename(tmp_path / "in", tmp_path / "old")
    os.rename(tmp_path / "other", tmp_path / "in")
    found.forget()
    assert found.files("in/*.c") == ["in/b.c"]


def test_what_a_link_leads_to_is_looked_at_again(tmp_path: Path) -> None:
    make(tmp_path, ["target"])
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to("../target")
    found = trusting(tmp_path)
    assert found.files("in/*") == ["in/link"]
    (tmp_path / "target").unlink()
    (tmp_path / "target").mkdir()
    found.forget()
    assert found.files("in/*") == []


def test_a_known_pattern_is_not_looked_into_again_until_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, [f"in/{number}/a.c" for number in range(20)])
    found = trusting(tmp_path)
    looks = []
    monkeypatch.setattr(Globbing, "_list", _counting(looks))
    for _ in range(10):
        assert len(found.files("in/**/*.c")) == 20
    once = len(looks)
    found.forget()
    for _ in range(10):
        found.files("in/**/*.c")
    assert len(looks) <= 2 * once <= 200


def _counting(looks: list[str]) -> Callable[[Globbing, str], object]:
    original = Globbing._list

    def counted(self: Globbing, folder: str) -> object:
        looks.append(folder)
        return original(self, folder)

    return counted


outputs = st.lists(
    st.one_of(patterns, paths, paths.map(lambda path: f"{path}/"), patterns.map(lambda path: f"{path}/")), max_size=8
)


@settings(max_examples=tries(300), deadline=None)
@given(outputs=outputs, path=paths)
def test_whether_a_path_is_an_output_is_what_the_patterns_say(outputs: list[str], path: str) -> None:
    expected = any(matches(pattern, path) or pattern == path for pattern in outputs)
    assert Outputs(outputs).has(path) == expected


def test_many_output_globs_are_not_tried_one_by_one() -> None:
    has = Outputs(f"gen/{number}/*.o" for number in range(5_000)).has
    assert has("gen/4999/x.o")
    with grows_slowly():
        for number in range(10_000):
            assert not has(f"other/{number}/x.o")


class Enough(Exception):
    """Ends the looking."""


def test_looking_can_be_broken_off_before_each_folder_and_begun_anew(tmp_path: Path) -> None:
    make(tmp_path, ["a/b/one", "a/c/two"])
    found = globbing(tmp_path)
    breaths = 0

    def count() -> None:
        nonlocal breaths
        breaths += 1
        if breaths == 2:
            raise Enough

    found.breathe = count
    with pytest.raises(Enough):
        found.files("a/")
    assert found.files("a/") == ["a/b/one", "a/c/two"]
    assert breaths == 4
