"""The use case ``schema``. Knows where each schema is made."""

from __future__ import annotations


def schema(what: str = "manifest") -> bytes:
    """The JSON Schema of a ``manifest``, or of the ``recovery-context``, indented."""
    if what == "recovery-context":
        from exarp.app.running.recovery_context import context_schema

        return context_schema()
    from exarp.manifests.schema import schema_document

    return schema_document()
