"""What ``clean`` removes, and what it never does, on real files after real runs."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

import pytest

from exarp.app.clean import Cleaned, CleanRequest, clean
from exarp.app.opening.examining import open_project
from exarp.app.opening.project import Project
from exarp.app.run import RunRequest, Voice, run
from exarp.app.selection.targets import choose, cleaned_targets
from exarp.planning.selection import Wanted
from exarp.workspace.removal import Removal

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
SILENT = Voice(lambda line: None, list)


class Bench:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".git").mkdir(parents=True)

    def manifest(self, text: str, file: str = "exarp.toml") -> None:
        self.write(file, textwrap.dedent(text))

    def write(self, name: str, text: str = "") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def project(self, file: str | None = None) -> Project:
        return open_project(str(self.root), str(self.root / file) if file else None, ENVIRON)

    def run(self, *names: str, file: str | None = None) -> None:
        project = self.project(file)
        chosen = choose(project, Wanted(names, every=not names))
        assert run(project, RunRequest(chosen), ENVIRON, SILENT) == 0

    def clean(self, *names: str, stale: bool = False, dry_run: bool = False, file: str | None = None) -> Cleaned:
        project = self.project(file)
        tasks = () if stale else cleaned_targets(project, names)
        return clean(project, CleanRequest(tasks, stale, dry_run), ENVIRON, lambda line: None)

    def files(self) -> set[str]:
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {path for path in found if not path.startswith((".git", ".exarp", "exarp.toml", "other.toml"))}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "w")


def left(cleaned: Cleaned) -> dict[str, str]:
    return {left.path: left.reason for left in cleaned.left}


CHAIN = """
    [task.a]
    inputs = ["in"]
    outputs = ["out/deep/a"]
    depfile = "deps/a.d"
    run = 'touch $out; echo "a:" > $depfile'
    [task.b]
    inputs = ["out/deep/a"]
    outputs = ["out/b"]
    run = "touch out/b"
    [task.many]
    matrix = { n = ["1", "2"] }
    inputs = []
    outputs = ["many/${n}"]
    run = "touch $out"
    [task.both]
    needs = ["b", "many"]
