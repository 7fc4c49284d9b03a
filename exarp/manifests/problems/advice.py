"""Advice in words of another notation than TOML, in which all messages are written.

Knows how messages name tables (``[vars]``), keys with values (``needs = ["a"]``) and what TOML calls a table. What stands in
single quotes is a manifest's own text, and is left as it is. Does not know the messages.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from exarp.manifests.document import Document

_TABLES = "|".join(sorted(Document.__struct_encode_fields__))
_TASK = r'(?:task|template)\.(?:"[^"]*"|[^\]\s"]+)'
_HEADER = re.compile(rf"(\[\[?)(?=(?:{_TASK}|{_TABLES})\]\]?)")
_TOKEN = re.compile(
    rf"""(?P<quoted>(?<!\w)'[^']*'(?!\w))
    |(?:(?P<verb>write|add)\ (?:a\ )?)?\[\[?(?P<table>{_TASK}|{_TABLES})\]\]?(?P<below>\ and\ below\ it)?
    |(?<![\w"$./-])(?P<key>\w+|"[^"\s]+")\ =\ (?=["[{{…\d]|true|false|[A-Z]{{2}})
    |(?P<article>\ba\ )?\b(?P<word>tables?)\b""",
    re.VERBOSE,
)


class Style(NamedTuple):
    """How a notation writes ``[vars]`` and ``[[wave]]``, ``[task.NAME]``, ``key = ``, and names a table."""

    table: str
    list_of_tables: str
    entry: str
    key: str
    word: str


YAML = Style("{0}:", "{0}: [ … ]", "{0}: {{ {1}: … }}", "{0}: ", "a mapping")
JSON = Style('"{0}": {{ … }}', '"{0}": [ … ]', '"{0}": {{ "{1}": {{ … }} }}', '"{0}": ', "an object")


def reworded(text: str, style: Style) -> str:
    """A message, or a next step, as ``style`` says it."""
    return _TOKEN.sub(lambda token: _reworded(token, style), text)


def below(text: str, prefix: str) -> str:
    """A message, or a next step, for a manifest that is the table ``prefix`` of its file."""
    return _HEADER.sub(rf"\1{prefix}.", text).replace("at the top level", f"in [{prefix}]")


def _reworded(token: re.Match[str], style: Style) -> str:
    if token["key"]:
        return style.key.format(token["key"].strip('"'))
    if token["word"]:
        article, word = style.word.split()
        return f"{article} {word}" if token["article"] else word + "s" * token["word"].endswith("s")
    if not token["table"]:
        return token[0]
    table, _, name = token["table"].partition(".")
    if name:
        written = style.entry.format(table, name.strip('"'))
    elif not token["verb"]:
        return table  # where something stands, not how to write it
    else:
        written = (style.list_of_tables if "[[" in token[0] else style.table).format(table)
    return (f"{token['verb']} " if token["verb"] else "") + written + (" with" if token["below"] else "")
