"""What is kept of a success, so that it can be had again without running anything.

Knows the values. Does not know when one may be used (``planning.artifacts``), nor how it is stored.
"""

from __future__ import annotations

import msgspec

# The mode bits that say what stands at a path, as the system has them.
FOLDER, LINK, FILE = 0o040000, 0o120000, 0o100000
_KIND = 0o170000
PERMISSIONS = 0o777


class Piece(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One file, folder or symbolic link that a task made.

    ``mode``: its kind and permissions, as ``st_mode`` has them. ``content``: of a small file what is in it, of a link where
    it points, as bytes; None where it is kept apart, as a *blob*, or there is none. ``digest``: of a file's content.
    """

    path: str
    mode: int
    digest: bytes = b""
    content: bytes | None = None

    @property
    def kind(self) -> int:
        """FOLDER, LINK or FILE."""
        return self.mode & _KIND

    @property
    def blob(self) -> bytes:
        """The digest of what is kept apart; empty where nothing is."""
        return self.digest if self.content is None and self.kind == FILE else b""


class Artifact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A success: what its task made, and what it printed.

    ``outputs``: digests by path, as the record of the success has them. ``found``: files that the depfile named beyond the
    inputs, which must have these digests now. ``pieces``: all that is to be put back, each folder before what is in it.
    ``needs``: what the task's needs contributed, where that depends on what was found; they must contribute the same now.
    ``log``: what was printed (its path is empty), None for nothing. ``task``: the name that it had.
    """

    outputs: dict[str, bytes]
    found: dict[str, bytes]
    pieces: tuple[Piece, ...] = ()
    log: Piece | None = None
    duration_ms: int = 0
    task: str = ""
    needs: tuple[bytes, ...] = ()

    @property
    def blobs(self) -> list[bytes]:
        """Digests of all that is kept apart."""
        pieces = (*self.pieces, self.log) if self.log is not None else self.pieces
        return [blob for piece in pieces if (blob := piece.blob)]