"""


def test_without_names_all_that_tasks_made_and_their_empty_folders_and_it_is_made_again(bench: Bench) -> None:
    bench.manifest(CHAIN)
    bench.write("in")
    bench.run()
    made = bench.files()
    would = bench.clean(dry_run=True)
    assert bench.files() == made
    cleaned = bench.clean()
    assert cleaned == would
    assert set(cleaned.files) == {"out/deep/a", "deps/a.d", "out/b", "many/1", "many/2"}
    assert set(cleaned.folders) == {"out/deep/", "out/", "deps/", "many/"}
    assert bench.files() == {"in"}
    bench.run()
    assert bench.files() == made


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["b"], {"out/b"}),
        (["many"], {"many/1", "many/2"}),
        (["many@1"], {"many/1"}),
        (["a", "many@*"], {"out/deep/a", "deps/a.d", "many/1", "many/2"}),
        (["both"], {"out/b", "many/1", "many/2"}),
    ],
)
def test_with_names_theirs_alone_and_what_a_task_gathers_for_a_task_that_gathers(
    bench: Bench, names: list[str], files: set[str]
) -> None:
    bench.manifest(CHAIN)
    bench.write("in")
    bench.run()
    assert set(bench.clean(*names).files) == files


def test_folders_that_nobody_would_make_again_stay(bench: Bench) -> None:
    bench.manifest("""
        [task.a]
        cwd = "work/here"
        inputs = ["data/"]
        outputs = ["work/here/o", "data/o"]
        run = "touch o ../../data/o"
    """)
    bench.write("work/here/x")
    bench.write("data/x")
    bench.run()
    (bench.root / "work/here/x").unlink()
    (bench.root / "data/x").unlink()
    assert bench.clean().folders == ()
    assert bench.files() == {"work", "work/here", "data"}


def test_an_output_folder_goes_with_all_that_is_in_it_and_is_somebody_elses_afterwards(bench: Bench) -> None:
    bench.manifest('[task.a]\ninputs = []\noutputs = ["dist/"]\nrun = "mkdir dist/in dist/empty; touch dist/in/a"')
    bench.run()
    bench.write("dist/later")
    assert set(bench.clean().files) == {"dist/in/a", "dist/later"}
    assert bench.files() == set()
    bench.write("dist/mine")
    assert left(bench.clean()) == {"dist/mine": "unrecorded"}
    assert run(bench.project(), RunRequest(choose(bench.project(), Wanted(("a",)))), ENVIRON, SILENT) == 1
    assert bench.files() == {"dist", "dist/mine"}


def test_of_kept_folders_and_globs_only_what_was_recorded(bench: Bench) -> None:
    bench.manifest("""
        [task.a]
        inputs = []
        outputs = ["site/", "*.o"]
        keep_outputs = true
        run = "touch site/a b.o"
    """)
    bench.run()
    bench.write("site/mine")
    bench.write("mine.o")
    cleaned = bench.clean()
    assert set(cleaned.files) == {"site/a", "b.o"}
    assert left(cleaned) == {"site/mine": "unrecorded"}
    assert bench.files() == {"site", "site/mine", "mine.o"}


def test_what_git_ignores_in_a_kept_folder_is_not_exarps_for_that(bench: Bench) -> None:
    (bench.root / ".git").rmdir()
    subprocess.run(["git", "init", "-q"], cwd=bench.root, check=True)
    bench.write(".gitignore", "site/\n")
    bench.manifest('[task.a]\ninputs = []\noutputs = ["site/"]\nkeep_outputs = true\nrun = "touch site/a"')
    bench.run()
    bench.write("site/mine")
    assert left(bench.clean()) == {"site/mine": "unrecorded"}
    assert bench.files() == {"site", "site/mine"}


def test_what_git_tracks_stays(bench: Bench) -> None:
    (bench.root / ".git").rmdir()
    bench.manifest('[task.a]\ninputs = []\noutputs = ["gen/a", "gen/b", "d/"]\nrun = "touch gen/a gen/b d/a d/b"')
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], cwd=bench.root, check=True)
    bench.run()
    subprocess.run([*git, "add", "-f", "gen/a", "d/a"], cwd=bench.root, check=True)
    cleaned = bench.clean()
    assert left(cleaned) == {"gen/a": "tracked", "d/a": "tracked"}
    assert bench.files() == {"gen", "gen/a", "d", "d/a"}


def test_a_repository_in_an_output_folder_stays_with_all_around_it(bench: Bench) -> None:
    bench.manifest('[task.a]\ninputs = []\noutputs = ["pages/"]\nrun = "touch pages/a"')
    bench.run()
    bench.write("pages/sub/.git/HEAD")
    assert left(bench.clean()) == {"pages/": "repository"}
    assert "pages/a" in bench.files()


def test_links_are_removed_themselves_and_none_leads_out_of_the_workspace(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep/a").write_text("")
    (outside / "b").write_text("")
    bench.manifest('[task.a]\ninputs = []\noutputs = ["out/deep/a", "b", "dist/"]\nrun = "true"')
    (bench.root / "out").symlink_to(outside)
    (bench.root / "dist").symlink_to(outside)
    (bench.root / "b").symlink_to(outside / "b")
    cleaned = bench.clean()
    assert (cleaned.files, cleaned.folders) == (("b",), ())
    assert left(cleaned) == {"out/deep/a": "outside", "dist/": "linked"}
    assert (outside / "deep/a").exists() and (outside / "b").exists()


def test_a_link_that_is_put_there_at_the_last_moment_leads_nowhere(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a").write_text("")
    (bench.root / "out").symlink_to(tmp_path / "outside")
    with pytest.raises(PermissionError):
        Removal(str(bench.root)).remove("out/a")
    assert (tmp_path / "outside/a").exists()


def test_what_cannot_be_an_output_any_more_and_what_a_task_only_modifies_stays(bench: Bench) -> None:
    bench.manifest("""
        [task.a]
        inputs = []
        outputs = ["o"]
        modifies = ["m"]
        run = "touch o m"
    """)
    bench.write("o/mine")
    bench.write("m")
    assert left(bench.clean()) == {"o": "is-folder"}
    assert bench.files() == {"o", "o/mine", "m"}


def test_what_cannot_be_removed_is_left_and_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.manifest(CHAIN)
    bench.write("in")
    bench.run()

    def refuse(self: Removal, path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(Removal, "remove", refuse)
    cleaned = bench.clean("b")
    assert (cleaned.failed, cleaned.files, left(cleaned)) == (True, (), {"out/b": "failed"})


# -- what no task makes any more -------------------------------------------------------------------------------------

STALE = """
    [task.old]
    inputs = []
    outputs = ["old/a", "old/read", "old/changed", "old/taken"]
    run = "for o in $out; do echo made > $o; done"
    [task.moved]
    inputs = []
    outputs = ["one"]
    run = "echo made > one"
