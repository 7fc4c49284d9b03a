"""Beginnings: what another tool's file says, run by exarp as by that tool."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.conftest import Workspace

MAKEFILE = """\
CC ?= cc
VERSION := $(shell cat VERSION)
OBJ = $(patsubst src/%.c,build/%.o,$(wildcard src/*.c))
.PHONY: all clean
all: app
app: $(OBJ)
\t$(CC) $(LDFLAGS) -o $@ $^
build/%.o: src/%.c include/v.h | build
\t$(CC) $(CFLAGS) -Iinclude -DV='"$(VERSION)"' -c $< -o $@
build:
\tmkdir -p build
report.txt: app
\t./app > $@; \\
\techo done >> $@
clean:
\t-rm -rf build app
"""


def c_project(workspace: Workspace) -> None:
    workspace.write("Makefile", MAKEFILE)
    workspace.write("VERSION", "1.2\n")
    workspace.write("include/v.h", "int f(void);\n")
    workspace.write("src/f.c", "int f(void) { return 3; }\n")
    workspace.write(
        "src/main.c", '#include <stdio.h>\n#include "v.h"\nint main(void) { printf("%s %d\\n", V, f()); return 0; }\n'
    )


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("cc")), reason="no make or no C compiler here")
def test_a_makefile_does_the_same_under_exarp(workspace: Workspace) -> None:
    c_project(workspace)
    subprocess.run(["make", "-s", "report.txt"], cwd=workspace.path, check=True)
    expected = workspace.read("report.txt")
    subprocess.run(["make", "-s", "clean"], cwd=workspace.path, check=True, capture_output=True)
    (workspace.path / "report.txt").unlink()
    result = workspace.exarp("import", "make")
    assert (result.code, "not converted" in result.err) == (0, False), result.err
    assert workspace.exarp("check", "--strict").code == 0
    assert workspace.exarp("run", "report.txt").code == 0
    assert workspace.read("report.txt") == expected == "1.2 3\ndone\n"
    assert workspace.exarp("run", "report.txt").err == "up to date (4 tasks)\n"
    assert workspace.exarp("clean").code == 0
    assert not workspace.exists("build")


def test_import_keeps_what_is_there_and_prints_what_it_is_asked_to(workspace: Workspace) -> None:
    workspace.write("justfile", "a:\n  echo a\nb: (a 'x')\n  echo b\n")
    printed = workspace.exarp("import", "just", "--to", "-")
    assert "[task.a]" in printed.out
    assert "justfile:3  b" in printed.err
    assert not workspace.exists("exarp.toml")
    workspace.manifest("[vars]")
    refused = workspace.exarp("import", "just")
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert workspace.exarp("import", "just", "--force", "-q").err == printed.err.partition("\n")[2]
    assert workspace.exarp("a").out == "a\n"
    assert workspace.exarp("import", "make").code == 2
    assert sorted(path.name for path in workspace.path.iterdir()) == [".exarp", ".git", "exarp.toml", "justfile"]


def test_what_the_manifest_s_rules_refuse_was_not_convertible(workspace: Workspace) -> None:
    workspace.write("Makefile", "a: b\n\tx > $@\nb: a\n\tx > $@\nc:\n\techo c\n.PHONY: c\n../up: c\n\ty > $@\n")
    result = workspace.exarp("import", "make", "--json")
    assert result.code == 2
    result = workspace.exarp("import", "make")
    assert result.code == 0, result.err
    assert workspace.exarp("check").code == 0
    assert workspace.exarp("c").out == "c\n"
    assert "outside" in result.err


def test_init_takes_what_another_tool_says(workspace: Workspace) -> None:
    workspace.write("Makefile", "hello:\n\t@echo hello from make\n")
    result = workspace.exarp("init")
    assert "converted from Makefile" in result.out
    assert workspace.exarp("run").out == "hello from make\n"
    assert workspace.read(".exarp/schema.json").startswith("{")
