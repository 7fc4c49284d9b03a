"""The dotenv files that a manifest names: which they are, in which order they count, and what they say together.

Knows that later files win over earlier ones, and a task's own over those of ``[settings]``. A file that is not there says
nothing (``check`` tells it). Does not touch the disk: reading is given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from exarp.errors import Problem
from exarp.manifests.problems.place import Locator
from exarp.manifests.tasks.fields import Fields
from exarp.manifests.variables.definitions import Variables
from exarp.manifests.variables.dotenv import DotenvReader
from exarp.model.path import is_glob
from exarp.model.task import Task

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath

# Gives the content of a file (its path as in the model); raises OSError.
ReadFile = Callable[[str], bytes]


class DotenvFiles:
    """Reads the files of one manifest; what is wrong is appended to ``problems``. ``environ``: the caller's environment.

    ``files``: those of ``[settings]``.
    """

    def __init__(self, read: ReadFile, environ: Mapping[str, str], locator: Locator, problems: list[Problem]) -> None:
        self.files: tuple[str, ...] = ()
        self._read = read
        self._environ = environ
        self._locator = locator
        self._problems = problems
        self._shared = DotenvReader(environ)
        self._known: dict[str, bytes] = {}

    def read_shared(
        self, written: Sequence[str], variables: Callable[[Mapping[str, str]], Variables]
    ) -> Mapping[str, str]:
        """Read what ``[settings]`` names, and give the environment that fields see: the caller's, and below it these files.

        ``variables`` makes those of the manifest for an environment: what one file says may be part of the next one's name.
        """
        files = []
        for index in range(len(written)):
            at = ("settings", "dotenv", index)
            fields = Fields(variables(self._seen()), self._locator, self._problems)
            for path in dotenv_paths(fields, {index: written[index]}, at[:-1]):
                self._add(self._shared, path, at)
                files.append(path)
        self.files = tuple(files)
        self._problems += self._shared.problems
        return self._seen()

    def _seen(self) -> dict[str, str]:
        return {**self._shared.values, **self._environ}

    def values(self, tasks: Iterable[Task], locator: Locator) -> dict[tuple[str, ...], Mapping[str, str]]:
        """What the files of the settings say, and for each list of files that a task has what they say on top of it.

        ``locator``: finds the places of the tasks, which may stand in other files than the settings.
        """
        self._locator = locator
        found: dict[tuple[str, ...], Mapping[str, str]] = {(): self._shared.values}
        for task in tasks:
            if task.dotenv not in found:
                reader = DotenvReader(self._environ, self._shared.values)
                for path in task.dotenv:
                    self._add(reader, path, ("task", task.name, "dotenv"))
                found[task.dotenv] = reader.values
                self._problems += reader.problems
        return found

    def _add(self, reader: DotenvReader, path: str, at: KeyPath) -> None:
        try:
            if path not in self._known:
                self._known[path] = self._read(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            place = self._locator.entry(at, path) if at[0] == "task" else self._locator.value(*at)
            message = f"the dotenv file {path} cannot be read: {error.strerror}"
            self._problems.append(Problem("unreadable", message, place, "name a file that can be read"))
            return
        reader.read(self._known[path], path if path.startswith("/") else self._beside(path))

    def _beside(self, path: str) -> str:
        """How messages name a file of the workspace: as they do the manifest."""
        return f"{self._locator.file.rpartition('/')[0]}/{path}" if "/" in self._locator.file else path


def dotenv_paths(fields: Fields, written: Mapping[int, str], path: KeyPath) -> tuple[str, ...]:
    """Normalised paths of the entries (by index) of the list at ``path``, each one file; without those that are at fault."""
    found = []
    for index, text in written.items():
        normal = fields.path(text, (*path, index), inside=False)
        if normal is not None and (is_glob(normal) or normal.endswith("/")):
            kind = "a glob" if is_glob(normal) else "a folder"
            step = "name each file as an entry of its own"
            fields.add("bad-path", f"{text!r} is {kind}, and an entry of dotenv is one file", (*path, index), step)
        elif normal is not None:
            found.append(normal)
    return tuple(found)
