"""The JSON Schema of a manifest, made from the structs that read it, with what is said of each key.

Knows nothing of its own, but the key ``$schema``: it cannot drift from what the readers accept.
"""

from __future__ import annotations

from typing import Any

import msgspec

from exarp.manifests.descriptions import DESCRIPTIONS
from exarp.manifests.document import Document


def schema_document() -> bytes:
    """Draft 2020-12 schema as indented JSON, with a final newline."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "exarp manifest"}
    schema |= msgspec.json.schema(Document)
    for table, descriptions in DESCRIPTIONS.items():
        for key, description in descriptions.items():
            schema["$defs"][table]["properties"][key]["description"] = description
    # JSON has no comments that could name the schema to an editor; its reader drops this key.
    schema["$defs"]["Document"]["properties"]["$schema"] = {
        "type": "string",
        "description": "Where this schema is, for editors; in JSON only.",
    }
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2) + b"\n"
