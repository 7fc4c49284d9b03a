"""The JSON Schema of a manifest, made from the structs that read it.

Knows nothing of its own: it cannot drift from what the readers accept.
"""

from __future__ import annotations

import msgspec

from exarp.manifests.document import Document


def schema_document() -> bytes:
    """Draft 2020-12 schema as indented JSON, with a final newline."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "exarp manifest"}
    schema |= msgspec.json.schema(Document)
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2) + b"\n"
