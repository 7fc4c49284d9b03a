"""How many attempts a process may have at once, and that so many do fit."""

from __future__ import annotations

import os
import resource

from exarp.hosts.descriptors import Room
from exarp.hosts.local import LocalHost

from .processes import MakeLaunch, exits


def test_as_many_attempts_fit_as_are_told(host: LocalHost, launch: MakeLaunch, few_descriptors: None) -> None:
    room = Room()
    assert room.limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert room.attempts is not None
    assert room.attempts >= 4
    keys = range(1, room.attempts + 1)
    for _ in keys:
        host.start(launch("echo hello; true", "echo again"))
    assert [exited.error for exited in exits(host, *keys).values()] == [""] * room.attempts


def test_one_attempt_is_always_tried(few_descriptors: None) -> None:
    held = [os.dup(0) for _ in range(40)]
    try:
        assert Room().attempts == 1
    finally:
        for descriptor in held:
            os.close(descriptor)
