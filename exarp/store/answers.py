"""Answers to a run's questions, from whichever process gives one first.

Knows where they lie (``.exarp/answers``, a file a question), and that the first one stays. Does not know what may be answered.
"""

from __future__ import annotations

import contextlib
import os

from exarp.store.state_folder import StateFolder, file_stem, folder_fault, make_folder


class Answers:
    """Of the workspace of ``folder``. ``run``: whose questions they are, where some are to be cleared; the ids of its questions
    begin with it."""

    def __init__(self, folder: StateFolder, run: str = "") -> None:
        self._run = run
        self._path = os.path.join(folder.path, "answers")

    def give(self, question: str, word: str) -> str:
        """Answer a question, if nobody has; the answer that counts. Raises UsageError ``state-folder``."""
        path = self._file(question)
        draft = f"{path}.{os.getpid()}"
        try:
            make_folder(self._path)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
                file.write(word)
            # Whole or not at all, and never over another one.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            os.unlink(draft)
        except OSError as error:
            raise folder_fault(self._path, error) from error
        return self.given(question) or word

    def given(self, question: str) -> str | None:
        """The answer to a question, if there is one. Raises nothing."""
        try:
            with open(self._file(question), encoding="utf-8") as file:
                return file.read()
        except (OSError, UnicodeError):
            return None

    def clear(self) -> None:
        """Forget them all: no question of the run is open."""
        with contextlib.suppress(OSError), os.scandir(self._path) as entries:
            for entry in entries:
                if not self._run or entry.name.startswith(f"{self._run}."):
                    os.unlink(entry.path)
        with contextlib.suppress(OSError):
            os.rmdir(self._path)

    def _file(self, question: str) -> str:
        return os.path.join(self._path, file_stem(question))


class AnswersInMemory:
    """The same for one process, as a test wants it."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def give(self, question: str, word: str) -> str:
        """Answer a question, if nobody has; the answer that counts."""
        return self._given.setdefault(question, word)

    def given(self, question: str) -> str | None:
        """The answer to a question, if there is one."""
        return self._given.get(question)

    def clear(self) -> None:
        """Forget them all: no question is open."""
        self._given.clear()
