"""The command as a user calls it: a process, its two streams, its exit code."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fork_server import ForkServer

# What Python looks at when it starts, and what a fork cannot have: then exarp is started afresh.
_OF_STARTS = ("PYTHON", "LC_", "LANG", "LD_", "HOME", "COVERAGE")


class Result:
    """What a finished command left."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a newcomer: no colours forced, no outer run, the tests' own interpreter first in PATH.

    What is deleted is made anew: whoever wants it restored says ``EXARP_CACHE=""``.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EXARP_", "FORCE_", "NO_COLOR"))}
    kept.pop("CI", None)
    kept["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"EXARP_CACHE": "off"} | dict(extra or {})


class Workspace:
    """A folder with a manifest, and exarp called in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def manifest(self, text: str) -> None:
        self.write("exarp.toml", textwrap.dedent(text))

    def read(self, name: str) -> str:
        return (self.path / name).read_text()

    def exists(self, name: str) -> bool:
        return (self.path / name).exists()

    def exarp(self, *arguments: str, env: Mapping[str, str] | None = None, cwd: str | None = None) -> Result:
        """Run exarp to its end: forked from a process that has loaded it, unless ``env`` holds what only a start looks at."""
        folder = self.path / (cwd or "")
        if not any(name.startswith(_OF_STARTS) for name in env or ()):
            return Result(_fork_server().run(arguments, str(folder), environment(env), timeout=60))
        done = subprocess.run(
            [sys.executable, "-m", "exarp", *arguments],
            cwd=folder,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Result(done)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "exarp", *arguments],
            cwd=self.path,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )


@functools.cache
def _fork_server() -> ForkServer:
    return ForkServer()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / ".git").mkdir()  # the search for a manifest stops here
    return Workspace(tmp_path)
