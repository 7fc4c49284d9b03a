"""The most memory that a command has at once, exactly, however short it lives.

Knows how the kernel accounts for it. A process that starts another passes its own resident size on to it (``ru_maxrss`` of a
child is never below that of the process that started it), so a small command must be started by a small program: here
``setsid --fork``, which then ends, and leaves the command to this process to be waited for. The detour takes time: seconds
are measured by cost.py, in another run. Linux, with util-linux.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cost import CommandFailed, TookTooLong, end_session, environment, failure_text, wait_until_ended

# <linux/prctl.h>: orphans of our descendants become our children.
PR_SET_CHILD_SUBREAPER = 36


def can_measure() -> bool:
    """Whether this machine has what it takes."""
    return sys.platform.startswith("linux") and shutil.which("setsid") is not None and _children_file().exists()


def peak_of(argv: Sequence[str], cwd: Path, limit: float | None = None) -> int:
    """Run ``argv`` in ``cwd``; KiB of the largest of its processes. Raises CommandFailed, TookTooLong."""
    with tempfile.TemporaryFile() as sink, _adopting():
        there = _children()
        subprocess.run(
            ("setsid", "--fork", *argv),
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            check=True,
        )
        # Something that a former command left behind may be a child of ours by now.
        (pid,) = _children() - there
        in_time = wait_until_ended(pid, limit)
        if not in_time:
            end_session(pid)
        _, status, usage = os.wait4(pid, 0)
        _reap_others()
        sink.seek(0)
        output = sink.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    if not in_time:
        raise TookTooLong(f"{' '.join(argv)}: more than {limit:.0f} s")
    if code:
        raise CommandFailed(failure_text(argv, code, cwd, output))
    return usage.ru_maxrss


def _children_file() -> Path:
    return Path(f"/proc/self/task/{threading.get_native_id()}/children")


def _children() -> set[int]:
    return {int(word) for word in _children_file().read_text().split()}


@contextmanager
def _adopting() -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _reap_others() -> None:
    """What the command left behind and has ended since."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
