"""Templates: which of several texts a field of a task comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.manifests.reading import manifest, marked, problems, read

# -- against a plain oracle ----------------------------------------------------------------------------------------

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "run": st.sampled_from(["r1", "r2"]),
        "argv": st.sampled_from([["a1"], ["a2"]]),
        "retries": st.integers(0, 2),
        "manual": st.booleans(),
        "priority": st.sampled_from(["medium", "high"]),
        "tags": st.lists(st.sampled_from("xyz"), max_size=2),
        "env": st.dictionaries(st.sampled_from("AB"), st.sampled_from("12"), max_size=2),
        "extends": st.lists(st.sampled_from(["t0", "t1", "t2"]), max_size=2, unique=True),
    },
)


@given(st.lists(FIELDS, min_size=3, max_size=3), FIELDS)
def test_a_task_is_what_it_would_be_with_its_templates_written_out(
    templates: list[dict[str, object]], own: dict[str, object]
) -> None:
    # Each template extends later ones only: no cycles.
    for number, template in enumerate(templates):
        if "extends" in template:
            template["extends"] = [name for name in template["extends"] if int(name[1:]) > number]
    for table in (*templates, own):
        if "run" in table:
            table.pop("argv", None)
    tables = {f"t{number}": template for number, template in enumerate(templates)}
    if not {"run", "argv"} & _written_out(own, tables).keys():
        # A task without a command takes less.
        own["run"] = "r0"
    short = "".join(f"[template.{name}]\n{_toml(table)}" for name, table in tables.items())
    short += f"[task.it]\n{_toml(own)}"
    plain = _written_out(own, tables)
    long = f"[task.it]\n{_toml(plain)}"
    (found,), (wanted,) = manifest(short).tasks, manifest(long).tasks
    assert found == wanted


def _written_out(table: Mapping[str, object], tables: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in table.get("extends", []):
        _put(found, _written_out(tables[name], tables))
    _put(found, {key: value for key, value in table.items() if key != "extends"})
    return found


def _put(found: dict[str, object], above: Mapping[str, object]) -> None:
    if "run" in above or "argv" in above:
        found.pop("run", None)
        found.pop("argv", None)
    for key, value in above.items():
        found[key] = {**found.get(key, {}), **value} if key == "env" else value


def _toml(table: Mapping[str, object]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {json.dumps(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def test_a_task_without_a_command_takes_from_a_template_what_has_a_meaning_for_it() -> None:
    text = """
        [template.slow]
        tags = ["slow"]
        timeout = "5m"
        env = { LEVEL = "3" }
        [task.all]
        extends = "slow"
        needs = ["unit"]
        [task.unit]
        extends = "slow"
        run = "unit"
    """
    group, unit = manifest(text).tasks
    assert (group.tags, group.timeout, group.env) == (("slow",), 0.0, {})
    assert (unit.tags, unit.timeout, unit.env) == (("slow",), 300.0, {"LEVEL": "3"})


# -- cases ---------------------------------------------------------------------------------------------------------


def test_a_matrix_may_come_from_a_template_axis_by_axis() -> None:
    found = manifest("""
        [template.each]
        matrix = { arch = ["a", "b"] }
        outputs = ["${arch}/${n}"]
        [task.t]
        extends = "each"
        matrix = { n = [1] }
        run = "t"
    """)
    assert [each.name for each in found.tasks] == ["t@a,1", "t@b,1"]
    assert [each.outputs for each in found.tasks] == [("a/1",), ("b/1",)]


def test_tasks_share_no_more_than_what_is_written() -> None:
    found = manifest("""
        [template.t]
        env = { A = "1" }
        [task.one]
        extends = "t"
        env = { B = "2" }
        run = "1"
        [task.two]
        extends = "t"
        run = "2"
    """)
    assert [each.env for each in found.tasks] == [{"A": "1", "B": "2"}, {"A": "1"}]


def test_settings_are_below_templates() -> None:
    text = '[settings]\nretries = 1\n[template.t]\nretries = 2\n[task.a]\nextends = "t"\nrun = "a"\n[task.b]\nrun = "b"'
    assert [each.retries for each in manifest(text).tasks] == [2, 1]


FAULTY = """
[template.t]
outputs = ["${nope}"]
env = { A = "${nope}", B = "b" }
[task.a]
extends = "t"
run = "a"
[task.b]
extends = ["t"]
matrix = { n = [1, 2] }
env = { B = "${nope}" }
run = "b"
"""


def test_what_is_wrong_with_a_template_is_told_once_and_there() -> None:
    found = problems(FAULTY)
    assert [(each.slug, each.place.line if each.place else 0) for each in found] == [
        ("unknown-variable", 3),
        ("unknown-variable", 4),
        ("unknown-variable", 11),
    ]


def test_places_of_fields_are_where_they_are_written() -> None:
    locator = read(FAULTY).locator
    assert locator.key("task", "a", "outputs").line == 3
    assert locator.value("task", "b@1", "env", "A").line == 4
    assert locator.value("task", "b@1", "env", "B").line == 11
    assert locator.key("task", "b@1", "run").line == 12
    assert locator.key("task", "a", "needs").line == 5


def test_a_task_that_extends_what_there_is_not_is_told_that_alone() -> None:
    (problem,) = problems('[template.x]\n[task.t]\nextends = "xx"\nneeds = []\noutputs = ["${of_it}"]')
    assert (problem.slug, marked(problem), problem.next) == ("unknown-template", '"xx"', "did you mean 'x'?")


@pytest.mark.parametrize("depth", [100, 5000])
def test_a_tower_of_templates_ends_somewhere(depth: int) -> None:
    text = "".join(f'[template.t{n}]\nextends = "t{n + 1}"\n' for n in range(depth)) + f"[template.t{depth}]\n"
    found = {each.slug for each in problems(text + '[task.t]\nextends = "t0"\nrun = "t"')}
    assert found == (set() if depth == 100 else {"too-many-templates"})
