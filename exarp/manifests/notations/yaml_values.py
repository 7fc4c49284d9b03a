"""A text in YAML to dictionaries, lists and values.

Knows libyaml's events, aliases, merge keys, and what YAML can say that no manifest may. Keys are the text that is written.
Does not know how a fault is worded, or where values stand once they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

import yaml

from exarp.manifests.notations.nesting import DEEPEST
from exarp.manifests.notations.yaml_scalars import plain_value

# What aliases repeat counts each time: so many values for a character of the text, but of no text more than any needs.
_VALUES_PER_CHARACTER = 10
_FEWEST_VALUES = 100_000
_MOST_VALUES = 20_000_000

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = ("!", f"{_TAG}str")
# The tags that say what is said without them.
_TYPES: dict[str, tuple[type, ...]] = {
    "!": (str, dict, list), f"{_TAG}str": (str,), f"{_TAG}map": (dict,), f"{_TAG}seq": (list,), f"{_TAG}bool": (bool,),
    f"{_TAG}int": (int,), f"{_TAG}float": (int, float), f"{_TAG}null": (type(None),),
}  # fmt: skip
_MERGE = "<<"


class Fault(NamedTuple):
    """What YAML can say and no manifest may: a word for it, what it is about, the value's path, and offsets into the text."""

    kind: str
    about: str
    path: tuple[str | int, ...]
    start: int
    end: int


