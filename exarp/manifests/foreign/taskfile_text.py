"""A Taskfile's text as YAML nodes, which know their lines.

Knows what of YAML is no Taskfile. Does not know what its keys mean (``taskfile``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.foreign.draft import UnconvertibleError

# A Taskfile written by people has some hundreds.
_MOST_NODES = 200_000


def mapping(text: str, file: str) -> yaml.MappingNode:
    """The root of a Taskfile's text. Raises ManifestError where it is no YAML mapping."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1, 1)
        message = f"this is not YAML: {error.problem}"
        raise ManifestError(Problem("syntax", message, place, "correct it, then import it")) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ManifestError(Problem("syntax", f"this is not YAML: {error}", Place(file, 1, 1), "correct it")) from None
    if not isinstance(node, yaml.MappingNode):
        raise ManifestError(Problem("syntax", "a Taskfile is a mapping", Place(file, 1, 1), "name a Taskfile"))
    if _size(node, {}) > _MOST_NODES:
        raise ManifestError(Problem("syntax", "its aliases make it too large", Place(file, 1, 1), "write out less"))
    return node


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are with every alias written out."""
    if id(node) not in known:
        known[id(node)] = _MOST_NODES  # what contains itself has no end
        inner = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else node.value
        if isinstance(node, yaml.ScalarNode):
            inner = []
        known[id(node)] = 1 + sum(_size(each, known) for each in inner)
    return known[id(node)]


def entries(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """Keys and values of a mapping; none of anything else."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value


def items(node: yaml.Node) -> list[yaml.Node]:
    """The elements of a sequence; anything else is one."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def plain(node: yaml.Node) -> Any:
    """A node's value as Python has it; numbers stay text, and so do ``on`` and ``yes``, as in YAML 1.2."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(each) for each in node.value]
    if node.tag == "tag:yaml.org,2002:bool" and str(node.value).lower() in ("true", "false"):
        return str(node.value).lower() == "true"
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def is_true(node: yaml.Node) -> bool:
    """Whether a node says yes where only yes or no can stand."""
    return as_text(plain(node)).lower() in ("true", "yes", "on")


def as_text(value: Any) -> str:
    """A plain scalar as go-task pastes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def text_of(node: yaml.Node, what: str) -> str:
    """A scalar as text. Raises UnconvertibleError, which names ``what``, for anything else."""
    if not isinstance(node, yaml.ScalarNode):
        raise UnconvertibleError(f"{what}: only text has a counterpart")
    return as_text(plain(node))


def texts_of(node: yaml.Node, what: str) -> list[str]:
    """A list of scalars, or one, as texts. Raises UnconvertibleError, as ``text_of`` does."""
    return [text_of(each, what) for each in items(node)]


def command_of(node: yaml.Node, what: str) -> str:
    """The command whose output something is. Raises UnconvertibleError where it is something else."""
    found = dict(entries(node))
    if set(found) != {"sh"}:
        raise UnconvertibleError(f"{what}: this kind of variable has no counterpart")
    return text_of(found["sh"], what)


def scalars(node: yaml.Node) -> Iterator[str]:
    """All texts in a node."""
    if isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from scalars(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from scalars(each)
    else:
        yield str(node.value)
