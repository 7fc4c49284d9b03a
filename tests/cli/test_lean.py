"""msgspec without what exarp does not use of it is msgspec all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import exarp


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout


def test_what_was_left_out_is_had_by_who_asks_for_it() -> None:
    code = """
import exarp.cli.lean, sys
assert not {"uuid", "decimal", "msgspec.inspect", "msgspec._json_schema", "textwrap"} & set(sys.modules)
import decimal, uuid, msgspec.yaml
from msgspec import inspect
from exarp.manifests.schema import schema_document
print(decimal.Decimal(1) + 1, len(str(uuid.uuid4())), inspect.type_info(int).gt, len(schema_document()) > 1000)
"""
    assert run(code) == "2 36 None True\n"


def test_a_msgspec_that_wants_more_is_loaded_whole() -> None:
    code = """
import types, sys
name = "exarp.cli.lean"
import importlib.util
found = importlib.util.find_spec(name)
source = found.loader.get_source(name).replace('"SafeUUID"', '"Other"')
exec(compile(source, found.origin, "exec"), {"__name__": name})
import msgspec, uuid
print(msgspec.json.encode(uuid.UUID(int=1)).decode())
"""
    assert run(code) == '"00000000-0000-0000-0000-000000000001"\n'


def test_no_field_of_exarp_is_of_a_type_that_was_left_out() -> None:
    named = [
        path.name
        for path in Path(exarp.__file__).parent.rglob("*.py")
        if any(
            f"import {word}" in path.read_text() or f"from {word}" in path.read_text() for word in ("uuid", "decimal")
        )
    ]
    assert named == []
