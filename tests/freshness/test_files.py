"""Files that a task reads and makes: their contents count, whatever their times say."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.freshness.conftest import Build, grow_old

COPY = '[task.t]\ninputs = ["a"]\noutputs = ["o"]\nrun = "rm -rf o; cat a > o"'
CATALOGUE = '[task.t]\ninputs = ["src/*.c"]\noutputs = ["o"]\nrun = "cat $in > o"'


@pytest.fixture
def copy(build: Build) -> Build:
    build.manifest(COPY)
    build.write("a", "1")
    build.settle()
    return build


@pytest.fixture
def catalogue(build: Build) -> Build:
    build.manifest(CATALOGUE)
    build.write("src/a.c", "1")
    build.write("src/b.c", "2")
    build.settle()
    return build


# -- outputs -------------------------------------------------------------------------------------------------------


def test_an_output_that_was_deleted(copy: Build) -> None:
    copy.remove("o")
    assert copy.run() == {"t": "output-missing o"}
    assert copy.read("o") == "1"


def test_an_output_that_was_edited_by_hand(copy: Build) -> None:
    copy.write("o", "2")
    assert copy.run() == {"t": "output-changed o"}
    assert copy.read("o") == "1"


def test_an_output_that_was_replaced_by_a_folder(copy: Build) -> None:
    copy.remove("o")
    copy.write("o/inside", "1")
    assert copy.run() == {"t": "output-changed o"}
    assert copy.read("o") == "1"


def test_one_of_several_outputs_that_is_missing(build: Build) -> None:
    build.manifest('[task.t]\ninputs = []\noutputs = ["o", "p", "q"]\nrun = "touch o p q"')
    build.settle()
    build.remove("p")
    assert build.run() == {"t": "output-missing p"}
    assert build.run() == {}


def test_a_file_that_somebody_put_among_the_outputs(build: Build) -> None:
    build.manifest('[task.t]\ninputs = []\noutputs = ["d/", "*.o"]\nrun = "touch d/a b.o"')
    build.settle()
    build.write("d/more", "")
    assert build.run() == {"t": "output-changed d/more"}
    build.write("c.o", "")
    assert build.run() == {"t": "output-changed c.o"}


# -- inputs --------------------------------------------------------------------------------------------------------


def test_a_file_that_joins_or_leaves_a_glob(catalogue: Build) -> None:
    catalogue.write("src/c.c", "3")
    assert catalogue.run() == {"t": "input-added src/c.c"}
    catalogue.write("src/c.h", "no input")
    assert catalogue.run() == {}
    catalogue.remove("src/a.c")
    assert catalogue.run() == {"t": "input-removed src/a.c"}
    assert catalogue.read("o") == "23"


def test_a_file_that_joins_while_the_folders_times_are_put_back(catalogue: Build) -> None:
    folder = catalogue.root / "src"
    before = folder.stat()
    catalogue.write("src/c.c", "3")
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert catalogue.run() == {"t": "input-added src/c.c"}


def test_a_renamed_input(catalogue: Build) -> None:
    (catalogue.root / "src/a.c").rename(catalogue.root / "src/z.c")
    assert catalogue.run() == {"t": "input-added src/z.c"}
    assert catalogue.read("o") == "21"


def test_new_content_with_an_older_time(copy: Build) -> None:
    path = copy.write("a", "2")
    os.utime(path, ns=(0, 0))
    assert copy.run() == {"t": "input-changed a"}
    assert copy.read("o") == "2"


def test_new_content_of_the_same_size_and_time(copy: Build) -> None:
    path = copy.root / "a"
    before = path.stat()
    copy.write("a", "2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_ino) == (before.st_size, before.st_ino)
    assert copy.run() == {"t": "input-changed a"}


def test_another_file_of_the_same_size_and_time_in_its_place(copy: Build) -> None:
    path = copy.root / "a"
    before = path.stat()
    new = copy.write("new", "2")
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.rename(path)
    assert copy.run() == {"t": "input-changed a"}


def test_what_is_touched_but_equal(copy: Build) -> None:
    os.utime(copy.root / "a")
    os.utime(copy.root / "o")
    assert copy.run() == {}
    copy.write("a", "1")
    copy.write("new", "1").rename(copy.root / "o")
    assert copy.run() == {}


def _as_if_hashed(build: Build, name: str, moment_ns: int) -> None:
    """What is remembered of a file has the stat data that it has now, learned at ``moment_ns``; the digest stays."""
    found = (build.root / name).stat()
    with closing(sqlite3.connect(build.root / ".exarp/store.db")) as database, database:
        changed = database.execute(
            "UPDATE file SET size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, hashed_at_ns = ? WHERE path = ?",
            (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, moment_ns, name),
        )
        assert changed.rowcount == 1


def test_a_change_in_the_tick_in_which_the_file_was_read(copy: Build) -> None:
    # Same stat data, other content: as young as the moment when it was looked at, so they prove nothing.
    copy.write("a", "2")
    _as_if_hashed(copy, "a", (copy.root / "a").stat().st_ctime_ns)
    assert copy.run() == {"t": "input-changed a"}


def test_a_clock_that_was_set_back_leaves_files_from_the_future(copy: Build) -> None:
    path = copy.write("a", "2")
    ahead = path.stat().st_mtime_ns + 3600 * 10**9
    os.utime(path, ns=(ahead, ahead))
    assert copy.run() == {"t": "input-changed a"}
    assert copy.run() == {}
    copy.write("a", "3")
    os.utime(path, ns=(ahead, ahead))
    _as_if_hashed(copy, "a", path.stat().st_ctime_ns + 10**9)
    assert copy.run() == {"t": "input-changed a"}


def test_records_from_the_future_hide_no_change(copy: Build) -> None:
    with closing(sqlite3.connect(copy.root / ".exarp/store.db")) as database, database:
        database.execute("UPDATE file SET hashed_at_ns = hashed_at_ns + 3600000000000")
    before = (copy.root / "a").stat()
    copy.write("a", "2")
    os.utime(copy.root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert copy.run() == {"t": "input-changed a"}


# -- links and folders ---------------------------------------------------------------------------------------------


def test_a_symlinked_input_counts_with_what_it_leads_to(build: Build) -> None:
    build.manifest(COPY)
    build.write("real", "1")
    (build.root / "a").symlink_to("real")
    build.settle()
    build.write("real", "2")
    assert build.run() == {"t": "input-changed a"}


def test_a_retargeted_symlink(build: Build) -> None:
    build.manifest(COPY)
    build.write("one", "1")
    build.write("two", "2")
    build.write("equal", "2")
    (build.root / "a").symlink_to("one")
    build.settle()
    for target, why in (("two", {"t": "input-changed a"}), ("equal", {})):
        build.remove("a")
        (build.root / "a").symlink_to(target)
        assert build.run() == why


def test_a_retargeted_symlink_to_a_folder(build: Build) -> None:
    build.manifest('[task.t]\ninputs = ["in/"]\noutputs = ["o"]\nrun = "cat in/link/a > o"')
    for folder in ("one", "two"):
        build.write(f"{folder}/a", folder)
    (build.root / "in").mkdir()
    (build.root / "in/link").symlink_to("../one")
    build.settle()
    build.remove("in/link")
    (build.root / "in/link").symlink_to("../two")
    assert build.run() == {"t": "input-changed in/link"}


@pytest.mark.parametrize("declared", ["in/", "in"])
def test_an_input_folder(build: Build, declared: str) -> None:
    build.manifest(f'[task.t]\ninputs = ["{declared}"]\noutputs = ["o"]\nrun = "cat in/*/* > o"')
    build.write("in/deep/a", "1")
    build.settle()
    build.write("in/deep/a", "2")
    assert build.run() == {"t": "input-changed in/deep/a"}
    build.write("in/deep/b", "3")
    assert build.run() == {"t": "input-added in/deep/b"}
    build.remove("in/deep/a")
    assert build.run() == {"t": "input-removed in/deep/a"}


# -- depfiles ------------------------------------------------------------------------------------------------------

WITH_DEPFILE = """
    [task.t]
    inputs = ["main"]
    outputs = ["o"]
    depfile = "o.d"
    run = 'cat main > o; h=""; if [ -e header ]; then cat header >> o; h=header; fi; echo "o: main $h" > o.d'