class NoDocument(Exception):
    """A text that is YAML, and yet no document of tables, lists and values."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[0].kind)
        self.faults = faults


def events_of(text: str) -> Iterator[yaml.Event]:
    """The events of ``text``. Raises YAMLError."""
    # In C where PyYAML was built with libyaml.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(loader(text).get_event, None)


def span_of(event: yaml.Event) -> tuple[int, int]:
    """Offsets into the text where an event begins and ends."""
    assert event.start_mark is not None and event.end_mark is not None, "parsers set both"
    return event.start_mark.index, event.end_mark.index


def is_merge(event: yaml.ScalarEvent) -> bool:
    """Whether a key merges: ``<<``, without quotes or tag."""
    return event.value == _MERGE and not event.style and event.tag is None


def read_values(text: str, whole: bool = True) -> Any:
    """What ``text`` says: a dictionary, empty if nothing is said; with ``whole`` false, any value.

    Time and memory are linear in the text. Raises YAMLError, NoDocument.
    """
    reader = _Reader(text)
    for event in events_of(text):
        reader.take[type(event)](event)
    (value,) = reader.root or (None,)
    if whole and value is None:
        value = {}
    if whole and not isinstance(value, dict):
        reader.faults.append(Fault("no-mapping", type(value).__name__, (), 0, 0))
    if reader.faults:
        raise NoDocument(reader.faults)
    return value


class _Value(NamedTuple):
    """A value, how many values are in it, and how deep it is."""

    value: Any
    weight: int = 1
    height: int = 0


class _Frame:
    """A collection that is being read. ``key`` is the one whose value comes next; None before a key, and in lists."""

    __slots__ = ("anchor", "height", "key", "merged", "merging", "value", "weight")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value  # a dictionary or a list
        self.anchor = anchor
        self.key: str | None = None
        self.merging = False
        self.merged: list[dict[str, Any]] | None = None
        self.weight = 1
        self.height = 0


class _Reader:
    """Takes events one by one; no recursion, for a text may nest as deep as it likes."""

    def __init__(self, text: str) -> None:
        self.root: list[Any] = []
        self.stack = [_Frame(self.root, None)]
        self.faults: list[Fault] = []
        self.plain: dict[str, Any] = {}
        self.anchors: dict[str, _Value | None] = {}  # None: it is being read
        self.most = min(_FEWEST_VALUES + _VALUES_PER_CHARACTER * len(text), _MOST_VALUES)
        self.take: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.mapping,
            yaml.SequenceStartEvent: self.sequence,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
            yaml.DocumentStartEvent: self.document,
            yaml.DocumentEndEvent: self.nothing,
            yaml.StreamStartEvent: self.nothing,
            yaml.StreamEndEvent: self.nothing,
        }

    def nothing(self, event: yaml.Event) -> None:
        pass

    def document(self, event: yaml.DocumentStartEvent) -> None:
        if self.root:
            self.refuse("second-document", "", event)

    def scalar(self, event: yaml.ScalarEvent) -> None:
        frame = self.stack[-1]
        if frame.key is None and type(frame.value) is dict:
            self.key(event, frame)
            return
        value: Any = event.value
        if not event.style and event.tag not in _TEXT_TAGS:
            # A manifest repeats few words many times.
            known = self.plain.get(value)
            value = known if known is not None else self.plain.setdefault(value, plain_value(value))
        if event.tag is not None:
            self.check_tag(event, event.tag, value)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Value(value)
        self.put(event, frame, value)

    def key(self, event: yaml.ScalarEvent, frame: _Frame) -> None:
        key = frame.key = event.value
        frame.merging = key == _MERGE and is_merge(event)
        if event.tag is not None:
            self.check_tag(event, event.tag, key)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Value(key)
        if key in frame.value or (frame.merging and frame.merged is not None):
            self.note("twice", key, event)

    def put(self, event: yaml.Event, frame: _Frame, value: Any) -> None:
        if type(frame.value) is list:
            frame.value.append(value)
        elif frame.merging:
            self.merge(event, frame, value)
        else:
            assert frame.key is not None, "keys go before values"
            frame.value[frame.key] = value
        frame.key = None

    def merge(self, event: yaml.Event, frame: _Frame, value: Any) -> None:
        """``<<``: what the mapping does not say itself, ``value`` says; of a list of mappings the first that says it."""
        sources = value if isinstance(value, list) else [value]
        if all(isinstance(source, dict) for source in sources):
            frame.merged = [*(frame.merged or ()), *sources]
        else:
            self.note("merge", "", event)
        frame.merging = False

    def mapping(self, event: yaml.MappingStartEvent) -> None:
        self.open(event, {})

    def sequence(self, event: yaml.SequenceStartEvent) -> None:
        self.open(event, [])

    def open(self, event: yaml.CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        frame = self.stack[-1]
        if frame.key is None and type(frame.value) is dict:
            self.refuse("key", "", event)
        if event.tag is not None:
            self.check_tag(event, event.tag, value)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if len(self.stack) > DEEPEST:
            self.refuse("deep", "", event)
        self.stack.append(_Frame(value, event.anchor))

    def close(self, event: yaml.CollectionEndEvent) -> None:
        frame = self.stack.pop()
        if frame.merged is not None:
            _fill_in(frame.value, frame.merged)
        weight = frame.weight + len(frame.value)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = _Value(frame.value, weight, frame.height + 1)
        self.hold(event, weight, frame.height + 1)
        self.put(event, self.stack[-1], frame.value)

    def alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        if name not in self.anchors:
            self.refuse("unknown-alias", name, event)
        found = self.anchors[name]
        if found is None:
            self.refuse("recursion", name, event)
        frame = self.stack[-1]
        if frame.key is None and type(frame.value) is dict:
            self.refuse("key", name, event)
        self.hold(event, found.weight, found.height)
        self.put(event, frame, found.value)

    def hold(self, event: yaml.Event, weight: int, height: int) -> None:
        """Count what the innermost collection holds now."""
        frame = self.stack[-1]
        frame.weight += weight
        frame.height = max(frame.height, height)
        if frame.weight > self.most:
            self.refuse("blow-up", "", event)
        if len(self.stack) + height > DEEPEST:
            self.refuse("deep", "", event)

    def check_tag(self, event: yaml.Event, tag: str, value: Any) -> None:
        if type(value) not in _TYPES.get(tag, ()):
            self.note("tag", tag, event)

    def note(self, kind: str, about: str, event: yaml.Event) -> None:
        path = [len(frame.value) if frame.key is None else frame.key for frame in self.stack[1:]]
        self.faults.append(Fault(kind, about, tuple(path), *span_of(event)))

    def refuse(self, kind: str, about: str, event: yaml.Event) -> NoReturn:
        """Note what leaves nothing to read on for."""
        self.note(kind, about, event)
        raise NoDocument(self.faults)


def _fill_in(value: dict[str, Any], sources: list[dict[str, Any]]) -> None:
    own = dict(value)
    value.clear()
    for source in reversed(sources):
        value.update(source)
    value.update(own)
