"""Children that were adopted: none is overlooked, and each is known by its attempt or left to whom it belongs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from exarp.hosts import children as module
from exarp.hosts.children import MARK, Children, reap
from exarp.hosts.process_tree import read_proc

from . import processes

# Starts as many processes as it is told, tells their numbers, and leaves them.
_LEAVES = """
import os, subprocess, sys
left = [subprocess.Popen(["sleep", "300"], stdout=subprocess.DEVNULL, start_new_session=True) for _ in range(int(sys.argv[1]))]
print(*(process.pid for process in left), flush=True)
os._exit(0)
"""

# A process with a child of its own; both have left their session.
_LEAVES_TWO = """
import os, signal
if os.fork():
    os._exit(0)
os.setsid()
below = os.fork()
if below:
    print(os.getpid(), below, flush=True)
os.close(1)
signal.pause()
"""


@pytest.fixture
def run() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def children(run: str) -> Iterator[Children]:
    """Adopting; afterwards every child that is left is killed and reaped."""
    children = Children(run, adopt=True)
    yield children
    children.close()
    for pid in processes.children():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def leave(mark: str, program: str, *arguments: str) -> list[int]:
    """Run a program that leaves processes; their numbers, as it tells them."""
    argv = [sys.executable, "-c", program, *arguments]
    told = subprocess.run(argv, env={**os.environ, MARK: mark}, stdout=subprocess.PIPE, text=True, check=True)
    return [int(pid) for pid in told.stdout.split()]


def test_orphans_are_known_by_their_mark(children: Children) -> None:
    mine = leave(children.mark(7), _LEAVES, "2")
    others = leave(children.mark(8), _LEAVES, "1")
    children.look()
    assert sorted(children.adopted_from(7)) == sorted(mine)
    assert children.adopted_from(8) == others


def test_one_look_sees_more_orphans_than_a_page_holds(children: Children) -> None:
    left = leave(children.mark(7), _LEAVES, "800")
    children.look()
    assert sorted(children.adopted_from(7)) == sorted(left)


def test_what_an_orphan_leaves_that_dies_during_a_look_is_seen_by_the_same_look(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    above, below = leave(children.mark(7), _LEAVES_TWO)
    look_at_mark = module._mark_of

    def dies_before(pid: int) -> bytes:
        mark = look_at_mark(pid)
        if pid == above:
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return mark

    monkeypatch.setattr(module, "_mark_of", dies_before)
    children.look()
    assert children.adopted_from(7) == [below]


def test_an_orphan_that_is_just_replacing_its_program_is_waited_for(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    (left,) = leave(children.mark(7), _LEAVES, "1")
    looks = iter([True, True, False])
    replacing = True

    def is_replacing(pid: int) -> bool:
        nonlocal replacing
        replacing = next(looks, False)
        return replacing

    monkeypatch.setattr(module, "is_replacing_program", is_replacing)
    monkeypatch.setattr(module, "read_proc", lambda pid, entry: b"" if replacing else read_proc(pid, entry))
    children.look()
    assert children.adopted_from(7) == [left]


def test_another_runs_orphans_are_not_ours(children: Children) -> None:
    leave("another-run:7", _LEAVES, "1")
    children.started(0, 1)
    children.reaped(0)
    children.look()
    assert (children.adopted_from(1), children.unspared()) == ([], [])


def test_a_dead_orphan_is_reaped_by_the_next_look(children: Children) -> None:
    (left,) = leave(children.mark(7), _LEAVES, "1")
    children.look()
    os.kill(left, signal.SIGKILL)
    os.waitid(os.P_PID, left, os.WEXITED | os.WNOWAIT)
    children.look()
    assert children.adopted_from(7) == []
    assert reap(left)
    assert processes.children() == []


def test_what_a_spared_attempt_left_is_not_among_the_unspared(children: Children) -> None:
    leave(children.mark(7), _LEAVES, "1")
    other = leave(children.mark(8), _LEAVES, "1")
    children.look()
    children.over(7, [], spare=True)
    children.over(8, [], spare=False)
    assert children.unspared() == other
