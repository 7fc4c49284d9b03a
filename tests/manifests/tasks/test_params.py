"""``params`` of tasks: what is meant by what is written, and what fields and scripts know of it."""

from __future__ import annotations

from exarp.manifests.notations import toml
from exarp.manifests.reading import Reading, read_manifest
from exarp.model.param import Param
from exarp.model.task import Task

RELEASE = """
[vars]
kind = "min"

[task.release]
outputs = ["dist/${version}/${level}"]
env = { N = "${n}" }
argv = ["x", "${version}"]
timeout = "${version}"

[task.release.params]
version = { description = "V ${kind}" }
level = { choices = ["${kind}or", "major"], default = "${kind}or" }
n = 3
note = { required = false }
"""


def read(text: str, **given: str) -> Reading:
    return read_manifest(text.encode(), "exarp.toml", toml, {}, parameters=given)


def tasks(text: str, **given: str) -> list[Task]:
    found = read(text, **given)
    assert found.problems == []
    return list(found.manifest.tasks)


def test_a_string_is_a_default_and_what_has_none_must_be_given() -> None:
    (task,) = tasks(RELEASE)
    version, level, n, note = task.params
    assert version == Param("version", description="V min")
    assert version.required
    assert level == Param("level", "minor", "minor", ("minor", "major"))
    assert (n, note) == (Param("n", "3", "3"), Param("note", "", ""))
    assert task.variables == {"level": "minor", "n": "3", "note": ""}


def test_fields_know_what_is_given_and_of_what_is_missing_its_name() -> None:
    (task,) = tasks(RELEASE)
    assert (task.outputs, task.argv, task.timeout) == (("dist/${version}/minor",), ("x", "${version}"), 0)
    (task,) = tasks(RELEASE, version="2s", level="other", unknown="x", n="${kind}")
    assert (task.outputs, task.argv, task.timeout) == (("dist/2s/other",), ("x", "2s"), 2)
    assert task.env == {"N": "${kind}"}
    assert [param.given for param in task.params] == [True, True, True, False]
    assert task.variables == {"version": "2s", "level": "other", "n": "${kind}", "note": ""}


def test_a_parameter_hides_a_variable_in_its_own_task_alone() -> None:
    text = '[vars]\nx = "var"\n[task.a]\nparams = { x = "own" }\nargv = ["${x}"]\n[task.b]\nargv = ["${x}"]\n'
    assert [task.argv for task in tasks(text, x="given")] == [("given",), ("var",)]


def test_instances_of_a_matrix_have_parameters_beside_their_axes() -> None:
    text = """
        [task.t]
        matrix = { a = ["1", "2"] }
        params = { p = "x", q = "${a}" }
        env = { A = "${a}${p}", P = "${p}" }
        outputs = ["${p}${q}"]
        run = "true"
        """
    # What a parameter takes from an axis differs, and so does what uses it.
    found = read(text.replace(', q = "${a}"', "").replace("${q}", "${a}"), p="y")
    assert found.problems == []
    assert [task.env for task in found.manifest.tasks] == [{"A": "1y", "P": "y"}, {"A": "2y", "P": "y"}]
    assert [task.outputs for task in found.manifest.tasks] == [("y1",), ("y2",)]
    assert [task.variables for task in found.manifest.tasks] == [{"a": "1", "p": "y"}, {"a": "2", "p": "y"}]


def test_templates_give_parameters_one_by_one() -> None:
    text = """
        [template.base]
        params = { a = "1", b = "2" }
        [task.t]
        extends = "base"
        params = { b = "3" }
        argv = ["${a}${b}"]
        """
    (task,) = tasks(text)
    assert task.argv == ("13",)
    (task,) = tasks(text, a="x")
    assert task.argv == ("x3",)


def test_what_is_wrong_with_a_value_is_told_where_it_is_used() -> None:
    (problem,) = read('[task.t]\nparams = { t = "1s" }\ntimeout = "${t}"\nrun = "true"', t="5x").problems
    assert (problem.slug, str(problem.place)) == ("bad-duration", "exarp.toml:3:11")
