"""Parameters on a command line: what is refused of them, and what is repeated."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from exarp.app.opening.project import Project
from exarp.app.selection.arguments import words_behind
from exarp.app.selection.parameters import check_parameters
from exarp.app.selection.targets import choose
from exarp.errors import Problem, UsageError
from exarp.graph.build import build_graph
from exarp.manifests.notations import toml
from exarp.manifests.reading import read_manifest
from exarp.planning.environment import Environment
from exarp.planning.selection import Wanted

TEXT = """
[vars]
arch = "x"
level = "var"

[task.gen]
run = "true"

[task.wheel]
needs = ["gen"]
params = { version = {} }
run = "true"

[task.release]
needs = ["wheel"]
params = { version = { required = true }, level = { choices = ["minor", "major"], default = "minor" } }
env = { E = "env" }
run = "true"
"""


def project(given: Mapping[str, str]) -> Project:
    reading = read_manifest(TEXT.encode(), "exarp.toml", toml, {}, parameters=given)
    assert not reading.problems
    graph, _ = build_graph(reading.manifest.tasks)
    return Project("/w", reading.manifest, graph, reading.locator)


def refused(*names: str, running: bool = True, excluded: tuple[str, ...] = (), **given: str) -> list[Problem]:
    found = project(given)
    try:
        check_parameters(found, choose(found, Wanted(names, excluded=excluded)), given, running)
    except UsageError as error:
        return list(error.problems)
    return []


def test_what_all_that_run_may_be_given_is_taken() -> None:
    assert refused("gen") == []
    assert refused("release", version="1") == []
    assert refused("release", "gen", version="1", level="major") == []
    assert refused("release", running=False) == []


def test_what_must_be_given_is_told_once_of_the_task_that_is_asked_for() -> None:
    (problem,) = refused("release")
    assert (problem.slug, problem.message) == ("missing-parameter", "task 'release' must be given parameter 'version'")
    assert problem.next.endswith("exarp run release version=…")
    (problem,) = refused("wheel", "gen")
    assert problem.next.endswith("exarp run wheel version=…")
    assert refused("release", excluded=("wheel",), version="1") == []


def test_of_a_task_that_is_needed_it_is_told_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        f"{__name__}.TEXT", TEXT.replace("params = { version = { required = true }, level", "params = { level")
    )
    (problem,) = refused("release")
    assert problem.message == "task 'wheel' must be given parameter 'version'; task 'release' needs it"
    assert problem.next.endswith("exarp run release version=…")


@pytest.mark.parametrize(
    ("names", "given", "message", "step"),
    [
        (["release"], {"versoin": "1"}, "no task that is taken has a parameter 'versoin'", "did you mean 'version'?"),
        (["release"], {"zzz": "1"}, "no task that is taken has a parameter 'zzz'", "there is version, level"),
        (["gen"], {"version": "1"}, "no task that is taken has a parameter 'version'", "task 'wheel' has it"),
        (["gen"], {"zzz": "1"}, "no task that is taken has a parameter 'zzz'", "--set NAME=VALUE"),
        (["gen"], {"arch": "a b"}, "'arch' is a variable, and no parameter", "write --set arch='a b'"),
        (
            ["release"],
            {"level": "mjor", "version": "1"},
            "level=mjor: parameter 'level' of task 'release' cannot be that",
            "did you mean 'major'?",
        ),
        (
            ["release"],
            {"level": "zzz"},
            "level=zzz: parameter 'level' of task 'release' cannot be that",
            "minor, major",
        ),
    ],
)
def test_what_is_no_parameter_or_no_choice_is_told(
    names: list[str], given: dict[str, str], message: str, step: str
) -> None:
    for running in (True, False):
        (problem,) = refused(*names, running=running, **given)
        assert problem.message == message
        assert step in problem.next


def test_a_task_that_is_run_again_is_given_what_it_and_its_needs_were_given() -> None:
    found = project({"version": "1", "level": "major", "other": "x"})
    assert words_behind(found, choose(found, Wanted(("release",)))) == {
        "wheel": ("version=1",),
        "release": ("version=1", "level=major"),
    }
    assert words_behind(project({}), choose(project({}), Wanted(("gen",)))) == {}


def test_a_parameter_comes_after_env_and_before_vars_and_the_caller() -> None:
    found = project({"level": "major"})
    environment = Environment(found.manifest, {"level": "caller", "version": "caller", "E": "caller"})
    release, wheel = found.manifest.tasks[2], found.manifest.tasks[1]
    assert environment.value("level", release) == "major"
    assert environment.value("level", wheel) == "var"
    assert environment.value("E", release) == "env"
