"""Justfiles and npm's scripts as drafts, and a draft as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from exarp.errors import ManifestError
from exarp.manifests.foreign.draft import Draft, DraftTask, task_name
from exarp.manifests.foreign.just import convert_just
from exarp.manifests.foreign.npm import convert_npm
from exarp.manifests.foreign.toml_text import draft_text, value


def just(text: str) -> Draft:
    return convert_just(text, "justfile", {"more.just": "helper:\n  echo help\n"}.get)


def tasks(draft: Draft) -> dict[str, dict[str, Any]]:
    return {task.name: task.keys for task in draft.tasks}


def test_recipes_with_parameters_needs_and_attributes() -> None:
    draft = just(
        "set shell := ['bash', '-cu']\nset dotenv-load\n"
        "version := '1.0' + \"\\tx\"\nname := env('NAME', 'me')\nsha := `git rev-parse HEAD`\n"
        "text := '\n  one \"two\"\n'\n"
        "alias t := test\n\n"
        "# run the tests\n@test filter='all' *args: build _prepare\n  pytest -k {{filter}} {{args}} \"{{args}}\"\n"
        "  -rm '{{version}}'\n\n"
        "build:\n    echo {{name}}-{{sha}} \\\n      more\n\n"
        "[private]\nprepare: \n  echo {{{{x}}\n_prepare:\n  #!/usr/bin/env python3\n  print('x')\n    \n"
        "[confirm('sure?')]\n[linux]\ndeploy target:\n  ./deploy {{target}}\n"
    )
    assert draft.settings == {"default": ["test"], "shell": ["bash", "-cu"], "dotenv": [".env"]}
    assert draft.variables == {
        "version": "1.0\tx",
        "name": "${env.NAME:-me}",
        "sha": {"run": "git rev-parse HEAD"},
        "text": '\n  one "two"\n',
    }
    assert tasks(draft) == {
        "test": {
            "description": "run the tests",
            "params": {"filter": "all"},
            "needs": ["build", "_prepare"],
            "run": ['pytest -k $filter "$@" "$*"', '{ rm "$version"; } || :'],
            "aliases": ["t"],
        },
        "build": {"run": "echo $name-$sha \\\n  more"},
        "prepare": {"internal": True, "run": "echo {{x}}"},
        "_prepare": {"internal": True, "shell": ["python3", "-c"], "run": "print('x')\n"},
        "deploy": {
            "confirm": "sure?",
            "platforms": ["linux"],
            "params": {"target": {"required": True}},
            "run": "./deploy $target",
        },
    }
    assert not draft.leftovers


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a x: (b x)\n  y\nb z:\n  z\n", 1, "only a run knows"),
        ("a: b && c\n  y\nb:\n  x\nc:\n  x\n", 1, "after it"),
        ("mod foo\na:\n  x\n", 1, "module"),
        ("x := if os() == 'linux' { 'a' } else { 'b' }\na:\n  echo\n", 1, "condition"),
        ("x := uppercase('a')\na:\n  echo\n", 1, "uppercase()"),
        ("a:\n  echo {{ trim('x') }}\n", 1, "put it into a variable"),
        ("a:\n  #!/usr/bin/awk -f\n  x\n", 1, "interpreter"),
        ("[windows]\na:\n  dir\nb:\n  ls\n", 2, "Windows"),
        ("import 'none.just'\na:\n  x\n", 1, "not there"),
        ("what is this\na:\n  x\n", 1, "not understood"),
    ],
)
def test_what_just_can_and_exarp_cannot_is_listed(text: str, line: int, why: str) -> None:
    assert [(left.line, why in left.why) for left in just(text).leftovers] == [(line, True)]


def test_what_is_needed_with_arguments_is_a_task_of_its_own() -> None:
    draft = just(
        "watch cmd +args='check --all':\n  {{cmd}} -x '{{args}}' {{args}}\n"
        "test: (watch 'cargo' \"test\" '--tests')\n  done\nagain: (watch 'cargo' 'test' '--tests') (watch 'x y')\n"
        "many: (watch 'a' 'b') (one 'b' 'c')\none $x:\n  echo $x\n"
    )
    found = tasks(draft)
    assert found["watch"]["run"] == """$cmd -x "${*:-check --all}" ${@:-check --all}"""
    assert found["watch-cargo-test-tests"] == {"run": "cargo -x 'test --tests' test --tests"}
    assert found["test"] == {"needs": ["watch-cargo-test-tests"], "run": "done"}
    assert found["again"] == {"needs": ["watch-cargo-test-tests", "watch-x-y"]}
    assert found["watch-x-y"]["run"] == """x y -x "${*:-check --all}" ${@:-check --all}"""
    assert [(left.line, left.why) for left in draft.leftovers] == [(6, "it is given too many arguments: c")]


def test_an_imported_justfile_is_read_in_its_place() -> None:
    assert tasks(just("import 'more.just'\na: helper\n")) == {
        "helper": {"run": "echo help"},
        "a": {"needs": ["helper"]},
    }


def package(**scripts: str) -> Draft:
    return convert_npm(
        json.dumps({"version": "1.2.3", "config": {"port": 80}, "scripts": scripts}, indent=2), "package.json"
    )


def test_scripts_with_what_npm_does_around_them() -> None:
    draft = package(**{
        "prebuild": "rm -rf dist", "build": "tsc", "build:js": "echo $npm_package_version",
        "all": "npm run build && echo done && npm run build:js", "both": "run-p build build:*", "bad": "run-s none",
        "only": "npm run build", "port": "serve $npm_package_config_port $npm_package_none",
    })  # fmt: skip
    assert draft.settings["default"] == ["build"]
    assert draft.variables == {"npm_package_version": "1.2.3", "npm_package_config_port": "80"}
    found = tasks(draft)
    assert found["build"]["run"] == ["rm -rf dist", 'tsc "$@"']
    assert found["build-js"]["run"] == 'echo $npm_package_version "$@"'
    assert found["all"]["run"] == ["rm -rf dist", "tsc", "echo done", 'echo $npm_package_version "$@"']
    assert found["only"]["run"] == ["rm -rf dist", 'tsc "$@"']
    assert found["both"] == {"needs": ["build", "build-js"]}
    assert [(left.line, left.why) for left in draft.leftovers] == [(12, "it calls none, which is not here")]


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_a_package_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        convert_npm(text, "package.json")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text("'\"\\\n\t ${}ab", max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_any_value_is_read_back_as_it_was(written: Any) -> None:
    assert tomli.loads(f"x = {value(written)}\n") == {"x": written}


@given(st.dictionaries(TEXTS, VALUES, max_size=3), TEXTS, TEXTS)
def test_a_draft_is_read_back_whatever_its_texts(keys: dict[str, Any], name: str, note: str) -> None:
    draft = Draft(note, "make", variables={"v": note}, tasks=[DraftTask(name, 1, keys, [note])])
    draft.leave(3, note, name)
    assert tomli.loads(draft_text(draft)) == {"vars": {"v": note}, "task": {name: keys}}


@given(st.text(max_size=8), st.sets(st.text(max_size=3)))
def test_every_name_becomes_one_that_a_task_can_have(wanted: str, taken: set[str]) -> None:
    from exarp.model.name import name_fault

    name = task_name(wanted, taken)
    assert name not in taken
    assert name_fault(name) is None


def test_what_is_dropped_is_no_need_any_more() -> None:
    draft = Draft("f", "make", settings={"default": ["a"]})
    draft.tasks = [
        DraftTask("a", 1, {"needs": ["b"]}),
        DraftTask("b", 2, {"run": "x"}),
        DraftTask("c", 3, {"run": "x", "needs": ["b"]}),
    ]
    draft.drop("b", "why")
    assert tasks(draft) == {"c": {"run": "x"}}
    assert draft.tasks[0].notes == ["needs b as well, which was not converted"]
    assert draft.settings == {}
    assert [left.line for left in draft.leftovers] == [2, 1, 3]


def test_what_comes_behind_a_cleaner_waits_for_it() -> None:
    draft = Draft("f", "make")
    draft.tasks = [
        DraftTask("rebuild", 1, {"needs": ["gen", "clean", "all"]}),
        DraftTask("clean", 2, {"run": "rm", "needs": ["stop"]}),
        DraftTask("all", 3, {"needs": ["app", "stop"]}),
        DraftTask("app", 4, {"run": "cc", "inputs": ["a.o", "x.h"], "outputs": ["app"]}),
        DraftTask("o", 5, {"run": "cc", "outputs": ["${s}.o"], "matrix": {"s": ["a", "b"]}}),
        DraftTask("stop", 6, {"run": "stop"}),
        DraftTask("gen", 7, {"run": "gen"}),
        DraftTask("fresh", 8, {"run": "x", "needs": ["clean"]}),
        DraftTask("odd", 9, {"needs": ["all", "reset", "clean"]}),
        DraftTask("reset", 10, {"run": "x", "after": ["clean"]}),
    ]
    draft.clean_first()
    after = {name: keys["after"] for name, keys in tasks(draft).items() if "after" in keys}
    assert after == {"all": ["clean"], "app": ["clean"], "o": ["clean"], "reset": ["clean"]}


def test_what_is_missing_is_told_of_all_that_need_it() -> None:
    draft = Draft("f", "make")
    draft.tasks = [
        DraftTask("a", 1, {"needs": ["gone"]}),
        DraftTask("b", 2, {"run": "x", "needs": ["a", "m@1"], "after": ["gone"]}),
        DraftTask("m", 3, {"run": "x", "matrix": {"n": ["1"]}}),
    ]
    draft.drop_missing()
    assert tasks(draft)["b"] == {"run": "x", "needs": ["m@1"]}
    assert [(left.line, left.why) for left in draft.leftovers] == [
        (1, "all that it needs was not converted: gone"),
        (2, "it needs a, which was not converted"),
    ]
