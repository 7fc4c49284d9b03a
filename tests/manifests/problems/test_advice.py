"""Advice that is written in TOML, as other notations say it."""

from __future__ import annotations

import pytest

from exarp.manifests.notations import json, pyproject, toml, yaml

ADVICE = [
    # TOML; YAML; JSON; pyproject.toml
    ("define it in [vars]", "define it in vars", "define it in vars", "define it in [tool.exarp.vars]"),
    ("write [vars]", "write vars:", 'write "vars": { … }', "write [tool.exarp.vars]"),
    ("write [[wave]]", "write wave: [ … ]", 'write "wave": [ … ]', "write [[tool.exarp.wave]]"),
    (
        'write [task.a-b] and below it run = "…"',
        'write task: { a-b: … } with run: "…"',
        'write "task": { "a-b": { … } } with "run": "…"',
        'write [tool.exarp.task.a-b] and below it run = "…"',
    ),
    ("add a [task.NAME] first", "add task: { NAME: … } first", 'add "task": { "NAME": { … } } first', None),
    (
        'name it in env = { A_B = "${a.b}" }, and write $A_B here',
        'name it in env: { A_B: "${a.b}" }, and write $A_B here',
        'name it in "env": { "A_B": "${a.b}" }, and write $A_B here',
        'name it in env = { A_B = "${a.b}" }, and write $A_B here',
    ),
    ("add gpu = … to [resources]", "add gpu: … to resources", 'add "gpu": … to resources', None),
    (
        "'x' must be a table, not tables",
        "'x' must be a mapping, not mappings",
        "'x' must be an object, not objects",
        None,
    ),
    # What a manifest says itself is left alone; an apostrophe quotes nothing.
    (
        "'a = \"b\" [vars]' is none of the task's tables",
        "'a = \"b\" [vars]' is none of the task's mappings",
        None,
        None,
    ),
    ("$x = 3, [other], [] and [1]", "$x = 3, [other], [] and [1]", "$x = 3, [other], [] and [1]", None),
    ("unknown key 'x' at the top level", "unknown key 'x' at the top level", None, "unknown key 'x' in [tool.exarp]"),
]


@pytest.mark.parametrize(("written", "in_yaml", "in_json", "in_project"), ADVICE)
def test_advice_is_said_as_it_is_written(
    written: str, in_yaml: str | None, in_json: str | None, in_project: str | None
) -> None:
    assert toml.advice(written) == written
    for notation, expected in ((yaml, in_yaml), (json, in_json), (pyproject, in_project)):
        if expected is not None:
            assert notation.advice(written) == expected
