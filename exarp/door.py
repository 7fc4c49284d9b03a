"""The door: what is answered before click and everything behind it is loaded.

Knows the version, which platforms and interpreters exarp runs on, and how a signal ends exarp before the command line is
there to do it. Imports no layer until the door is passed.
"""

from __future__ import annotations

# Not ``signal``, which makes enumerations of its numbers: that takes longer than all the rest of the door.
import _signal  # type: ignore[import-not-found]
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    from exarp.glance import Asked
    from exarp.index import Part

# Objects that come about between two looks for circles of garbage, and how many looks at young ones come before one at older
# ones. A run makes hardly any circles, and lots of objects that stay: with Python's 700 looking took 7 % of its time.
_COLLECTING = (50_000, 20, 20)
_ENDING = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM")


def main() -> None:
    """Entry point of ``exarp``; ends the process with the command's exit code."""
    if sys.platform == "win32":
        sys.exit(
            "exarp does not run on Windows yet: it owns process trees through POSIX sessions and signals.\n"
            "Use it inside WSL: https://learn.microsoft.com/windows/wsl/install"
        )
    gc.set_threshold(*_COLLECTING)
    _on_signals(_end_at_once)
    sys.unraisablehook = _unraisable
    _open_streams()
    status = _answer(sys.argv[1:])
    # What is done has its status; a signal would be the end of the process instead.
    _on_signals(_signal.SIG_IGN)
    _leave(status)


def _leave(status: int) -> NoReturn:
    """End the process, at once: all is closed and written, and Python would free a hundred thousand tasks one by one."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(status)
    os._exit(status)


def _answer(arguments: list[str]) -> int:
    if arguments in (["--version"], ["-V"]) and _tell_version():
        return 0
    if arguments == ["list"]:
        from exarp.cli.plainly import list_plainly

        if list_plainly():
            return 0
    from exarp.glance import glance, understood

    asked = understood(arguments)
    if asked is not None:
        left = glance(asked)
        if left is True:
            return 0
        status = _run(asked, left or None, arguments)
        if status is not None:
            return status
    from exarp.cli.entry import run_cli

    return run_cli(arguments)


def _run(asked: Asked, left: Part | None, arguments: list[str]) -> int | None:
    """Run what is ``left``, or everything where that is not known; None where that takes what parses command lines."""
    if flags := os.environ.get("MAKEFLAGS"):
        from exarp.model.makeflags import only_pretends

        if only_pretends(flags):
            return None
    if left is not None:
        from exarp.cli.left import run_left

        status = run_left(left, arguments)
        if status is not None:
            return status
    from exarp.cli.whole import run_whole

    return run_whole(asked, arguments)


def _tell_version() -> bool:
    """Whether it could be written; if not, the command line knows what becomes of that."""
    from exarp import __version__

    try:
        sys.stdout.write(f"exarp {__version__}\n")
        sys.stdout.flush()
    except OSError:
        return False
    return True


def _on_signals(handler: Callable[[int, FrameType | None], None] | int) -> None:
    """What becomes of signals that end exarp. Those that were ignored when it was started stay ignored, as under nohup."""
    for name in _ENDING:
        signum = getattr(_signal, name)
        if _signal.getsignal(signum) != _signal.SIG_IGN:
            _signal.signal(signum, handler)


def _end_at_once(signum: int, frame: FrameType | None) -> None:
    """There is nothing to tidy up yet, and an exception would be a traceback wherever it is not expected."""
    os._exit(128 + signum)


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    """A signal may arrive in a callback whose exceptions Python prints and forgets; it ends exarp all the same."""
    if isinstance(lost.exc_value, KeyboardInterrupt):
        os._exit(130)
    if isinstance(lost.exc_value, SystemExit):
        os._exit(lost.exc_value.code if isinstance(lost.exc_value.code, int) else 1)
    sys.__unraisablehook__(lost)


def _open_streams() -> None:
    """A closed stdin, stdout or stderr becomes /dev/null: else the next file that is opened would take its place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")
