"""An artifact store in memory: what the one in a folder promises, without the folder. For tests.

Knows the same rules. ``damage`` makes what is kept unfit, as a disk would.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from blake3 import blake3

from exarp.model.artifact import Artifact
from exarp.planning.artifacts import with_variant


class MemoryStore:
    """See ``FolderStore``."""

    def __init__(self) -> None:
        self.breathe: Callable[[], None] = lambda: None
        self.faults: list[str] = []
        self._entries: dict[bytes, tuple[Artifact, ...]] = {}
        self._blobs: dict[bytes, bytes] = {}

    def find(self, key: bytes) -> tuple[Artifact, ...]:
        """All that is kept under a key, newest first."""
        return self._entries.get(key, ())

    def keep(self, key: bytes, artifact: Artifact, files: Mapping[bytes, str]) -> bool:
        """Keep an artifact as the newest of its key, unless a file is not what its digest says."""
        for digest in artifact.blobs:
            try:
                with open(files[digest], "rb") as file:
                    data = file.read()
            except OSError:
                return False
            if blake3(data).digest() != digest:
                return False
            self._blobs[digest] = data
        self._entries[key] = with_variant(self.find(key), artifact) if artifact.found or artifact.needs else (artifact,)
        return True

    def bring(self, digest: bytes, mode: int, path: str) -> bool:
        """Make the file ``path`` with the content of that digest; False where it is not there or damaged."""
        data = self._blobs.get(digest)
        if data is None:
            return False
        if blake3(data).digest() != digest:
            self.faults = ["the artifact store: something in it was damaged"]
            del self._blobs[digest]
            return False
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        os.chmod(path, mode)
        return True

    def forget(self, key: bytes) -> None:
        """What is kept under a key is not to be used again."""
        self._entries.pop(key, None)

    def close(self) -> None:
        """Nothing more will be kept."""

    def damage(self) -> None:
        """All blobs change."""
        self._blobs = {digest: data + b"?" for digest, data in self._blobs.items()}