"""


def test_a_depfile_that_names_a_changed_or_deleted_header(build: Build) -> None:
    build.manifest(WITH_DEPFILE)
    build.write("main", "1")
    build.write("header", "2")
    build.settle()
    build.write("header", "3")
    assert build.run() == {"t": "input-changed header"}
    build.remove("header")
    assert build.run() == {"t": "input-removed header"}
    assert (build.code, build.read("o")) == (0, "1")
    build.write("header", "4")
    assert build.run() == {}


def test_a_need_whose_files_the_depfile_lists_counts_by_these(build: Build) -> None:
    build.manifest(
        """
        [task.gen]
        inputs = ["a", "b"]
        outputs = ["gen/a.h", "gen/b.h"]
        run = "cp a gen/a.h; cp b gen/b.h"
        [task.cc]
        needs = ["gen"]
        inputs = []
        outputs = ["o"]
        depfile = "o.d"
        run = 'cat gen/a.h > o; echo "o: gen/a.h" > o.d'
        """
    )
    build.write("a", "1")
    build.write("b", "1")
    build.settle()
    build.write("b", "2")
    assert build.run() == {"gen": "input-changed b"}
    build.write("a", "2")
    assert build.run() == {"gen": "input-changed a", "cc": "input-changed gen/a.h"}


# -- what a need contributes ---------------------------------------------------------------------------------------


def test_equal_outputs_stop_there_and_having_run_makes_nobody_stale(build: Build) -> None:
    build.manifest(
        """
        [task.first]
        inputs = ["a"]
        outputs = ["b"]
        run = "head -c1 a > b"
        [task.shares]
        inputs = ["b"]
        outputs = ["c"]
        run = "cat b > c"
        [task.needs-it]
        needs = ["first"]
        inputs = []
        outputs = ["d"]
        run = "touch d"
        [task.check]
        inputs = ["a"]
        outputs = []
        run = "true"
        [task.needs-check]
        needs = ["check"]
        inputs = []
        outputs = ["e"]
        run = "touch e"
        """
    )
    build.write("a", "1x")
    build.settle()
    build.write("a", "1y")
    assert build.run() == {"first": "input-changed a", "check": "input-changed a"}
    build.write("a", "2y")
    assert build.run() == {
        "first": "input-changed a",
        "check": "input-changed a",
        "shares": "input-changed b",
        "needs-it": "need-changed first",
    }
    assert build.run(force=True).keys() == {"first", "shares", "needs-it", "check", "needs-check"}
    assert build.run() == {}
    build.manifest(build.read("exarp.toml").replace('run = "true"', 'run = "true true"'))
    assert build.run() == {"check": "recipe-changed command", "needs-check": "need-changed check"}


# -- where the workspace is ----------------------------------------------------------------------------------------


def test_a_checkout_that_was_moved_or_copied(build: Build, tmp_path: Path) -> None:
    build.manifest(WITH_DEPFILE.replace("main $h", "$PWD/main $PWD/$h"))
    build.write("main", "1")
    build.write("header", "2")
    build.settle()
    build.root.rename(tmp_path / "moved")
    build.root = tmp_path / "moved"
    assert build.run() == {}
    shutil.copytree(build.root, tmp_path / "copied", symlinks=True)
    build.root = tmp_path / "copied"
    assert build.run() == {}
    build.write("header", "3")
    assert build.run() == {"t": "input-changed header"}


def test_two_manifests_in_one_tree_each_see_what_the_other_did(build: Build) -> None:
    build.manifest('[task.t]\ninputs = ["a"]\noutputs = ["sub/o"]\nrun = "cat a > sub/o"')
    build.manifest('[task.t]\ninputs = ["../a"]\noutputs = ["o"]\nrun = "cat ../a ../a > o"', "sub/exarp.toml")
    build.write("a", "1")
    build.settle()
    assert build.run(cwd="sub") == {"t": "never-ran"}
    assert build.run() == {"t": "output-changed sub/o"}
    assert build.run(cwd="sub") == {"t": "output-changed o"}
    assert build.read("sub/o") == "11"


def test_two_manifests_in_one_folder_take_nothing_of_each_other_for_their_own(build: Build) -> None:
    build.manifest('[task.t]\ninputs = ["a"]\noutputs = ["o"]\nrun = "cat a > o"')
    build.manifest('[task.t]\ninputs = ["a"]\noutputs = ["p"]\nrun = "cat a a > p"', "other.toml")
    build.write("a", "1")
    build.settle()
    assert build.run(file="other.toml")["t"].startswith("recipe-changed")
    assert build.read("p") == "11"
    build.write("o", "changed by hand")
    assert build.run()["t"].startswith("recipe-changed")
    assert build.read("o") == "1"


def test_a_nearer_manifest_that_appears(build: Build) -> None:
    build.manifest('[task.t]\ninputs = ["a"]\noutputs = ["o"]\nrun = "cat a > o"')
    build.write("a", "1")
    (build.root / "sub").mkdir()
    build.settle(cwd="sub")
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo nearer > o"', "sub/exarp.toml")
    assert build.run(cwd="sub") == {"t": "never-ran"}
    assert build.read("sub/o") == "nearer\n"
    build.remove("sub/exarp.toml")
    assert build.run(cwd="sub") == {}


def test_a_manifest_that_git_root_or_name_makes_the_one_that_counts(build: Build) -> None:
    build.manifest("[task.t]\ninputs = []\noutputs = ['o']\nrun = 'echo yaml > o'", "exarp.json")
    build.write("exarp.json", '{"task": {"t": {"inputs": [], "outputs": ["o"], "run": "echo json > o"}}}')
    build.settle()
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo toml > o"')
    assert build.run() == {"t": "recipe-changed command"}
    assert build.read("o") == "toml\n"


def test_a_change_between_two_looks_of_one_run_is_seen(build: Build) -> None:
    build.manifest(
        """
        [task.make]
        inputs = ["a"]
        outputs = ["b"]
        run = "cat a > b"
        [task.read]
        inputs = ["b", "c"]
        outputs = ["d"]
        run = "cat b c > d"
        """
    )
    build.write("a", "1")
    build.write("c", "1")
    build.settle()
    grow_old(build.root)
    build.write("a", "2")
    assert build.run() == {"make": "input-changed a", "read": "input-changed b"}
    assert build.read("d") == "21"


def test_a_change_that_was_seen_for_one_reader_is_news_to_the_other(build: Build) -> None:
    build.manifest(
        """
        [task.one]
        inputs = ["a"]
        outputs = ["o"]
        run = "cat a > o"
        [task.two]
        inputs = ["a", "b"]
        outputs = ["p"]
        run = "cat a b > p"
        """
    )
    build.write("a", "1")
    build.write("b", "1")
    build.settle()
    # The first of them leaves an index for just this task, of which the second is a part.
    build.write("b", "2")
    assert build.run("two") == {"two": "input-changed b"}
    build.write("a", "2")
    assert build.run("two") == {"two": "input-changed a"}
    assert build.run() == {"one": "input-changed a"}


def test_what_a_glob_found_in_another_state_does_not_stay_where_the_task_would_remove_it(build: Build) -> None:
    build.manifest(
        """
        [task.split]
        inputs = ["names"]
        outputs = ["parts/*"]
        run = "rm -f parts/*; for name in $(cat names); do echo $name > parts/$name; done"
        [task.list]
        inputs = [{ from = "split" }]
        outputs = ["all"]
        run = "echo $in > $out"
        """
    )
    for names in ("p q", "p r", "p q"):
        build.write("names", names)
        # Also where artifacts are: what is put back cannot take away what is there beside it.
        assert build.run()["split"] in ("never-ran", "input-changed names")
        assert build.code == 0
        assert build.read("all").split() == [f"parts/{name}" for name in names.split()]
