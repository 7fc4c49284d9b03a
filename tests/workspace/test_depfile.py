from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.workspace.depfile import parse_depfile
from tests.effort import tries

GCC = shutil.which("gcc")
ODD_NAMES = (
    "a b.h", "a#b.h", "a$b.h", "a:b.h", "a\u00a0b.h", "a\\b.h", "a\\ b.h", "tab\tx.h", "a%b.h", "nb\u2028x.h", "ü.h",
    "x\x0cy.h", "a\\#b.h", "end\\.h", "two\\\\ x.h", "(x).h", "a'b.h",
)  # fmt: skip
# What GCC 12 writes for them with -MMD -MP.
WRITTEN = (
    "main.o: main.c a\\ b.h a\\#b.h a$$b.h a:b.h a\u00a0b.h a\\b.h a\\\\\\ b.h tab\\\tx.h \\\n a%b.h nb\u2028x.h ü.h"
    " x\x0cy.h a\\\\#b.h end\\.h two\\\\\\\\\\ x.h (x).h a'b.h\n"
    "a\\ b.h:\na\\#b.h:\na$$b.h:\na:b.h:\na\\\\\\ b.h:\n"
)


def test_odd_names_are_read_as_gcc_writes_them():
    assert parse_depfile(WRITTEN) == ["main.c", *ODD_NAMES]


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_odd_names_are_read_as_the_gcc_that_is_here_writes_them(tmp_path):
    for name in ODD_NAMES:
        (tmp_path / name).write_text("\n")
    (tmp_path / "main.c").write_text("".join(f'#include "{name}"\n' for name in ODD_NAMES))
    subprocess.run([GCC, "-MM", "-MP", "-MF", "main.d", "main.c"], cwd=tmp_path, check=True, timeout=60)

    assert parse_depfile((tmp_path / "main.d").read_text("utf-8")) == ["main.c", *ODD_NAMES]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("", []),
        ("\n  \n", []),
        ("out: in", ["in"]),
        ("out: in\n", ["in"]),
        ("out:\n", []),
        ("out : in\n", ["in"]),
        ("# nothing\nout: in\n", ["in"]),
        (" \\\n  out: in\n", ["in"]),
        ("foo.o: \\\n  bar.h baz.h\n", ["bar.h", "baz.h"]),
        ("foo.o: \\\r\n  bar.h baz.h\r\n", ["bar.h", "baz.h"]),
        ("foo.o: bar.h \\\n", ["bar.h"]),
        ("foo foo.d: x y\n", ["x", "y"]),
        ("foo: x y x\nbar: y z\n", ["x", "y", "z"]),
        ("a\\ bc\\ def:   a\\ b c d", ["a b", "c", "d"]),
        ("C:/Program\\ Files/x: C:/y\n", ["C:/y"]),
        ("a\\: b: c", ["c"]),
        ("a\\\\: b", ["b"]),
        ("x: a\\:b", ["a:b"]),
        ("x: a:b", ["a:b"]),
        ("x: a\\\\ b", ["a\\\\", "b"]),
        ("x: a\\\\\\ b", ["a\\ b"]),
        ("x: \\!\\@\\#$$\\%", ["\\!\\@#$\\%"]),
        ("x: $$$$ $", ["$$", "$"]),
        ("x: end\\", ["end\\"]),
        ("x: y=1 cn={0}core.ldif t+t-x!=1", ["y=1", "cn={0}core.ldif", "t+t-x!=1"]),
    ],
)
def test_rules(text, paths):
    assert parse_depfile(text) == paths


@pytest.mark.parametrize("text", ["no rule at all", "a:b", "out: in\nrest\n", "a\\:"])
def test_what_is_no_rule_is_refused_with_its_text(text):
    with pytest.raises(ValueError, match=r"^no rule in '"):
        parse_depfile(text)


def test_a_long_line_that_is_no_rule_is_cut():
    with pytest.raises(ValueError, match=r"^no rule in 'x{60}'$"):
        parse_depfile("x" * 100_000)


def written(path):
    """A path as GCC writes it."""
    out = ""
    for char in path:
        if char in " \t":
            out += "\\" * (len(out) - len(out.rstrip("\\"))) + "\\" + char
        else:
            out += {"#": "\\#", "$": "$$"}.get(char, char)
    return out


@settings(max_examples=tries(500), deadline=None, derandomize=True)
@given(st.lists(st.text("ab \t\\#$\u00a0\u2028é.", min_size=1, max_size=8).filter(lambda name: name.strip(" \t\\"))))
def test_every_name_comes_back(names):
    # A backslash at a path's end has no spelling of its own.
    names = [name.rstrip("\\") for name in names]

    assert parse_depfile("out.o: " + " \\\n ".join(map(written, names))) == list(dict.fromkeys(names))


def test_a_depfile_of_many_headers_is_read_in_one_go():
    headers = [f"/usr/include/deep/folder/header_{n}.h" for n in range(20_000)]

    assert parse_depfile("x.o: " + " \\\n  ".join(headers)) == headers