"""
NOW = """
    [task.new]
    inputs = ["old/read"]
    outputs = ["old/taken"]
    run = "cat old/read > old/taken"
    [task.moved]
    inputs = []
    outputs = ["two"]
    run = "echo made > two"
"""


def test_what_no_task_makes_any_more_if_it_is_as_it_was_made(bench: Bench) -> None:
    bench.manifest(STALE)
    bench.run()
    bench.write("mine")
    assert bench.clean(stale=True) == Cleaned()
    bench.manifest(NOW)
    bench.write("old/changed", "by hand")
    bench.run("moved")
    would = bench.clean(stale=True, dry_run=True)
    cleaned = bench.clean(stale=True)
    assert cleaned == would
    assert set(cleaned.files) == {"old/a", "one"}
    assert left(cleaned) == {"old/read": "read", "old/changed": "changed"}
    assert cleaned.forgotten == ("old",)
    assert bench.files() == {"old", "old/read", "old/changed", "old/taken", "two", "mine"}
    # What was left is nobody's any more, and is not told again; nor is what somebody puts there.
    bench.write("one", "made\n")
    assert bench.clean(stale=True) == Cleaned()
    assert "one" in bench.files()
    bench.run()


def test_what_was_made_before_is_remembered_over_several_runs_until_it_is_gone(bench: Bench) -> None:
    for name in ("one", "two", "three", "four"):
        bench.manifest(f'[task.t]\ninputs = []\noutputs = ["{name}"]\nrun = "echo {name} > {name}"')
        bench.run()
        if name == "two":
            (bench.root / name).unlink()
    # It is there again, as it was, but nobody saw exarp make that one.
    bench.write("two", "two\n")
    assert set(bench.clean(stale=True).files) == {"one", "three"}
    assert bench.files() == {"two", "four"}


def test_what_another_manifest_of_the_folder_makes_stays(bench: Bench) -> None:
    bench.manifest('[task.t]\ninputs = []\noutputs = ["one"]\nrun = "touch one"')
    bench.manifest(
        '[task.t]\ninputs = []\noutputs = ["two"]\nrun = "touch two"\n'
        '[task.u]\ninputs = []\noutputs = ["three"]\nrun = "touch three"',
        "other.toml",
    )
    bench.run()
    bench.run(file="other.toml")
    assert bench.clean(stale=True) == Cleaned()
    bench.manifest('[task.t]\ninputs = []\noutputs = ["two"]\nrun = "touch two"', "other.toml")
    assert set(bench.clean(stale=True, file="other.toml").files) == {"three"}
    assert bench.files() == {"one", "two"}


def test_instances_whose_source_is_gone(bench: Bench) -> None:
    bench.manifest("""
        [task.cc]
        matrix = { src = { glob = "*.c" } }
        inputs = ["${src}"]
        outputs = ["o/${src.stem}.o"]
        run = "cp $in $out"
    """)
    bench.write("a.c")
    bench.write("b.c")
    bench.run()
    (bench.root / "b.c").unlink()
    bench.run()
    assert bench.clean(stale=True) == Cleaned(files=("o/b.o",), forgotten=("cc@b.c",))
