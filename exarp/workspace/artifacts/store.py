"""The artifact store in a folder: files only, so that any number of processes can share it.

Knows how artifacts are kept and given back, each file verified by its digest. Does not know when one may be used, nor whose
turn it is to go (``upkeep``).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping

from exarp.model.artifact import Artifact
from exarp.planning.artifacts import with_variant
from exarp.workspace.artifacts.copying import copied, write_all
from exarp.workspace.artifacts.entry import DamagedEntry, UnfinishedEntry, decoded, encoded
from exarp.workspace.artifacts.layout import Layout, space
from exarp.workspace.artifacts.upkeep import add_size, collect_if_full

# What was used within this time needs no new mark of its use, in seconds.
_USED_LATELY = 600.0
# So much may be written before the others are told of it.
_UNTOLD = 64 << 20


class FolderStore:
    """Artifacts in ``folder`` (absolute), at most about ``limit`` bytes. Nothing is made before something is kept.

    ``faults``: what went wrong, in words, each once. ``breathe``: called between slices of large files; what it raises ends
    what is being done, and leaves nothing half done. ``looks_only``: nothing is to change, not even when something was used last.
    """

    def __init__(self, folder: str, limit: int, looks_only: bool = False) -> None:
        self._looks_only = looks_only
        self.breathe: Callable[[], None] = _on_and_on
        self.faults: list[str] = []
        self._layout = Layout(folder)
        self._limit = limit
        self._untold = 0
        self._is_broken = False
        self._told: set[str] = set()

    def find(self, key: bytes) -> tuple[Artifact, ...]:
        """All that is kept under a key, newest first."""
        path = self._layout.entry(key)
        try:
            data = self._read(path)
            return decoded(data, key) if data else ()
        except UnfinishedEntry:
            return ()
        except DamagedEntry:
            self._is_damaged(path)
        except OSError as error:
            self._fault("read", error)
        return ()

    def _read(self, path: str) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return b""
        try:
            found = os.fstat(descriptor)
            data = os.read(descriptor, found.st_size + 1)
            if time.time() - found.st_mtime > _USED_LATELY and not self._looks_only:
                with contextlib.suppress(OSError):
                    os.utime(descriptor)
            return data
        finally:
            os.close(descriptor)

    def keep(self, key: bytes, artifact: Artifact, files: Mapping[bytes, str]) -> bool:
        """Keep an artifact as the newest of its key. ``files``: where the contents of its blobs are, by digest.

        False where it is not kept: a file is not (or no longer) what its digest says, or the store cannot be written.
        """
        if self._is_broken:
            return False
        try:
            for digest in artifact.blobs:
                if not self._keep_blob(digest, files[digest]):
                    return False
            # What was found to be read, and what needs contribute then, tells variants apart; without either there is one.
            has_variants = bool(artifact.found or artifact.needs)
            variants = with_variant(self.find(key), artifact) if has_variants else (artifact,)
            self._write(self._layout.entry(key), encoded(key, variants))
        except OSError as error:
            self._is_broken = True
            self._fault("written", error)
            return False
        if self._untold > _UNTOLD:
            self._tell_size()
        return True

    def _keep_blob(self, digest: bytes, file: str) -> bool:
        path = self._layout.blob(digest)
        try:
            source = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            size = os.fstat(source).st_size
            if _is_there(path, size):
                return True
            target, draft = self._layout.create()
            try:
                if copied(source, target, size, self.breathe) != digest:
                    return False
                self._layout.publish(draft, path)
                draft = ""
                self._untold += space(size)
                return True
            finally:
                os.close(target)
                if draft:
                    os.unlink(draft)
        finally:
            os.close(source)

    def _write(self, path: str, data: bytes) -> None:
        try:
            # A rename costs as much again; whoever reads it too early, or after a kill, sees that it is not complete.
            descriptor = self._layout.create_at(path)
        except FileExistsError:
            self._replace(path, data)
            return
        try:
            write_all(descriptor, data)
        except OSError:
            os.unlink(path)
            raise
        finally:
            os.close(descriptor)
        self._untold += space(len(data))

    def _replace(self, path: str, data: bytes) -> None:
        descriptor, draft = self._layout.create()
        try:
            try:
                write_all(descriptor, data)
            finally:
                os.close(descriptor)
            self._layout.publish(draft, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
        self._untold += space(len(data))

    def bring(self, digest: bytes, mode: int, path: str) -> bool:
        """Make the file ``path``, which is not there, with the content of that digest and the permissions ``mode``.

        False where the content is not there any more or is damaged; then there is no file. Raises OSError where ``path`` cannot
        be written.
        """
        blob = self._layout.blob(digest)
        try:
            source = os.open(blob, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            self._fault("read", error)
            return False
        try:
            target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            is_whole = False
            try:
                is_whole = copied(source, target, os.fstat(source).st_size, self.breathe) == digest
                os.fchmod(target, mode)
            finally:
                os.close(target)
                if not is_whole:
                    os.unlink(path)
        finally:
            os.close(source)
        if not is_whole:
            self._is_damaged(blob)
        return is_whole

    def forget(self, key: bytes) -> None:
        """What is kept under a key is not to be used again."""
        with contextlib.suppress(OSError):
            os.unlink(self._layout.entry(key))

    def close(self) -> None:
        """Nothing more will be kept: see that the store is not larger than it may be."""
        if not self._untold or self._is_broken:
            return
        self._tell_size()
        try:
            collect_if_full(self._layout, self._limit)
        except OSError as error:
            self._fault("tidied up", error)

    def _tell_size(self) -> None:
        with contextlib.suppress(OSError):
            add_size(self._layout, self._untold)
        self._untold = 0

    def _is_damaged(self, path: str) -> None:
        """What is in the store is not what was put there: it must not stand in the way of what is made anew."""
        if self._looks_only:
            return
        text = f"{path[len(self._layout.folder) + 1 :]} is damaged, and was removed: the task runs instead"
        self._say(f"{text} (`exarp cache verify` reads all that is in the store)", "damaged")
        with contextlib.suppress(OSError):
            os.unlink(path)

    def _fault(self, done: str, error: OSError) -> None:
        self._say(f"it cannot be {done}: {error.strerror or error}", done)

    def _say(self, text: str, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self.faults.append(f"the artifact store {self._layout.folder}: {text}")


def _on_and_on() -> None:
    """Nobody wants to be let in between."""


def _is_there(path: str, size: int) -> bool:
    """Whether a content is kept already; whoever tidies up sees that somebody has just asked for it."""
    try:
        if os.stat(path).st_size != size:
            return False
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
