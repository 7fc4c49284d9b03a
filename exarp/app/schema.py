"""The use case ``schema``. Knows where the schema is made."""

from __future__ import annotations

from exarp.manifests.schema import schema_document


def schema() -> bytes:
    """The JSON Schema of a manifest, indented."""
    return schema_document()
