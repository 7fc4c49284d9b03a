"""Makefiles as drafts: what becomes of each thing that makefiles say."""

from __future__ import annotations

from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from exarp.manifests.foreign.draft import Draft
from exarp.manifests.foreign.make import convert_make
from exarp.manifests.foreign.make_functions import replace_pattern, split_arguments
from exarp.manifests.foreign.make_lines import logical_lines
from exarp.manifests.foreign.toml_text import draft_text

FILES = ("src/a.c", "src/b.c", "main.c", "VERSION")


def convert(text: str, files: tuple[str, ...] = FILES, included: dict[str, str] | None = None) -> Draft:
    def glob(pattern: str) -> list[str]:
        from fnmatch import fnmatchcase

        return sorted(file for file in files if fnmatchcase(file, pattern) and pattern.count("/") == file.count("/"))

    return convert_make(text, "Makefile", glob, set(files).__contains__, (included or {}).get)


def tasks(draft: Draft) -> dict[str, dict[str, Any]]:
    return {task.name: task.keys for task in draft.tasks}


def test_a_pattern_rule_becomes_a_matrix_and_its_users_take_files() -> None:
    draft = convert(
        "CC = gcc\n"
        "SRC := $(wildcard src/*.c)\n"
        "OBJ = $(SRC:src/%.c=build/%.o)\n"
        "app: $(OBJ) ## the program\n\t$(CC) -o $@ $^\n"
        "build/%.o: src/%.c | build\n\t@mkdir -p $(@D)\n\t$(CC) -MMD -c $< -o $@\n"
        "build:\n\tmkdir -p $@\n"
        "-include $(OBJ:.o=.d)\n"
    )
    assert draft.variables == {"CC": "gcc"}
    assert draft.settings == {"default": ["app"], "shell": ["/bin/sh", "-c"]}
    assert tasks(draft) == {
        "app": {
            "description": "the program",
            "inputs": ["build/a.o", "build/b.o"],
            "outputs": ["app"],
            "run": "$CC -o $out $in",
        },
        "o": {
            "matrix": {"stem": ["a", "b"]},
            "inputs": ["src/${stem}.c"],
            "outputs": ["build/${stem}.o"],
            "run": ["mkdir -p build", "$CC -MMD -c $in -o $out"],
            "depfile": "build/${stem}.d",
        },
    }
    assert not draft.leftovers


def test_phony_targets_always_run_and_need_tasks() -> None:
    draft = convert(".PHONY: all test\nall: test main\ntest: main\n\t./main\n\t-rm x; rm y\n\nmain: main.c\n")
    assert draft.settings["default"] == ["all"]
    assert tasks(draft)["all"] == {"needs": ["test", "main"]}
    assert tasks(draft)["test"] == {"needs": ["main"], "run": ["./main", "{ rm x; rm y; } || :"]}
    # make has a rule of its own for a program of one source.
    assert tasks(draft)["main"]["inputs"] == ["main.c"]
    assert tasks(draft)["main"]["outputs"] == ["main"]


@pytest.mark.parametrize(
    ("definitions", "recipe", "script", "variables"),
    [
        ("V = 1.0", "echo '$(V)'", 'echo "$V"', {"V": "1.0"}),
        ("V ?= 1.0\nV += x", "echo $(V)y", "echo ${V}y", None),
        ("", "echo $(DESTDIR)$(HOME) $$x", "echo $DESTDIR$HOME $x", {"DESTDIR": "${env.DESTDIR:-}"}),
        ('Q = -DX=\\"a\\"', "cc $(Q)", 'cc -DX=\\"a\\"', {}),
        ("A = $(B)\nB = b", "echo $(A) ${A:b=c} $(subst b,d,$A)", "echo $A c d", {"A": "b"}),
        ("f = <$(1)|$(2)>", "echo '$(call f,x,y)'", "echo '<x|y>'", {}),
        ("L = a b", "echo $(foreach w,$(L),$(w).o) $(words $(L)) $(if $(L),yes,no)", "echo a.o b.o 2 yes", {}),
        ("", "echo $(shell date +%s $@)", "echo $(date +%s $out)", {}),
        ("C = $(CC) '-o' $@ $(X)\nX = 1", "$(C)y", "$CC '-o' t ${X}y", None),
        ("", "$(COMPILE.c) $<", "$CC $CFLAGS $CPPFLAGS -c $in", None),
        ("V := $(shell cat VERSION)", "echo $(V)", "echo $V", {"V": {"run": "cat VERSION"}}),
    ],
)
def test_references(definitions: str, recipe: str, script: str, variables: dict[str, Any] | None) -> None:
    needs = " main.c" if "$<" in recipe else ""
    draft = convert(f"{definitions}\nt:{needs}\n\t{recipe}\n\t: $@\n" if needs else f"{definitions}\nt:\n\t{recipe}\n")
    script = [script, ": $out"] if needs else script  # type: ignore[assignment]
    assert tasks(draft)["t"]["run"] == script
    assert variables is None or draft.variables == variables


def test_the_environment_goes_before_what_has_a_question_mark_and_what_is_added_stays() -> None:
    draft = convert("CFLAGS ?= -O2\nCFLAGS += -Wall\nLDFLAGS += -g\nt:\n\tcc $(CFLAGS) $(LDFLAGS)\n")
    assert draft.variables == {"CFLAGS": "${env.CFLAGS:--O2} -Wall", "LDFLAGS": "${env.LDFLAGS:-} -g"}


