"""What is sound of a document, for those who go on with it.

Knows the shape only; ``shape`` finds out what is not sound, and tells of it.
"""

from __future__ import annotations

import msgspec

from exarp.manifests.document import Document


class Sound(msgspec.Struct, frozen=True):
    """What is sound of a document, and the variables and matrices that are not: what uses them is no fault again."""

    document: Document
    broken_variables: frozenset[str] = frozenset()
    broken_matrices: frozenset[str] = frozenset()
