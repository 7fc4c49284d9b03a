"""Where every key and every value of a YAML document stands.

Knows libyaml's events. What an alias repeats stands where it is written; the alias is the value that stands in its own place.
A table or list in lines of its own is found at its key. Does not know whether a document is right: it runs over text that
``yaml_values`` has accepted already, and of other text records what stands before the first surprise.
"""

from __future__ import annotations

from contextlib import suppress

import yaml

from exarp.manifests.notations.yaml_values import events_of, is_merge, span_of
from exarp.manifests.problems.positions import DOCUMENT, NOWHERE, Positions, Tree


def scan(text: str) -> Positions:
    """The places of every key and value in ``text``. Time and memory are linear in the text; never raises."""
    # Editors show no column for a byte order mark, and what reads the file has dropped it.
    text = text.removeprefix("\ufeff")
    scanner = _Scanner()
    with suppress(yaml.YAMLError, _Surprise):
        for event in events_of(text):
            scanner.take(event)
    return Positions(text, scanner.tree)


class _Surprise(Exception):
    """What ``yaml_values`` refuses."""


class _Open:
    """A collection whose parts are being read. ``waiting``: the node of the key whose value comes next."""

    __slots__ = ("is_list", "merging", "node", "sources", "waiting")

    def __init__(self, node: int, is_list: bool) -> None:
        self.node = node
        self.is_list = is_list
        self.waiting: int | None = None
        self.merging = False
        self.sources: list[int] = []


class _Scanner:
    def __init__(self) -> None:
        self.tree = Tree()
        self.anchors: dict[str, int] = {}
        self.stack: list[_Open] = []

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            outer = self.stack[-1] if self.stack else None
            if outer is not None and not outer.is_list and outer.waiting is None:
                self.key(event, outer)
            else:
                self.scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self.repeat(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event)
        elif isinstance(event, yaml.DocumentEndEvent):
            raise _Surprise

    def key(self, event: yaml.ScalarEvent, outer: _Open) -> None:
        outer.merging = is_merge(event)
        start, end = span_of(event)
        if outer.merging:
            outer.waiting = self.tree.loose(start, end)  # it is no key of the table
        else:
            outer.waiting = self.tree.child(outer.node, event.value, start, end)

    def value(self, event: yaml.NodeEvent) -> int:
        """The node of the value that begins here."""
        node = self.place()
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def scalar(self, event: yaml.ScalarEvent) -> None:
        in_list = bool(self.stack) and self.stack[-1].is_list
        node, (start, end) = self.value(event), span_of(event)
        # An empty value is found at its key.
        if start < end or in_list:
            self.tree.set_value(node, start, end)

    def repeat(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.anchors:
            raise _Surprise
        node = self.place()
        self.tree.set_value(node, *span_of(event))
        self.tree.share(node, self.anchors[event.anchor])

    def open(self, event: yaml.CollectionStartEvent) -> None:
        has_place = event.flow_style or (bool(self.stack) and self.stack[-1].is_list)
        node = self.value(event)
        if has_place:
            self.tree.set_value(node, *span_of(event))
        self.stack.append(_Open(node, isinstance(event, yaml.SequenceStartEvent)))

    def close(self, event: yaml.CollectionEndEvent) -> None:
        done = self.stack.pop()
        if self.tree.value_start[done.node] != NOWHERE:
            self.tree.value_end[done.node] = span_of(event)[1]
        for source in done.sources:
            self.merge(done.node, source)

    def merge(self, node: int, source: int) -> None:
        own = self.tree.children[node]
        for part, inner in self.tree.children[source].items():
            if isinstance(part, int):  # a list of mappings
                self.merge(node, inner)
            else:
                own.setdefault(part, inner)
                self.tree.repeated.add(inner)

    def place(self) -> int:
        """A node for the value that comes now."""
        if not self.stack:
            return DOCUMENT
        outer = self.stack[-1]
        if outer.is_list:
            return self.tree.element(outer.node)
        if outer.waiting is None:
            raise _Surprise
        node, outer.waiting = outer.waiting, None
        if outer.merging:
            outer.sources.append(node)
        return node
