"""Whatever stands in a manifest: it is read, or refused at a place; never anything else, and never for long.

``FUZZ_EXAMPLES=20000 pytest tests/manifests/notations/test_fuzz.py`` looks longer than the default does.
"""

from __future__ import annotations

import copy
import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exarp.app.check import check
from exarp.app.opening.examining import examine
from exarp.cli.entry import run_cli
from exarp.errors import ManifestError, Problem
from exarp.views.problems.problem import as_json, render_all
from tests.effort import tries
from tests.manifests.examples import GOOD
from tests.manifests.notations.writing import json_text, toml_text, yaml_text

FOLDER = Path(__file__).parent.parent.parent / "bad_manifests"


def bad(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(FOLDER.glob(pattern))]


DOCUMENTS_OF_GOOD = [tomli.loads(text) for text in GOOD.values()]
TEXTS = {
    "exarp.toml": [text.encode() for text in GOOD.values()] * 10 + bad("*.toml"),
    "exarp.yaml": [
        yaml_text(tree, lambda block=block: block).encode() for tree in DOCUMENTS_OF_GOOD for block in (True, False)
    ]
    * 5
    + bad("*.yaml"),
    "exarp.json": [json_text(tree).encode() for tree in DOCUMENTS_OF_GOOD] * 10 + bad("*.json"),
    "pyproject.toml": [toml_text({"tool": {"exarp": tree}}, lambda: True).encode() for tree in DOCUMENTS_OF_GOOD] * 10
    + bad("*/pyproject.toml"),
}
TOKENS = re.compile(rb'"[^"\n]*"|\w+|\s+|.', re.DOTALL)
SECONDS = 20.0

