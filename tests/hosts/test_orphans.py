"""What a killed run has left: found by its mark alone, and ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exarp.hosts.children import DAEMON, MARK
from exarp.hosts.orphans import end_orphans, find_orphans
from exarp.hosts.process_tree import read_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the machine has no table of environments")


@contextmanager
def process(script: str, **variables: str) -> Iterator[int]:
    """A shell that has said that it is ready."""
    env = {**os.environ, **variables}
    with subprocess.Popen(["sh", "-c", f"echo; {script}"], env=env, stdout=-1, start_new_session=True) as started:
        assert started.stdout is not None
        started.stdout.readline()
        try:
            yield started.pid
        finally:
            started.kill()


def test_only_what_has_the_mark_is_found() -> None:
    with (
        process("exec sleep 60", **{MARK: "7.a.b.1:3"}) as one,
        process("exec sleep 60", **{MARK: "1.1.1:2/7.a.c.1:3"}) as inside,
        process("exec sleep 60", **{MARK: "7.ab.b.1:3"}),
        process("exec sleep 60", **{MARK: "77.a.b.1:3"}),
        process("exec sleep 60", **{MARK: "7.a.b.1:4", DAEMON: "1"}),
        process("exec sleep 60"),
    ):
        assert {found.pid for found in find_orphans("7.a.")} == {one, inside}


def test_they_are_ended_also_those_that_do_not_want_to_and_those_that_are_stopped() -> None:
    with (
        process("exec sleep 60", **{MARK: "8.a.b.1:1"}) as one,
        process("kill -STOP $$; exec sleep 60", **{MARK: "8.a.b.1:2"}),
        process("(setsid sleep 60 &); exec sleep 60", **{MARK: "8.a.b.1:3"}),
        process("exec sleep 60", **{MARK: "8.b.b.1:4"}) as other,
    ):
        assert set(end_orphans("8.a.")) <= {"sleep", "sh", "setsid"}
        assert read_process(one) is None
        assert find_orphans("8.a.") == []
        assert read_process(other) is not None
        assert end_orphans("8.a.") == []


def test_what_ignores_the_first_signal_is_killed() -> None:
    with process("trap '' TERM; echo; while :; do sleep 1; done", **{MARK: "8.c.b.1:1"}) as stubborn:
        end_orphans("8.c.")
        assert read_process(stubborn) is None


def test_who_is_one_of_them_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with process("exec sleep 60", **{MARK: "9.a.b.1:1"}):
        monkeypatch.setenv(MARK, "9.a.b.1:1/12.c.d.2:3")
        assert find_orphans("9.a.") == []