def test_conditions_are_decided_now_and_told() -> None:
    draft = convert("ifeq ($(X),1)\nt:\n\tone\nelse ifdef CC\nt:\n\ttwo\nelse\nt:\n\tthree\nendif\n")
    assert tasks(draft)["t"]["run"] == "two"
    assert [left.line for left in draft.leftovers] == [1, 4]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("ifeq ($(shell uname),x)\nt:\n\tx\nendif\nu:\n\ty\n", 1, "say --shell"),
        ("t::\n\tone\n", 1, "several recipes"),
        ("export X\nt:\n\tx\n", 1, "those that it names"),
        ("$(eval X = 1)\nt:\n\tx\n", 1, "$(eval …) has no counterpart"),
        ("t: missing\n\tx\n", 1, "nothing makes missing"),
        ("debug: X = 1\ndebug:\n\techo $(X)\n", 1, "of these targets alone"),
        ("x y z\n", 1, "not understood"),
        ("A = $(A)\nt:\n\techo $(A)\n", 2, "uses itself"),
        ("vpath %.c src\nt:\n\tx\n", 1, "vpath has no counterpart"),
        ("include missing.mk\nt:\n\tx\n", 1, "it is not there"),
        ("%.x: %.y\n\tx\n", 1, "nothing that is named uses"),
    ],
)
def test_what_has_no_counterpart_is_listed_with_its_line(text: str, line: int, why: str) -> None:
    left = convert(text).leftovers
    assert [(each.line, why in each.why) for each in left] == [(line, True)], left


def test_an_included_makefile_is_read_in_its_place() -> None:
    draft = convert("include more.mk\nt:\n\techo $(X)\n", included={"more.mk": "X = 1\n"})
    assert draft.variables == {"X": "1"}


def test_commands_are_run_where_that_is_allowed() -> None:
    asked: list[str] = []

    def printed(command: str) -> str:
        asked.append(command)
        return "Linux"

    text = "D != uname -s\nifeq ($(shell uname),Linux)\n$(D): main.c\n\tx $@\nendif\n"
    draft = convert_make(text, "Makefile", lambda _: [], lambda _: True, lambda _: None, printed)
    assert tasks(draft) == {"Linux": {"inputs": ["main.c"], "outputs": ["Linux"], "run": "x $out"}}
    assert asked == ["uname", "uname -s"]


def test_what_an_included_makefile_says_is_told_with_its_name() -> None:
    (left,) = convert("include more.mk\nt:\n\tx\n", included={"more.mk": "\nvpath x\n"}).leftovers
    assert (left.file, left.line) == ("more.mk", 2)


def test_a_file_that_is_always_made_has_no_outputs_to_be_up_to_date_by() -> None:
    (task,) = convert("version.h: FORCE\n\tgit describe > $@\nFORCE:\n").tasks
    assert "outputs" not in task.keys
    assert task.keys["run"] == "git describe > version.h"


def test_what_lies_outside_takes_nothing_with_it() -> None:
    draft = convert("app: ../a.o main.o util.o\n\tcc -o $@ $^\n%.o: %.c\n\tcc -c $< -o $@\n",
                    ("../a.c", "main.c", "util.c"))  # fmt: skip
    assert [task.keys.get("matrix") or task.keys["outputs"] for task in draft.tasks] == [
        ["app"], ["../a.o"], {"stem": ["main", "util"]}
    ]  # fmt: skip


def test_what_does_nothing_is_no_need() -> None:
    draft = convert("a: dummy\n\techo\ndummy:\n\t# nothing\n")
    draft.drop_missing()
    assert tasks(draft) == {"a": {"run": "echo"}}
    assert [(left.line, left.text) for left in draft.leftovers] == [(3, "dummy")]


def test_that_make_goes_on_doing_a_part_is_told() -> None:
    draft = convert("lib:\n\t$(MAKE) -C lib\n")
    assert [task.keys["run"] for task in draft.tasks] == ["make -C lib"]
    assert [(left.line, "it calls make" in left.why) for left in draft.leftovers] == [(1, True)]


def test_lines_that_go_on_are_one_and_keep_their_number() -> None:
    lines = list(logical_lines("a = 1 \\\n  2\nt:\n\tx \\\n\t  y\n"))
    assert [(line.number, line.text) for line in lines][:3] == [(1, "a = 1 2"), (3, "t:"), (4, "x \\\n  y")]


@given(st.text("ab%./", max_size=6), st.text("ab%", max_size=4), st.text("ab%./", max_size=8))
def test_a_word_that_fits_a_pattern_keeps_its_stem(pattern: str, replacement: str, word: str) -> None:
    found = replace_pattern(pattern, replacement, word)
    if "%" not in pattern:
        assert found == (replacement if word == pattern else word)
    elif found != word:
        before, _, after = pattern.partition("%")
        assert word.startswith(before) and word.endswith(after)


@given(st.lists(st.text("ab$(){}", max_size=5), min_size=1, max_size=4))
def test_arguments_are_never_lost(parts: list[str]) -> None:
    assert ",".join(split_arguments(",".join(parts), 4)) == ",".join(parts)


@given(st.text("a:=$(){}\t\n#%\\|;, ifeq()endif", max_size=60))
def test_any_text_becomes_toml(text: str) -> None:
    assert "shell" in tomli.loads(draft_text(convert(text)))["settings"]