thorough = settings(
    max_examples=tries(int(os.environ.get("FUZZ_EXAMPLES", "400"))),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def problems_in(data: bytes, path: Path) -> list[Problem]:
    """What is said of ``data``; fails where that is no answer."""
    path.write_bytes(data)
    start = time.perf_counter()
    try:
        _, found = examine(str(path.parent), str(path), {"HOME": "/home/me"})
        found = found or check(str(path.parent), str(path))
    except ManifestError as error:
        found = list(error.problems)
        assert found
    assert render_all(found) or not found
    assert as_json(found, 3).endswith(b"}\n")
    assert time.perf_counter() - start < SECONDS
    return found


def assert_places(found: list[Problem], data: bytes, name: str = "exarp.toml") -> None:
    """Each error points at a text of the file."""
    lines = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    for problem in found:
        if problem.severity == "error" and problem.slug != "not-utf8":
            assert problem.place is not None
            for place in (problem.place, *(related.place for related in problem.related)):
                assert place.file == name
                assert place.text == lines[place.line - 1]
                assert 1 <= place.column <= len(place.text) + 1


# -- texts ---------------------------------------------------------------------------------------------------------

LITERALS = [
    b"*x", b"&x", b"<<: *x", b"!x", b"|", b"null", b"\t", b"---",
    b"1", b"-1", b"true", b'"x"', b"[]", b"{}", b"nan", b"-inf", b"2020-01-01", b"07:30:00", b'"${x}"', b'"../x"', b"[[1]]",
    b'["a", "gen"]', b"{ a = 1 }", b"1e999", b"9" * 30, b"9" * 5000, b"0x" + b"f" * 5000, b'"\\u0000"', b'"./"', b'"/"',
   
    b'"**"', b'"gen"', b'"link"', b'"${"', b"'''\n${a.b}\n'''", b'"\\ud800"', b"[" * 600, b"a." * 1200, b'"\xff"', b"\x00",
]  # fmt: skip


def edited(data: bytes, rng: random.Random) -> bytes:
    """``data`` after a few slips of the keyboard: bytes, tokens and lines deleted, doubled, swapped, replaced."""
    for _ in range(rng.randint(1, 5)):
        edit = rng.choice([edit_bytes, edit_token, edit_token, edit_line])
        data = edit(data, rng)
    return data


def edit_bytes(data: bytes, rng: random.Random) -> bytes:
    start = rng.randint(0, len(data))
    new = bytes(rng.choice(b"[]{}\"'=.,#\n\r\\$!/ a0\x00\xff\xe2") for _ in range(rng.randint(0, 3)))
    return data[:start] + new + data[start + rng.randint(0, 8) :]


def edit_token(data: bytes, rng: random.Random) -> bytes:
    tokens = TOKENS.findall(data) or [b""]
    at, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    match rng.randrange(4):
        case 0:
            del tokens[at]
        case 1:
            tokens.insert(other, tokens[at])
        case 2:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        case _:
            tokens[at] = rng.choice(LITERALS)
    return b"".join(tokens)


def edit_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return b"\n".join(lines)


@pytest.mark.parametrize("name", TEXTS)
@thorough
@given(st.data(), st.randoms(use_true_random=False))
def test_an_edited_manifest_is_read_or_refused(
    tmp_path: Path, name: str, data: st.DataObject, rng: random.Random
) -> None:
    text = edited(data.draw(st.sampled_from(TEXTS[name])), rng)
    assert_places(problems_in(text, tmp_path / name), text, name)


@pytest.mark.parametrize("name", TEXTS)
@thorough
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_random_bytes_are_read_or_refused(tmp_path: Path, name: str, data: bytes) -> None:
    assert_places(problems_in(data, tmp_path / name), data, name)


# -- values --------------------------------------------------------------------------------------------------------

TREES = DOCUMENTS_OF_GOOD * 3
KEYS = (
    "vars settings resources task wave run argv inputs outputs modifies needs after depfile env cwd shell priority tags mutex "
    "retries timeout on_failure name tasks order parallel default jobs schedule log_limit from matrix include gen cc link x"
).split()
STRINGS = (
    "cc link gen fmt backend . ./ ../x /etc src/** src/gen.c build/ ${arch} ${nope} ${ ${env.HOME} ${env.NO} $${a} a\0b é😀 5m "
    "1GiB true 4 ${dir}/main.o !x !"
).split(" ")
SCALARS = st.one_of(
    st.sampled_from([*STRINGS, ""]),
    st.text(max_size=8),
    st.integers(-3, 5) | st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**30, 16**3000]),
    st.floats(),
    st.booleans(),
    st.dates() | st.times() | st.datetimes(),
)
KEY = st.sampled_from(KEYS) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=3), max_leaves=8
)
DOCUMENTS = st.dictionaries(KEY, VALUES, max_size=4)


def slots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree that holds a value: the container, and the key or index."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from slots(value[key])


def changed(tree: dict[str, Any], new: list[Any], rng: random.Random) -> dict[str, Any]:
    """``tree`` with values of other types at random paths, entries renamed, moved, taken out."""
    tree = copy.deepcopy(tree)
    for value in new:
        found = list(slots(tree))
        if not found:
            break
        container, key = rng.choice(found)
        match rng.randrange(5):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[rng.choice(KEYS)] = container.pop(key)
            case 2:
                other, place = rng.choice(found)
                container[key] = copy.deepcopy(other[place])
            case _:
                container[key] = value
    return tree


