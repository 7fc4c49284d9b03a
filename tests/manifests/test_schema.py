"""``exarp schema`` describes what the readers accept."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import tomli

from exarp.manifests.document import (
    CacheDocument,
    Document,
    ParamDocument,
    RequirementDocument,
    ServiceDocument,
    SettingsDocument,
    TaskDocument,
    WaveDocument,
)
from exarp.manifests.schema import schema_document
from tests.manifests.examples import GOOD
from tests.manifests.reading import read

SCHEMA = json.loads(schema_document())
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
UNDERSTOOD = frozenset(
    "$ref $defs $schema title description examples default type anyOf enum properties additionalProperties "
    "required items minItems minimum maximum".split()
)


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """Whether ``value`` is valid, for the part of JSON Schema that exarp's own schema uses."""
    assert schema.keys() <= UNDERSTOOD
    if "$ref" in schema:
        return accepts(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], value)
    if "anyOf" in schema and not any(accepts(part, value) for part in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "type" in schema and not is_of_type(schema["type"], value):
        return False
    if isinstance(value, dict):
        return accepts_table(schema, value)
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(accepts(schema.get("items", {}), item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True


def is_of_type(name: str, value: Any) -> bool:
    return isinstance(value, TYPES[name]) and isinstance(value, bool) == (name == "boolean")


def accepts_table(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
    if set(schema.get("required", ())) - value.keys() or (other is False and value.keys() - known.keys()):
        return False
    return all(accepts(known.get(key, other if isinstance(other, dict) else {}), item) for key, item in value.items())


@pytest.mark.parametrize("name", GOOD)
def test_a_good_manifest_is_valid(name: str) -> None:
    assert read(GOOD[name]).problems == []
    assert accepts(SCHEMA, tomli.loads(GOOD[name]))


@pytest.mark.parametrize(
    "text",
    [
        "bogus = 1",
        "[task.a]\nneed = []",
        "[task.a]\nneeds = 'b'",
        "[task.a]\nneeds = [1]",
        "[task.a]\nargv = []",
        "[task.a]\nretries = -1",
        "[task.a]\npriority = 'urgent'",
        "[task.a]\ninputs = [{ form = 'b' }]",
        "[task.a]\nenv = { A = [] }",
        "[task.a]\nmanual = 'yes'",
        "[settings]\nshell = []",
        "[settings]\ntrust = 'none'",
        "[[wave]]\nname = 'w'",
        "[[wave]]\nname = 'w'\ntasks = []\nparallel = 1",
    ],
)
def test_what_the_readers_refuse_by_its_shape_is_not_valid(text: str) -> None:
    assert read(text).problems != []
    assert not accepts(SCHEMA, tomli.loads(text))


def test_it_is_a_schema_of_its_draft() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "exarp manifest"
    assert schema_document().endswith(b"}\n")


def test_it_is_the_same_each_time() -> None:
    assert schema_document() == schema_document()


@pytest.mark.parametrize(
    "struct",
    [
        CacheDocument,
        Document,
        ParamDocument,
        RequirementDocument,
        ServiceDocument,
        SettingsDocument,
        TaskDocument,
        WaveDocument,
    ],
)
def test_each_key_says_what_it_means(struct: type[msgspec.Struct]) -> None:
    properties = SCHEMA["$defs"][struct.__name__]["properties"]
    own = ["$schema"] if struct is Document else []
    assert list(properties) == [*own, *sorted(struct.__struct_encode_fields__)]
    described = {key for key, schema in properties.items() if "description" in schema or "$ref" in schema}
    assert described == set(properties)


def test_a_value_of_an_axis_that_is_a_table_has_a_name() -> None:
    def matrix(value: object) -> dict[str, Any]:
        return {"task": {"t": {"run": "t", "matrix": {"x": [value]}}}}

    assert accepts(SCHEMA, matrix({"name": "a", "k": 1}))
    assert not accepts(SCHEMA, matrix({"k": 1}))
