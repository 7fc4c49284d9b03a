from __future__ import annotations

import os
import stat
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exarp.errors import ExitCode, UsageError
from exarp.store.state_folder import StateFolder, file_stem, printable

from .stream import HOSTILE, python, said, tell


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_prepare_makes_the_folder_for_its_owner_only(tmp_path: Path) -> None:
    folder = StateFolder(str(tmp_path))
    assert not os.path.exists(folder.path)
    folder.prepare()
    assert mode(folder.path) == 0o700
    assert sorted(os.listdir(folder.path)) == [".gitignore", "CACHEDIR.TAG"]
    assert {mode(f"{folder.path}/{name}") for name in os.listdir(folder.path)} == {0o600}
    tag = Path(folder.path, "CACHEDIR.TAG").read_bytes()
    assert tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")


def test_git_sees_nothing_of_it_but_the_configuration(folder: StateFolder) -> None:
    for name in ("config.yaml", "store.db", "lock", "logs/r1/a.1.log"):
        Path(folder.path, name).parent.mkdir(exist_ok=True, parents=True)
        Path(folder.path, name).touch()
    subprocess.run(["git", "init", "-q"], cwd=folder.root, check=True)
    seen = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=folder.root, check=True, capture_output=True, text=True
    )
    assert seen.stdout.split() == ["??", ".exarp/config.yaml"]


def test_prepare_again_keeps_what_a_person_has_written(folder: StateFolder) -> None:
    mine = Path(folder.path, ".gitignore")
    mine.write_text("*\n")
    folder.prepare()
    assert mine.read_text() == "*\n"


def test_a_folder_that_git_has_made_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / ".exarp").mkdir()
    os.chmod(tmp_path / ".exarp", 0o755)
    StateFolder(str(tmp_path)).prepare()
    assert mode(str(tmp_path / ".exarp")) == 0o700


PREPARER = """
import os, sys
from exarp.store.state_folder import StateFolder
print("ready", flush=True); sys.stdin.readline()
for n in range(50):
    os.makedirs(f"{sys.argv[1]}/{n}", exist_ok=True)
    StateFolder(f"{sys.argv[1]}/{n}").prepare()
print("done", flush=True)
"""


def test_processes_that_prepare_at_once_all_succeed_and_leave_no_draft(tmp_path: Path) -> None:
    with python(PREPARER, str(tmp_path)) as one, python(PREPARER, str(tmp_path)) as two:
        for process in (one, two):
            assert said(process) == "ready"
        for process in (one, two):
            tell(process)
        assert (said(one), said(two)) == ("done", "done")
    assert {tuple(sorted(os.listdir(tmp_path / str(n) / ".exarp"))) for n in range(50)} == {
        (".gitignore", "CACHEDIR.TAG")
    }


def test_a_file_in_its_place_is_named_with_the_reason_and_the_next_step(tmp_path: Path) -> None:
    (tmp_path / ".exarp").write_text("")
    with pytest.raises(UsageError) as caught:
        StateFolder(str(tmp_path)).prepare()
    problem = caught.value.problems[0]
    assert caught.value.exit_code == ExitCode.USAGE
    assert problem.slug == "state-folder"
    assert problem.message == f"cannot use {tmp_path}/.exarp: it is there, and is not a folder"
    assert "folder you can write to" in problem.next


def test_a_place_where_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere/\.exarp: No such file or directory"):
        StateFolder(str(tmp_path / "nowhere")).prepare()


def test_a_hostile_folder_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        StateFolder(str(tmp_path / "\x1b[2J\udcff")).prepare()
    assert caught.value.problems[0].message.isprintable()
    assert printable("a\x1b\udcff\n") == r"a\x1b\udcff\n"


