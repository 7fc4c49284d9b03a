"""How an exarp is killed, and when: by the clock, as its database grows, or at a system call of a kind (``strace``).

Knows how to run a command so that it meets SIGKILL at such a moment. Does not know what it does there, nor what must hold
afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

# So long exarp takes until it begins with the first task, in seconds, about.
OPENING = 0.25
# Between two looks at a file that is to grow, in seconds.
_LOOK = 0.0002
# Nothing here takes as long, in seconds.
LIMIT = 120
# System calls by which files come, go, and are changed otherwise than by being written to.
_FILES = "rename,unlink,unlinkat,mkdir,rmdir,symlink,chmod,fchmod,utimensat,ftruncate"
# So many of each kind a task takes, and a run besides, about: what is more is never reached.
_WRITES, _WRITES_ONCE = 5, 40
_CHANGES, _CHANGES_ONCE = 1, 15
# What ends within 20 ms is committed together.
_TASKS_A_COMMIT = 6
# Of so many one fails.
_TASKS_AN_AGENT = 25


@dataclass(frozen=True)
class Call:
    """exarp, called. ``seconds`` that it will take if it is left alone, ``tasks`` that it has to do, both about."""

    argv: list[str]
    folder: Path
    variables: Mapping[str, str]
    seconds: float
    tasks: int


@dataclass(frozen=True)
class End:
    """How it ended: whether it was killed, else its exit code, and what it said."""

    killed: bool
    code: int
    said: str


Moment = Callable[[Call, Random], End]


def to_its_end(call: Call) -> End:
    """Nobody kills it."""
    return _waited_for(_Running(call), LIMIT)


def at_any_time(call: Call, chance: Random) -> End:
    """Somewhere between its first moment and what should be its last."""
    return _waited_for(_Running(call), chance.uniform(0, call.seconds))


def while_it_opens(call: Call, chance: Random) -> End:
    """Before it begins with the first task, or hardly later: orphans are ended, the database is opened, the plan is made."""
    return _waited_for(_Running(call), chance.uniform(0, OPENING))


def as_the_database_grows(call: Call, chance: Random) -> End:
    """At the moment in which the database's log is seen to grow, for the n-th time."""
    return _as_it_grows(
        call, call.folder / ".exarp" / "store.db-wal", chance.randrange(1, 2 + call.tasks // _TASKS_A_COMMIT)
    )


def while_an_agent_works(call: Call, chance: Random) -> End:
    """As soon as an agent is seen to have begun, for the n-th time; agents tell of it in the file that ``AGENTS`` names."""
    return _as_it_grows(call, Path(call.variables["AGENTS"]), chance.randrange(1, 3 + call.tasks // _TASKS_AN_AGENT))


def _as_it_grows(call: Call, path: Path, left: int) -> End:
    """At the moment in which a file is seen to grow for so many times."""
    size = _size(path)
    running = _Running(call)
    until = time.monotonic() + LIMIT
    while running.process.poll() is None and time.monotonic() < until:
        now = _size(path)
        left -= now > size
        size = now
        if not left:
            break
        time.sleep(_LOOK)
    return _waited_for(running, 0)


def in_a_commit(call: Call, chance: Random) -> End:
    """Instead of the n-th write to the database: between the parts of what is committed."""
    return _traced(call, "pwrite64", chance.randrange(1, call.tasks * _WRITES + _WRITES_ONCE))


def at_a_file(call: Call, chance: Random) -> End:
    """Instead of the n-th renaming, removing, making of a folder, or other change that is no writing."""
    return _traced(call, _FILES, chance.randrange(1, call.tasks * _CHANGES + _CHANGES_ONCE))


def moments() -> dict[str, Moment]:
    """All that this machine can do, by name."""
    found: dict[str, Moment] = {
        "at any time": at_any_time,
        "while it opens": while_it_opens,
        "as the database grows": as_the_database_grows,
    }
    if shutil.which("strace") is not None:
        found |= {"in a commit": in_a_commit, "at a file": at_a_file}
    return found


def _traced(call: Call, calls: str, number: int) -> End:
    tracer = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={calls}"]
    tracer += ["-e", f"inject={calls}:signal=SIGKILL:when={number}"]
    traced = Call([*tracer, *call.argv], call.folder, call.variables, call.seconds, call.tasks)
    return _waited_for(_Running(traced), LIMIT)


class _Running:
    """What it says goes to a file: tasks that outlive it would hold a pipe open."""

    def __init__(self, call: Call) -> None:
        descriptor, self._path = tempfile.mkstemp(prefix="exarp-kills-")
        try:
            self.process = subprocess.Popen(
                call.argv,
                cwd=call.folder,
                env=dict(call.variables),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
            )
        finally:
            os.close(descriptor)

    def said(self) -> str:
        """What it has said; it can be asked once."""
        text = Path(self._path).read_text(errors="replace")
        os.unlink(self._path)
        return text


def _waited_for(running: _Running, seconds: float) -> End:
    """How it ended; killed after so many seconds."""
    process = running.process
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return End(process.returncode == -9, process.returncode, running.said())


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
