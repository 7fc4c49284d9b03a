"""What is detected, and what is said where something is missing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exarp.hosts import mechanisms
from exarp.hosts.mechanisms import Mechanisms, detect

from .screen import Screen


def test_on_this_linux_everything_is_there() -> None:
    found = detect()
    assert (found.pidfds, found.adoption, found.table) == (True, True, True)


DETECT = (sys.executable, "-c", "from exarp.hosts.mechanisms import detect; print(detect().groups)")


def test_without_a_controlling_terminal_a_group_sets_a_command_apart() -> None:
    told = subprocess.run(DETECT, start_new_session=True, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert told.stdout == b"True\n"


@pytest.mark.parametrize("program", [DETECT, ("sh", "-c", '"$@" < /dev/null 2> /dev/null | cat', "", *DETECT)])
def test_beside_a_controlling_terminal_it_takes_a_session(tmp_path: Path, program: tuple[str, ...]) -> None:
    screen = Screen(tmp_path, *program)
    assert screen.shows("False")
    screen.close()


def test_where_orphans_are_not_adopted_it_takes_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mechanisms, "has_controlling_terminal", lambda stat: False)
    monkeypatch.setattr(mechanisms, "children_file", lambda: "/proc/none")
    assert not detect().groups


def test_a_python_without_pidfds_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert not detect().pidfds


def test_a_sandbox_that_refuses_pidfds_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise PermissionError(errno.EPERM, "refused")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert not detect().pidfds


def test_a_system_that_is_not_linux_adopts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not detect().adoption


def test_a_kernel_without_the_list_of_children_adopts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mechanisms, "children_file", lambda: "/proc/none")
    assert not detect().adoption


def test_every_missing_mechanism_has_its_sentence() -> None:
    assert len(Mechanisms(pidfds=False, adoption=True, table=True).limits) == 0
    assert len(Mechanisms(pidfds=True, adoption=False, table=True).limits) == 1
    assert len(Mechanisms(pidfds=True, adoption=False, table=False).limits) == 2
