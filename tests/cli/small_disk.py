"""A disk that is soon full: a tmpfs in a mount namespace of its own, which whoever may make one can use without being root."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import environment

# Until nobody writes to it any more.
_HOLD = 'mount -t tmpfs -o size="$1" none "$2" && echo mounted && read _'


class SmallDisk:
    """A disk of some size (as ``mount`` has it) at a folder, seen by who is in the namespace of process ``pid``."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._pid, self._folder = pid, folder

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command that sees the disk."""
        return subprocess.run(
            ["nsenter", "-t", str(self._pid), "-U", "-m", "--preserve-credentials", "--", *words],
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def exarp(self, folder: Path, *words: str, cache: bool = False) -> subprocess.CompletedProcess[str]:
        """Run exarp as if it were called in a folder."""
        env = {"EXARP_CACHE": ""} if cache else {}
        done = self.run(sys.executable, "-m", "exarp", "-C", str(folder), *words, env=env)
        # Whatever it is, it is no surprise.
        assert done.returncode in (0, 1, 2), done.stderr
        assert "Traceback" not in done.stderr
        return done

    def remount(self, options: str) -> None:
        """Give the disk another size, or make it read-only."""
        done = self.run("mount", "-o", f"remount,{options}", "none", str(self._folder))
        assert done.returncode == 0, done.stderr

    def seen(self, path: Path) -> Path:
        """The path by which a file on the disk is found from outside."""
        return Path(f"/proc/{self._pid}/root{path}")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """A disk at a folder, which is made; the test is skipped where nobody may mount anything."""
    if not _may_mount():
        pytest.skip("no mount namespaces here (unshare -rm, nsenter)")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _holder(size, str(folder)) as process:
        yield SmallDisk(process.pid, folder)


@contextmanager
def _holder(size: str, folder: str) -> Iterator[subprocess.Popen[str]]:
    words = ["unshare", "-rm", "sh", "-c", _HOLD, "sh", size, folder]
    with subprocess.Popen(words, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "mounted\n":
            raise OSError("it cannot be mounted")
        yield process
        process.stdin.close()


@functools.cache
def _may_mount() -> bool:
    try:
        with _holder("16k", "/tmp") as process:
            return SmallDisk(process.pid, Path("/tmp")).run("true").returncode == 0
    except OSError:
        return False
