"""One model, several readers: what is written in one notation means the same in every other, and stands where it stands."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.errors import ManifestError, Problem
from exarp.manifests.notations import json, pyproject, toml, yaml
from exarp.manifests.problems.notation import Notation
from exarp.manifests.problems.positions import KeyPath
from exarp.manifests.reading import Reading, read_manifest
from tests.effort import tries
from tests.manifests.examples import GOOD
from tests.manifests.notations.writing import json_text, toml_text, yaml_text

TREES = {name: tomli.loads(text) for name, text in GOOD.items()}
NOTATIONS: dict[str, Notation] = {"toml": toml, "json": json, "yaml": yaml, "pyproject": pyproject}

KEYS = "vars settings task wave run argv inputs outputs needs env name tasks order jobs retries from a b gen".split()
SCALARS = st.one_of(
    st.sampled_from("a b gen src/*.c ${a} yes on 010 1_000 22:22 2020-01-01 ~ null True 1e3 <<".split()),
    st.text(st.characters(codec="utf-8"), max_size=6),
    st.sampled_from(["", "x: y", "- a", "a #b", "line\nline", "tab\t", "\x85", "é😀", "\ufeff"]),
    st.integers(-3, 5) | st.sampled_from([2**31, 2**63, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
KEY = (
    st.sampled_from(KEYS)
    | st.sampled_from(["", "1", "on", "null", "<<", "3.10", "a b", "x: y"])
    | st.text(st.characters(codec="utf-8"), max_size=4)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3), max_leaves=10
)
DOCUMENTS = st.dictionaries(KEY, VALUES, max_size=4) | st.fixed_dictionaries(
    {"task": st.dictionaries(KEY, st.dictionaries(KEY, VALUES, max_size=3), max_size=3)}
)


def texts(tree: dict[str, Any], rng: random.Random, with_headers: bool = True) -> dict[str, str]:
    """``tree`` in every notation."""
    project = {"project": {"name": "x"}, "tool": {"exarp": tree, "other": {"task": 1}}}
    written = {
        "toml": toml_text(tree, lambda: with_headers),
        "json": json_text(tree, rng.random() < 0.5),
        "yaml": yaml_text(tree, lambda: rng.random() < 0.7),
        "pyproject": toml_text(project, lambda: with_headers),
    }
    if rng.random() < 0.3:
        written = {name: text.replace("\n", "\r\n") for name, text in written.items()}
    return written


def read(text: str, name: str) -> Reading | list[Problem]:
    try:
        return read_manifest(text.encode(), "m", NOTATIONS[name], {}, 2**30)
    except ManifestError as error:
        return list(error.problems)


def meant(text: str, name: str) -> Any:
    """The model, and what is wrong: everything but places and advice."""
    reading = read(text, name)
    if isinstance(reading, list):
        return reading
    return reading.manifest, sorted(problem.slug for problem in reading.problems)


@pytest.mark.parametrize("name", GOOD)
@given(st.randoms(use_true_random=False))
@settings(max_examples=tries(20), deadline=None)
def test_good_manifests_mean_the_same_in_every_notation(name: str, rng: random.Random) -> None:
    written = texts(TREES[name], rng)
    expected = read(GOOD[name], "toml")
    assert isinstance(expected, Reading)
    for notation, text in written.items():
        found = read(text, notation)
        assert isinstance(found, Reading), found
        assert (found.manifest, found.problems) == (expected.manifest, [])


@given(DOCUMENTS, st.randoms(use_true_random=False))
@settings(max_examples=tries(400), deadline=None)
def test_any_document_means_the_same_in_every_notation(tree: dict[str, Any], rng: random.Random) -> None:
    # Headers have a fault of their own: `[task.a.b]`.
    written = texts(tree, rng, with_headers=False)
    expected = meant(written["toml"], "toml")
    for name, text in written.items():
        assert NOTATIONS[name].parse(text, "m") == tree, text
        assert meant(text, name) == expected, text


def test_the_examples_of_the_documentation_mean_the_same() -> None:
    text = (Path(__file__).parent.parent.parent.parent / "docs/notations.md").read_text()
    examples = dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))
    assert list(examples) == ["toml", "yaml", "json"]
    read_as = {name: read(example, name) for name, example in examples.items()}
    (first, *others) = [(found.manifest, found.problems) for found in read_as.values() if isinstance(found, Reading)]
    assert first[1] == [] and others == [first, first]


def paths(value: Any, path: KeyPath = ()) -> Any:
    """Every path in a document, with the value there."""
    for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, part), inner
        if isinstance(inner, dict | list):
            yield from paths(inner, (*path, part))


@given(DOCUMENTS, st.randoms(use_true_random=False))
@settings(max_examples=tries(300), deadline=None)
def test_every_value_has_its_place_in_every_notation(tree: dict[str, Any], rng: random.Random) -> None:
    for name, text in texts(tree, rng).items():
        notation, positions = NOTATIONS[name], NOTATIONS[name].scan(text)
        lines = text.replace("\r\n", "\n").split("\n")
        for path, value in paths(tree):
            key, at = positions.key(path), positions.value(path)
            assert key is not None and at is not None, (path, text)
            marked = lines[at.line - 1][at.column - 1 :][: at.length]
            if isinstance(value, str | int | float) and "|" not in marked and notation.element(marked) != value:
                raise AssertionError((path, value, marked))
            if isinstance(path[-1], str):
                marked = lines[key.line - 1][key.column - 1 :][: key.length]
                assert path[-1] in (marked, marked[1:-1]) or "\\" in marked or "." in marked, (path, marked)
