"""Launches with a marker in their environment, so that a test can prove that nothing of it survived."""

from __future__ import annotations

import os
import resource
import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from exarp.hosts.local import LocalHost
from exarp.model.launch import Launch

from .processes import VARIABLE, MakeLaunch, survivors, zombies


@pytest.fixture
def marker() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def launch(tmp_path: Path, marker: str) -> MakeLaunch:
    """Makes launches: commands as argument vectors, or one script; keys count from 1."""
    keys = count(1)
    env = {"PATH": os.environ["PATH"], VARIABLE: marker}

    def make(*commands: str | tuple[str, ...], **changes: Any) -> Launch:
        key = next(keys)
        vectors = tuple(("sh", "-c", command) if isinstance(command, str) else command for command in commands)
        defaults = {"label": f"t{key}", "env": env, "cwd": str(tmp_path), "log": str(tmp_path / f"{key}.log")}
        return Launch(key=key, commands=vectors, **{**defaults, **changes})

    return make


@pytest.fixture
def host(marker: str, tmp_path: Path) -> Iterator[LocalHost]:
    """A local host with short graces; afterwards nothing of the test is left, dead or alive."""
    with LocalHost(marker, grace=0.3, leftover_grace=0.3) as host:
        yield host
    assert survivors(marker, tmp_path) == []
    assert zombies() == []


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """This process may open about fifty descriptors more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 50, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
