"""The user's end of a terminal, on which a small shell runs one program."""

from __future__ import annotations

import codecs
import os
import select
import subprocess
import sys
from pathlib import Path

import exarp


class Screen:
    """What a person sees and types; ``argv`` is run by the shell of ``job_control_shell``, in ``folder``."""

    def __init__(self, folder: Path, *argv: str, env: dict[str, str] | None = None) -> None:
        self._fd, terminal = os.openpty()
        shell = str(Path(__file__).with_name("job_control_shell.py"))
        env = {**(env or os.environ), "PYTHONPATH": str(Path(exarp.__file__).parents[1])}
        self._shell = subprocess.Popen(
            [sys.executable, shell, *argv],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            cwd=folder,
            env=env,
        )
        os.close(terminal)
        self._seen = ""
        # A read may end in the midst of a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def until(self, text: str) -> str:
        """Wait for a text; all that was shown since the last time."""
        while text not in self._seen:
            ready, _, _ = select.select([self._fd], [], [], 20)
            assert ready, f"waited for {text!r}, got {self._seen!r}"
            self._seen += self._decoder.decode(os.read(self._fd, 4096)).replace("\r\n", "\n")
        shown, _, self._seen = self._seen.partition(text)
        return shown

    def shows(self, text: str) -> bool:
        """Whether a text comes, sooner or later."""
        try:
            self.until(text)
        except (AssertionError, OSError):
            # The terminal's other end may be gone: whoever asks shows what was seen.
            return False
        return True

    def __repr__(self) -> str:
        return f"a screen with {self._seen!r}"

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._fd)