def test_a_later_change_of_directory_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = StateFolder(".")
    monkeypatch.chdir("/")
    assert folder.database == str(tmp_path / ".exarp" / "store.db")


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("build", "build.3.log"),
        ("cc@src/parser.c", "cc@src%2Fparser.c.3.log"),
        ("ui:build", "ui%3Abuild.3.log"),
        ("..", "%2E..3.log"),
        ("-rf", "%2Drf.3.log"),
        ("a%2fb", "a%252fb.3.log"),
        ("a b\n", "a%20b%0A.3.log"),
        ("Build", "Build~4b0f9f4e1d5a.3.log"),
        ("größe", "größe~4b0f9f4e1d5a.3.log"),
    ],
)
def test_a_log_is_named_after_its_task(task: str, name: str) -> None:
    path = StateFolder("/w").log_path("r1", task, 3)
    assert os.path.dirname(path) == "/w/.exarp/logs/r1"
    shown = os.path.basename(path)
    if "~" in name:
        # The digits are the hash's business.
        shown, name = shown.split("~")[0] + shown[-6:], name.split("~")[0] + name[-6:]
    assert shown == name


def test_a_run_cannot_name_a_folder_outside_the_logs() -> None:
    assert StateFolder("/w").log_folder("../../etc") == "/w/.exarp/logs/%2E.%2F..%2Fetc"


def test_long_names_are_cut_and_still_differ() -> None:
    one, two = file_stem("x" * 500 + "1"), file_stem("x" * 500 + "2")
    assert one != two
    assert len(one) == len(two) == 200
    assert len(file_stem("x" * 200)) == 200
    assert "~" not in file_stem("x" * 200)


@given(name=HOSTILE | st.text("aA%/é構", min_size=60, max_size=300))
def test_a_stem_is_a_safe_file_name_of_at_most_200_bytes(name: str) -> None:
    stem = file_stem(name)
    assert len(stem.encode()) <= 200
    assert stem.isprintable()
    assert not set(stem) & set("/\\:*?\"<>| \t'$`;&")
    assert not stem.startswith((".", "-"))
    assert all(len(escape) >= 2 and int(escape[:2], 16) >= 0 for escape in stem.split("%")[1:])


@given(one=HOSTILE, two=HOSTILE)
@example("build", "Build")
@example("é", "e\u0301")
@example("straße", "strasse")
@example("a/b", "a%2Fb")
@example("build~0123456789ab", "build")
def test_different_names_have_different_stems_where_case_and_form_are_folded(one: str, two: str) -> None:
    def folded(stem: str) -> str:
        return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", stem).casefold())

    assert (folded(file_stem(one)) == folded(file_stem(two))) == (one == two)


def test_log_folders_are_made_for_their_owner_only(folder: StateFolder) -> None:
    made = folder.make_log_folder("20260701T120000Z-1")
    assert made == folder.make_log_folder("20260701T120000Z-1") == folder.log_folder("20260701T120000Z-1")
    assert (mode(made), mode(folder.logs)) == (0o700, 0o700)
    Path(folder.log_path("20260701T120000Z-1", "a", 1)).write_text("text")


def test_a_log_folder_that_cannot_be_made_is_named(folder: StateFolder) -> None:
    Path(folder.logs).write_text("")
    with pytest.raises(UsageError, match="logs"):
        folder.make_log_folder("r1")


def test_pruning_removes_the_logs_of_all_other_runs_and_follows_no_link(folder: StateFolder, tmp_path: Path) -> None:
    for run in ("R1", "R2", "R3", "3", "5"):
        folder.make_log_folder(run)
        Path(folder.log_path(run, "a", 1)).write_text("text")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("text")
    os.symlink(tmp_path / "mine", f"{folder.logs}/link")
    folder.prune_logs({"R2", "R9"}, 4)
    # Another process may have begun run 5 meanwhile.
    assert sorted(os.listdir(folder.logs)) == ["5", "R2", "link"]
    assert os.path.exists(folder.log_path("R2", "a", 1))
    assert (tmp_path / "mine" / "file").exists()


def test_pruning_without_logs_does_nothing(folder: StateFolder) -> None:
    folder.prune_logs(set(), 1)
    assert not os.path.exists(folder.logs)
