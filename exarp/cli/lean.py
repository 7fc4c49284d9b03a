"""msgspec, loaded without what exarp does not use of it, or seldom: that is half of what it takes to load.

Knows what msgspec imports for others' sake: ``typing_extensions`` where that is installed (Python's own ``typing`` has all that
exarp uses), the types of numbers and identifiers that no manifest has, how types are looked into. Who imports one of these later
gets the real one; only as types of fields msgspec does not know them then: a test holds that exarp has none.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

# Modules, and what msgspec takes out of each.
_TYPES = {"uuid": ("UUID", "SafeUUID"), "decimal": ("Decimal",)}
_INNER = ("msgspec._json_schema", "msgspec.inspect", "msgspec.toml", "msgspec.yaml")


def _load() -> None:
    # What stands here as None is not there, to who imports it.
    standing: dict[str, ModuleType | None] = {"typing_extensions": None}
    standing |= {name: _with_types(name, types) for name, types in _TYPES.items()}
    standing |= {name: ModuleType(name) for name in _INNER}
    standing["msgspec._json_schema"].__dict__.update(schema=_schema, schema_components=None)
    standing = {name: module for name, module in standing.items() if name not in sys.modules}
    sys.modules.update(standing)  # type: ignore[arg-type]
    try:
        import msgspec
    except Exception:
        # Another msgspec may take more of them. It finds everything, then, when it is imported again.
        for name in [name for name in sys.modules if name.partition(".")[0] == "msgspec"]:
            del sys.modules[name]
    else:
        for name in _INNER:
            msgspec.__dict__.pop(name.partition(".")[2], None)
    finally:
        for name in standing:
            sys.modules.pop(name, None)


def _with_types(name: str, types: tuple[str, ...]) -> ModuleType:
    """A module of which nothing is true but that it has types of these names, which nothing is of."""
    module = ModuleType(name)
    module.__dict__.update((each, type(each, (), {"unknown": None})) for each in types)
    return module


def _schema(*arguments: Any, **options: Any) -> Any:
    """What ``msgspec.json.schema`` is, loaded by who calls it."""
    from msgspec._json_schema import schema

    return schema(*arguments, **options)


if "msgspec" not in sys.modules:
    _load()
