"""Documents written down in every notation that manifests have."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

# What no reader takes for anything but text.
_is_plain = re.compile(r"(?!(?i:true|false|null)$)[A-Za-z_./][A-Za-z0-9_./-]*").fullmatch


def toml_text(tree: dict[str, Any], headers: Callable[[], bool]) -> str:
    """``tree`` as TOML; ``headers``: whether a table gets one, or is written inline."""
    lines: list[str] = []
    write_table(tree, "", headers, lines)
    return "\n".join(lines) + "\n"


def write_table(table: dict[str, Any], name: str, headers: Callable[[], bool], lines: list[str]) -> None:
    later: list[tuple[str, list[Any], str]] = []
    for key, value in table.items():
        tables = value if isinstance(value, list) and value else [value]
        full = f"{name}.{key_text(key)}" if name else key_text(key)
        if all(isinstance(each, dict) for each in tables) and headers():
            later.append((full, tables, "[[{}]]" if isinstance(value, list) else "[{}]"))
        else:
            lines.append(f"{key_text(key)} = {value_text(value)}")
    for full, tables, brackets in later:
        for each in tables:
            lines.append(brackets.format(full))
            write_table(each, full, headers, lines)


def key_text(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else string_text(key)


def string_text(text: str) -> str:
    return (
        '"'
        + "".join(char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in text)
        + '"'
    )


def value_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return string_text(value.encode("utf-8", "replace").decode())
    if isinstance(value, int):
        return hex(value) if value > 2**64 else str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan" if math.isnan(value) else "-inf" if value < 0 else "inf"
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_text(key)} = {value_text(item)}" for key, item in value.items()) + "}"
    return str(value.isoformat())


def json_text(tree: dict[str, Any], indented: bool = True) -> str:
    """``tree`` as JSON."""
    return json.dumps(tree, indent=2 if indented else None, ensure_ascii=not indented)


def yaml_text(tree: dict[str, Any], block: Callable[[], bool]) -> str:
    """``tree`` as YAML; ``block``: whether a table or list stands in lines of its own, or in brackets."""
    lines: list[str] = []
    write_block(tree, "", block, lines)
    return "\n".join(lines) + "\n"


def write_block(value: Any, indent: str, block: Callable[[], bool], lines: list[str]) -> None:
    if not value:
        lines.append(f"{indent}{flow_text(value)}")
        return
    entries = [(f"{word_text(key)}:", item) for key, item in value.items()] if isinstance(value, dict) else None
    for start, item in entries or [("-", item) for item in value]:
        if isinstance(item, dict | list) and item and block():
            lines.append(f"{indent}{start}")
            write_block(item, f"{indent}  ", block, lines)
            if start == "-":  # the first line of what is inside may stand behind the dash
                at = len(lines) - 1 - next(n for n, line in enumerate(reversed(lines)) if line == f"{indent}-")
                lines[at : at + 2] = [f"{indent}- {lines[at + 1].lstrip()}"]
        elif isinstance(item, str) and _is_long(item) and block():
            lines.append(f"{indent}{start} |-")
            lines += [f"{indent}  {line}" for line in item.split("\n")]
        else:
            lines.append(f"{indent}{start} {flow_text(item)}")


def _is_long(text: str) -> bool:
    return "\n" in text and all(line and line.isprintable() and line[0] != " " for line in text.split("\n"))


def word_text(text: str) -> str:
    return text if _is_plain(text) else string_text(text)


def flow_text(value: Any) -> str:
    if isinstance(value, str):
        return word_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(flow_text, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{word_text(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
