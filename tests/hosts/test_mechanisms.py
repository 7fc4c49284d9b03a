"""What is detected, and what is said where something is missing."""

from __future__ import annotations

import errno
import os

import pytest

from exarp.hosts import mechanisms
from exarp.hosts.mechanisms import Mechanisms, detect


def test_on_this_linux_everything_is_there() -> None:
    assert detect() == Mechanisms(pidfds=True, adoption=True, table=True)


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