@thorough
@given(st.sampled_from(TREES), st.lists(VALUES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_a_manifest_with_other_values_is_read_or_refused(
    tmp_path: Path, tree: dict[str, Any], new: list[Any], rng: random.Random
) -> None:
    data = toml_text(changed(tree, new, rng), lambda: rng.random() < 0.8).encode()
    tomli.loads(data.decode())
    assert_places(problems_in(data, tmp_path / "exarp.toml"), data)


@thorough
@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_any_document_is_read_or_refused(tmp_path: Path, tree: dict[str, Any], rng: random.Random) -> None:
    data = toml_text(tree, lambda: rng.random() < 0.5).encode()
    tomli.loads(data.decode())
    assert_places(problems_in(data, tmp_path / "exarp.toml"), data)


@settings(thorough, max_examples=tries(50))
@given(st.sampled_from(TEXTS["exarp.toml"]), st.randoms(use_true_random=False))
def test_the_command_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, rng: random.Random
) -> None:
    path = tmp_path / "exarp.toml"
    path.write_bytes(edited(text, rng))
    status = run_cli(["-C", str(tmp_path), "check", "-f", str(path)])
    printed = capsys.readouterr()
    # What could be mended is offered, which is no part of the report.
    assert re.fullmatch(r"(\d+ of these can be fixed: .*\n)?", printed.err)
    problems = check(str(tmp_path), str(path))
    assert status == (3 if any(problem.severity == "error" for problem in problems) else 0)
    assert printed.out == (f"{render_all(problems)}\n" if problems else "no errors, no doubts\n")


# -- large -----------------------------------------------------------------------------------------------------------

MANY = 3000
LARGE = {
    "unknown needs": "".join(f'[task.t{n}]\nneeds = ["x{n}"]\n' for n in range(MANY)),
    "wrong types": "".join(f"[task.t{n}]\nneeds = {n}\n" for n in range(MANY)),
    "unknown keys": "".join(f"[task.t{n}]\nkey{n} = 1\n" for n in range(MANY)),
    "one output": "".join(f'[task.t{n}]\noutputs = ["a"]\n' for n in range(MANY)),
    "one long list": "[task.a]\noutputs = [" + '"x",' * MANY + "]\n",
    "unknown in one list": "[task.a]\nneeds = [" + "".join(f'"x{n}",' for n in range(MANY)) + "]\n",
    "dotted names": "".join(f'[task.t.a{n}]\nrun = "x"\n' for n in range(MANY)),
    "deep dotted names": "".join(f"[task.{'.'.join('a' * n)}]\nx = 1\n" for n in range(1, 500)),
    "one wave twice": "".join('[[wave]]\nname = "w"\ntasks = ["a"]\n' for n in range(MANY)) + "[task.a]\n",
    "one task twice": '[task.a]\n[[wave]]\nname = "w"\ntasks = [' + '"a",' * MANY + "]\n",
    "a sequence against needs": '[[wave]]\nname = "w"\norder = "sequential"\ntasks = ['
    + "".join(f'"t{n}",' for n in range(MANY))
    + "]\n[task.t0]\n"
    + "".join(f'[task.t{n}]\nneeds = ["t{(n + 1) % MANY}"]\n' for n in range(1, MANY)),
    "a cycle": "".join(f'[task.t{n}]\nneeds = ["t{(n + 1) % MANY}"]\n' for n in range(MANY)),
    "unknown variables": "[vars]\n" + "".join(f'v{n} = "${{w{n}}}"\n' for n in range(MANY)),
    "a chain of variables": "[vars]\n" + "".join(f'v{n} = "${{v{n + 1}}}"\n' for n in range(MANY)) + f'v{MANY} = "x"\n',
    "variables that double": "[vars]\nv0 = 'xx'\n" + "".join(f'v{n + 1} = "${{v{n}}}${{v{n}}}"\n' for n in range(MANY)),
    "one text": '[task.a]\ncwd = "' + "".join(f"${{w{n}}}" for n in range(MANY)) + '"\n',
    "one script": '[task.a]\nrun = """\n' + "".join(f"echo ${{a.w{n}}}\n" for n in range(MANY)) + '"""\n',
    "an open string": '[task.a]\nx = """' + "x\n" * MANY,
    "an open list": "x = [" + "1,\n" * MANY,
    "one key twice": "x = [\n" + "1,\n" * MANY + "]\nx = 2\n",
    "brackets": "x = " + "[" * MANY,
    "a long key": ".".join("a" * MANY) + " = 1\n",
    "a long line": "x = " + "a" * 100 * MANY,
    "quotes": "x = " + "\"'" * MANY,
    "backslashes": 'x = "' + "\\" * MANY,
}


@pytest.mark.parametrize("name", LARGE)
def test_many_faults_take_no_longer_than_a_moment(tmp_path: Path, name: str) -> None:
    data = LARGE[name].encode()
    found = problems_in(data, tmp_path / "exarp.toml")
    assert bool(found) == (name != "a chain of variables")
    assert_places(found, data) if len(found) < 10 else assert_places(found[:10], data)
