"""Job slots that are shared with real makes, cargos, and other exarps, above and below."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

import pytest

from .conftest import Result, Workspace, environment
from .most_at_once import MAKEFILE, most_at_once

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")

# Two targets that end only if they run at the same time: one opens a pipe to write to it, the other one to read from it.
MEETING = """
all: left right
left:
	@timeout 20 sh -c 'echo here > meeting'
right:
	@timeout 20 sh -c 'read said < meeting'
"""


def make(workspace: Workspace, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
    return Result(
        subprocess.run(
            ["make", *arguments],
            cwd=workspace.path,
            env={name: value for name, value in environment(env).items() if name not in ("MAKEFLAGS", "MFLAGS")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    )


@pytest.fixture
def meeting(workspace: Workspace) -> Workspace:
    workspace.write("meeting.mk", MEETING)
    os.mkfifo(workspace.path / "meeting")
    return workspace


@pytest.fixture
def compilers(workspace: Workspace) -> Workspace:
    """Makefiles, each of which starts another two, each with many compilers."""
    workspace.write("compilers.mk", MAKEFILE)
    workspace.write("log", "")
    return workspace


# -- below -----------------------------------------------------------------------------------------------------------


def test_makes_that_call_makes_run_no_more_at_once_than_there_are_jobs(compilers: Workspace) -> None:
    compilers.manifest("""
        [settings]
        jobs = 2
        [task.a]
        run = "make -s -f compilers.mk"
        [task.b]
        run = "make -s -f compilers.mk"
        [task.c]
        run = "make -s -f compilers.mk"
    """)
    done = compilers.exarp("run", "--all")

    assert done.code == 0, done.err
    most, count = most_at_once(compilers.read("log"))
    assert count == 3 * 12
    assert 1 <= most <= 2


def test_a_make_in_a_task_has_the_slots_that_no_other_task_wants(meeting: Workspace) -> None:
    meeting.manifest("""
        [settings]
        jobs = 2
        [task.a]
        run = "make -s -f meeting.mk"
    """)
    assert meeting.exarp("run", "a").code == 0


def test_a_task_waits_for_a_slot_that_a_make_has(meeting: Workspace) -> None:
    """Somebody who takes no slot waits until the make has both; what comes after that waits until one is given back."""
    os.mkfifo(meeting.path / "both")
    ends = "sleep 0.2; echo one of it ends >> log'"
    made = MEETING.replace("here > meeting'", f"here > meeting; {ends}")
    made = made.replace("said < meeting'", f"said < meeting; echo both > both; {ends}")
    meeting.write("meeting.mk", made)
    meeting.manifest("""
        [settings]
        jobs = 2
        [agents.default]
        run = "read said < both"
        [task.makes]
        run = "make -s -f meeting.mk; echo makes ends >> log"
        [task.gate]
        prompt = "wait"
        [task.waits]
        run = "echo waits begins >> log"
        needs = ["gate"]
    """)
    done = meeting.exarp("run", "--all")

    assert done.code == 0, done.err
    assert meeting.read("log").splitlines()[0] == "one of it ends"


def test_tokens_that_a_killed_make_had_come_back(meeting: Workspace) -> None:
    """The first make has both slots when it dies; the second one needs both again."""
    kills = "timeout 20 sh -c 'read said < meeting' && kill -9 $$PPID"
    made = MEETING.replace("timeout 20 sh -c 'read said < meeting'", kills)
    # The other one is still at work by then.
    meeting.write("dies.mk", made.replace("here > meeting'", "here > meeting; exec sleep 300'"))
    meeting.manifest("""
        [settings]
        jobs = 2
        [task.dies]
        run = "make -s -f dies.mk"
        allow_failure = true
        [task.lives]
        run = "make -s -f meeting.mk"
        after = ["dies"]
    """)
    done = meeting.exarp("run", "--all", "--json")

    assert done.code == 0, done.err
    outcomes = {task["task"]: (task["outcome"], task["signal"]) for task in done.json["tasks"]}
    assert outcomes["dies"][0] == "failed"
    assert outcomes["lives"] == ("passed", None)


SAYS = 'printf "%s" "${MAKEFLAGS-none}" > said'


@pytest.mark.parametrize(
    ("settings", "task", "caller", "said"),
    [
        ("", "", {}, " -j2 --jobserver-auth=50,51"),
        ("", "", {"MAKEFLAGS": "kw -- A=b"}, "kw -j2 --jobserver-auth=50,51 -- A=b"),
        ("clean_env = true", "", {"MAKEFLAGS": "k"}, " -j2 --jobserver-auth=50,51"),
        ("", 'env = { MAKEFLAGS = "-j7" }', {}, "-j7"),
        ("", "daemon = true", {}, "none"),
        ('jobserver = "none"', "", {}, "none"),
        ('jobserver = "none"', "", {"MAKEFLAGS": "k -j3 --jobserver-auth=3,4"}, "k"),
        ('jobserver = "none"', "", {"MAKEFLAGS": "-j8"}, "-j8"),
    ],
)
def test_what_a_command_is_told(
    workspace: Workspace, settings: str, task: str, caller: dict[str, str], said: str
) -> None:
    workspace.manifest(f"""
        [settings]
        jobs = 2
        {settings}
        [task.says]
        run = '{SAYS}'
        {task}
    """)
    assert workspace.exarp("run", "says", env=caller).code == 0
    assert workspace.read("said") == said


def test_neither_a_daemon_nor_a_service_has_the_pipe(workspace: Workspace) -> None:
    look = "for fd in 50 51; do if test -e /proc/self/fd/$fd; then echo $fd; fi; done"
    workspace.manifest(f"""
        [settings]
        jobs = 2
        [task.daemon]
        run = "({look}) > daemon; true"
        daemon = true
        [task.service]
        run = "({look}) > service; touch up; exec sleep 300"
        service = {{ ready = "test -e up" }}
        [task.user]
        run = "({look}) > user"
        needs = ["service", "daemon"]
    """)
    done = workspace.exarp("run", "user")

    assert done.code == 0, done.err
    assert (workspace.read("daemon"), workspace.read("service")) == ("", "")
    assert workspace.read("user") == "50\n51\n"


def test_a_fifo_where_that_is_wanted(workspace: Workspace) -> None:
    workspace.manifest(f"""
        [settings]
        jobs = 3
        jobserver = "fifo"
        [task.says]
        run = [
          '{SAYS}; fifo=${{MAKEFLAGS#*=fifo:}}; stat -c %a:%F "$fifo" > kind',
          'dd if="${{MAKEFLAGS#*=fifo:}}" of=tokens bs=1 count=2 2>/dev/null',
        ]
    """)
    assert workspace.exarp("run", "says").code == 0
    words, _, path = workspace.read("said").partition("fifo:")
    assert words == " -j3 --jobserver-auth="
    assert workspace.read("kind") == "600:fifo\n"
    assert workspace.read("tokens") == "++"
    assert path.startswith(f"{workspace.path}/.exarp/")
    assert not os.path.lexists(path)


def test_who_names_the_variable_is_up_to_date_all_the_same(workspace: Workspace) -> None:
    workspace.manifest(f"""
        [task.says]
        run = '{SAYS}'
        inputs = []
        outputs = ["said"]
    """)
    workspace.write("Makefile", "all:\n\t+exarp run says\n")
    assert "1 passed" in workspace.exarp("run", "says").err
    assert "up to date" in workspace.exarp("run", "says").err
    assert "up to date" in make(workspace, "-j3").err
    assert "1 passed" in workspace.exarp("run", "says", env={"MAKEFLAGS": "k"}).err


# -- above -----------------------------------------------------------------------------------------------------------


def test_exarps_below_a_make_share_its_slots(compilers: Workspace) -> None:
    tasks = "".join(f'[task.t{number}]\nrun = "make -s -f $WORK/compilers.mk LOG=$WORK/log"\n' for number in range(3))
    for folder in ("one", "two"):
        compilers.write(f"{folder}/exarp.toml", f"[settings]\njobs = 4\n{tasks}")
    compilers.write("Makefile", "all: one two\none two:\n\t+@exarp -C $@ run --all\n.PHONY: one two\n")
    done = make(compilers, "-j2", env={"WORK": str(compilers.path)})

    assert done.code == 0, done.err
    assert "note" not in done.err
    most, count = most_at_once(compilers.read("log"))
    assert count == 6 * 12
    assert 1 <= most <= 2


def test_below_a_make_more_than_one_task_runs_where_there_are_slots(meeting: Workspace) -> None:
    meeting.manifest("""
        [settings]
        jobs = 4
        [task.left]
        run = "timeout 20 sh -c 'echo here > meeting'"
        [task.right]
        run = "timeout 20 sh -c 'read said < meeting'"
    """)
    meeting.write("Makefile", "all:\n\t+@exarp run --all\n")

    assert make(meeting, "-j2").code == 0


@pytest.mark.parametrize("signal", ["INT", "TERM", "HUP"])
def test_whatever_ends_exarp_its_tokens_go_back(meeting: Workspace, signal: str) -> None:
    """It has both slots when it is ended; then a make needs both."""
    meeting.manifest(f"""
        [settings]
        jobs = 2
        [task.left]
        run = "echo here > meeting; exec sleep 300"
        [task.right]
        run = "read said < meeting; kill -{signal} $PPID; exec sleep 300"
    """)
    meeting.write("Makefile", "all:\n\t+@exarp run --all || echo $$? > code; $(MAKE) -f meeting.mk\n")
    done = make(meeting, "-j2")

    assert done.code == 0, done.err
    assert meeting.read("code") == f"{ {'INT': 130, 'TERM': 143, 'HUP': 129}[signal] }\n"


def test_a_defect_of_exarp_leaves_no_token_behind(meeting: Workspace) -> None:
    meeting.manifest("""
        [settings]
        jobs = 2
        [task.left]
        run = "echo here > meeting"
        [task.right]
        run = "read said < meeting"
    """)
    meeting.write(
        "broken.py",
        "from exarp.app.running.driver import Driver\nfrom exarp.door import main\n"
        "def broken(self, exited):\n    raise RuntimeError('broken')\n"
        "Driver._exited = broken\nraise SystemExit(main())\n",
    )
    meeting.write("Makefile", "all:\n\t+@python broken.py run --all || echo $$? > code; $(MAKE) -f meeting.mk\n")
    done = make(meeting, "-j2", env={"TMPDIR": str(meeting.path)})

    assert done.code == 0, done.err
    assert meeting.read("code") == "70\n"


def test_a_jobserver_that_cannot_be_reached_is_told_once_and_exarp_has_its_own(meeting: Workspace) -> None:
    meeting.manifest("""
        [settings]
        jobs = 2
        [task.a]
        run = "make -s -f meeting.mk"
    """)
    meeting.write("Makefile", "all:\n\texarp run a\n")
    done = make(meeting, "-j3")

    assert done.code == 0, done.err
    assert done.err.count("note: MAKEFLAGS names a jobserver") == 1
    assert "put + before the command" in done.err
    assert "warning" not in done.err


def test_who_says_how_many_asks_nobody(workspace: Workspace) -> None:
    workspace.manifest(f"[task.says]\nrun = '{SAYS}'\n")
    workspace.write("Makefile", "all:\n\t+exarp run says -j5\n\texarp run says -j6 --force\n")
    done = make(workspace, "-j2")

    assert "note" not in done.err
    assert workspace.read("said") == " -j6 --jobserver-auth=50,51"


def test_an_exarp_in_a_task_shares_the_slots_of_the_outer_one(compilers: Workspace) -> None:
    inner = "".join(f'[task.t{number}]\nrun = "make -s -f ../compilers.mk LOG=../log"\n' for number in range(2))
    for folder in ("one", "two"):
        compilers.write(f"{folder}/exarp.toml", f"[settings]\njobs = 4\n{inner}")
    compilers.manifest("""
        [settings]
        jobs = 2
        [task.one]
        run = "exarp -C one run --all"
        [task.two]
        run = "exarp -C two run --all"
        [task.three]
        run = "make -s -f compilers.mk"
    """)
    done = compilers.exarp("run", "one", "two", "three")

    assert done.code == 0, done.err
    most, count = most_at_once(compilers.read("log"))
    assert count == 5 * 12
    assert 1 <= most <= 2


@pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no cargo here")
def test_cargo_takes_part(workspace: Workspace) -> None:
    workspace.write("Cargo.toml", '[package]\nname = "part"\nversion = "0.1.0"\nedition = "2021"\n')
    workspace.write("src/lib.rs", "")
    workspace.write(
        "build.rs",
        'fn main() { std::fs::write("told", std::env::var("CARGO_MAKEFLAGS").unwrap()).unwrap(); }\n',
    )
    workspace.manifest("""
        [settings]
        jobs = 2
        [task.build]
        run = "cargo build --offline --quiet"
    """)
    done = workspace.exarp("run", "build", env={"CARGO_HOME": str(workspace.path / "cargo")})

    assert done.code == 0, done.out
    assert "--jobserver-auth=50,51" in workspace.read("told")


@pytest.mark.parametrize("letter", ["n", "q", "t"])
def test_below_a_make_that_changes_nothing_nothing_is_changed(workspace: Workspace, letter: str) -> None:
    workspace.write("app.mk", "app: app.c\n\tcp app.c app\n")
    workspace.write("app.c", "1")
    workspace.manifest('[task.app]\ninputs = ["app.c"]\noutputs = ["app"]\nrun = "make -f app.mk app"\n')
    workspace.write(
        "Makefile", f"all:\n\t+{sys.executable} -m exarp run app\nclean:\n\t+{sys.executable} -m exarp clean\n"
    )
    assert workspace.exarp("run", "app").code == 0
    workspace.write("app.c", "2")

    for target in ("all", "clean"):
        made = subprocess.run(
            ["make", f"-{letter}", target],
            cwd=workspace.path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert "make was told to change nothing" in made.stderr, made
    assert workspace.read("app") == "1"
    os.utime(workspace.path / "app.c", (4e9, 4e9))
    assert workspace.exarp("run", "app").code == 0
    assert workspace.read("app") == "2"
