"""What attempts print: in which order it comes, what reaches the log, and what never holds a run up."""

from __future__ import annotations

import errno
import os
import resource
import sys
from pathlib import Path

import pytest

from exarp.hosts.local import LocalHost
from exarp.model.launch import Exited

from .processes import VARIABLE, MakeLaunch, children, exits, history, output


def test_both_streams_come_in_the_order_they_were_written(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    host.start(launch("for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done"))
    expected = "".join(f"out{i}\nerr{i}\n" for i in range(1, 6)).encode()
    assert output(history(host, 1), 1) == expected
    assert (tmp_path / "1.log").read_bytes() == expected


def test_ten_megabytes_arrive_whole(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    host.start(launch((sys.executable, "-c", "import sys; sys.stdout.write('0123456789abcde\\n' * 655360)")))
    expected = b"0123456789abcde\n" * 655360
    assert output(history(host, 1), 1) == expected
    assert (tmp_path / "1.log").read_bytes() == expected


def test_more_than_a_pipe_holds_is_complete_when_the_exit_is_told(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("head -c 200000 /dev/zero; printf end; exit 5"))
    told = history(host, 1)
    assert output(told, 1) == bytes(200000) + b"end"
    assert isinstance(told[-1], Exited)
    assert told[-1].status == 5


def test_the_log_is_capped_but_everything_is_told(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    host.start(launch("seq 1 20000", log_limit=1001))
    told = history(host, 1)
    everything = "".join(f"{i}\n" for i in range(1, 20001)).encode()
    assert output(told, 1) == everything
    left_out = len(everything) - 1001
    assert isinstance(told[-1], Exited)
    assert told[-1].cut == left_out
    note = f"[... {left_out} bytes left out ...]\n".encode()
    assert (tmp_path / "1.log").read_bytes() == everything[:500] + note + everything[-501:]


def test_the_log_can_be_read_by_nobody_else(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    host.start(launch("echo secret"))
    exits(host, 1)
    assert (tmp_path / "1.log").stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_is_a_fault_and_the_attempt_goes_on(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("echo one; echo two", log="/proc/none/1.log"))
    told = history(host, 1)
    assert output(told, 1) == b"one\ntwo\n"
    assert isinstance(told[-1], Exited)
    assert (told[-1].status, told[-1].logged) == (0, False)
    assert host.faults == ["t1: the log /proc/none/1.log is not complete: No such file or directory"]


def test_a_full_disk_is_a_fault_and_the_attempt_goes_on(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("head -c 300000 /dev/zero", log="/dev/full"))
    told = history(host, 1)
    assert output(told, 1) == bytes(300000)
    assert isinstance(told[-1], Exited)
    assert told[-1].status == 0
    assert host.faults == ["t1: the log /dev/full is not complete: No space left on device"]


def test_commands_run_one_after_the_other_into_one_log(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    host.start(launch("echo one", "echo two; exit 4", "echo three"))
    told = history(host, 1)
    assert isinstance(told[-1], Exited)
    assert told[-1].status == 4
    assert (tmp_path / "1.log").read_bytes() == b"one\ntwo\n"


def test_a_later_command_can_be_refused(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("true", ("no-such-program",), "true"))
    exited = exits(host, 1)[1]
    assert (exited.status, exited.error) == (127, "no-such-program: command not found")


def test_no_command_is_a_success(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch())
    assert exits(host, 1)[1].status == 0


def test_the_exit_does_not_wait_for_a_grandchild_that_holds_the_pipe(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("sleep 300 & echo done"))
    told = history(host, 1)
    assert output(told, 1) == b"done\n"
    assert isinstance(told[-1], Exited)
    assert (told[-1].status, len(told[-1].ended), told[-1].seconds < 5) == (0, 1, True)


def test_a_grandchild_that_floods_the_pipe_does_not_hold_the_exit_up(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("yes & exit 2"))
    assert exits(host, 1)[1].status == 2


def test_who_closes_its_output_is_still_waited_for(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    host.start(launch("exec >&- 2>&-; read x < fifo; exit 6"))
    assert host.wait(0.1) == []
    with open(tmp_path / "fifo", "w") as fifo:
        fifo.write("go\n")
    assert exits(host, 1)[1].status == 6


_LIST_DESCRIPTORS = """
import os
here = "/proc/self/fd/"
open_now = [fd for fd in sorted(os.listdir(here)) if os.path.exists(here + fd)]
open("seen", "w").write(" ".join(open_now))
"""


@pytest.mark.parametrize("streams", ["captured", "inherited", "foreground"])
def test_a_child_has_no_descriptors_but_its_three(
    marker: str, launch: MakeLaunch, streams: str, tmp_path: Path
) -> None:
    kept_open = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(kept_open, True)
    try:
        with LocalHost(marker, grace=0.3) as host:
            host.start(launch((sys.executable, "-c", _LIST_DESCRIPTORS), streams=streams))
            exits(host, 1)
    finally:
        os.close(kept_open)
    assert (tmp_path / "seen").read_text().split() == ["0", "1", "2"]


def test_standard_input_is_empty(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("readlink /proc/self/fd/0; cat"))
    assert output(history(host, 1), 1) == b"/dev/null\n"


def test_inherited_streams_are_those_of_exarp_but_its_input(
    host: LocalHost, launch: MakeLaunch, capfd: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    own_input = os.dup(0)
    os.dup2(reader, 0)
    try:
        host.start(launch("readlink /proc/self/fd/0; echo to err >&2", streams="inherited"))
        exits(host, 1)
    finally:
        os.dup2(own_input, 0)
        for fd in (reader, writer, own_input):
            os.close(fd)
    assert capfd.readouterr() == ("/dev/null\n", "to err\n")


@pytest.mark.parametrize(
    ("argv", "status", "error"),
    [
        (("no-such-program",), 127, "no-such-program: command not found"),
        (("./no-such-file",), 127, "./no-such-file: No such file or directory"),
        (("./plain",), 126, "./plain: Permission denied"),
        (("./folder",), 126, "./folder: Permission denied"),
        (("./strange",), 127, "./strange: the interpreter that its first line names does not exist"),
        (("./garbage",), 126, "./garbage: Exec format error"),
        ((), 127, "the command is empty"),
        (("",), 127, "the command is empty"),
        (("echo", "a\0b"), 126, "echo: embedded null byte"),
        (("echo", "x" * 200_000), 126, "echo: Argument list too long"),
    ],
)
def test_what_cannot_be_executed_is_told_as_a_shell_would(
    host: LocalHost, launch: MakeLaunch, tmp_path: Path, argv: tuple[str, ...], status: int, error: str
) -> None:
    (tmp_path / "folder").mkdir()
    for name, text, mode in (("plain", "", 0o600), ("strange", "#!/no/such/sh\n", 0o700), ("garbage", "\1\2", 0o700)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    host.start(launch(argv))
    exited = exits(host, 1)[1]
    assert (exited.status, exited.signal, exited.error, exited.logged) == (status, None, error, False)


def test_a_folder_that_does_not_exist_is_named(host: LocalHost, launch: MakeLaunch, tmp_path: Path) -> None:
    host.start(launch("true", cwd=str(tmp_path / "absent")))
    exited = exits(host, 1)[1]
    assert (exited.status, exited.error) == (126, f"cannot enter {tmp_path}/absent: No such file or directory")


def test_a_bad_environment_is_told(host: LocalHost, launch: MakeLaunch) -> None:
    host.start(launch("true", env={"A=B": "c"}))
    exited = exits(host, 1)[1]
    assert (exited.status, exited.error) == (126, "sh: illegal environment variable name")


@pytest.mark.parametrize("taken", [0, 1])
def test_running_out_of_descriptors_is_told(
    host: LocalHost, launch: MakeLaunch, few_descriptors: None, taken: int
) -> None:
    # Each attempt keeps two: whoever is left with an odd one, or with none, can end them all the same.
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit - taken, hard))
    for _ in range(40):
        host.start(launch(("sleep", "300")))
    told = exits(host, 40)
    assert (told[40].status, told[40].error.endswith("Too many open files")) == (126, True)
    assert set(host.close()) == {"sleep"}


def test_an_attempt_whose_end_could_not_be_noticed_is_not_left_running(
    host: LocalHost, launch: MakeLaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pidfd_open", refuse)
    host.start(launch(("sleep", "300")))
    exited = exits(host, 1)[1]
    assert (exited.status, exited.error, exited.ended) == (126, "sleep: Too many open files", ())
    assert children() == []


def test_a_plain_command_takes_the_place_of_its_shell_where_it_can_be_executed(
    host: LocalHost, launch: MakeLaunch, tmp_path: Path
) -> None:
    (tmp_path / "no-first-line").write_text("echo by a shell, $0\n")
    (tmp_path / "no-first-line").chmod(0o755)
    host.start(launch("echo by a shell", plain=(("echo", "without"),)))
    assert output(history(host, 1), 1) == b"without\n"
    for program in ("./no-first-line", "./nowhere", "nowhere"):
        host.start(launch(f"{program} || echo $?", plain=((program,),)))
    told = history(host, 2, 3, 4)
    assert output(told, 2) == b"by a shell, ./no-first-line\n"
    assert b"not found" in output(told, 3)
    assert output(told, 4).endswith(b"\n127\n")


def test_programs_are_looked_up_in_the_path_of_the_task_and_stand_in_its_folder(
    host: LocalHost, launch: MakeLaunch, marker: str, tmp_path: Path
) -> None:
    here = os.getcwd()
    env = {"PATH": f"{tmp_path}/one:{tmp_path}/two:{os.environ['PATH']}", VARIABLE: marker}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    # A folder is no program.
    (tmp_path / "one/cat").mkdir()
    for key, name in enumerate(("two", "one"), 1):
        program = tmp_path / name / "where"
        program.write_text(f"#!/bin/sh\necho {name}; pwd -P\n")
        program.chmod(0o755)
        host.start(launch(("where",), env=env, cwd=str(tmp_path / "two")))
        assert output(history(host, key), key) == f"{name}\n{tmp_path / 'two'}\n".encode()
    host.start(launch(("cat", "one/where"), env=env))
    assert b"echo one" in output(history(host, 3), 3)
    assert os.getcwd() == here


def test_programs_are_started_although_the_folder_of_this_process_is_gone(
    marker: str, launch: MakeLaunch, tmp_path: Path
) -> None:
    here, gone = os.getcwd(), tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        with LocalHost(marker, grace=0.3) as host:
            host.start(launch(("pwd", "-P")))
            assert output(history(host, 1), 1) == f"{tmp_path}\n".encode()
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("commands", "step"), [(("true", "exit 3", "true"), 1), (("exit 3", "true"), 0), (("true", "true"), 1)]
)
def test_which_of_several_commands_was_the_last_is_told(
    host: LocalHost, launch: MakeLaunch, commands: tuple[str, ...], step: int
) -> None:
    host.start(launch(*commands))
    assert exits(host, 1)[1].step == step
