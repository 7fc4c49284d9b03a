"""From the words of a command line to tasks: what is taken, and what is said where nothing is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from exarp.app.opening.project import Project
from exarp.app.selection import affected, unknown_names
from exarp.app.selection.affected import Affected
from exarp.app.selection.arguments import with_arguments, words_behind
from exarp.app.selection.targets import Chosen, Unnamed, choose, completions, known_targets
from exarp.errors import Problem, UsageError
from exarp.graph.build import build_graph
from exarp.graph.reachability import closure
from exarp.manifests.notations import toml
from exarp.manifests.problems.place import Locator
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.param import Param
from exarp.model.task import Task
from exarp.planning.selection import Wanted

TASKS = (
    Task("gen", commands=("true",)),
    Task("build", commands=("true",), needs=("gen",), tags=("fast",)),
    Task("test:unit", commands=("true",), needs=("build",), tags=("fast", "tests")),
    Task("test:io", commands=("true",), needs=("build",), tags=("tests",)),
    Task("check", needs=("test:unit", "test:io")),
    Task("deploy:all", commands=("true",), needs=("check",), manual=True, tags=("out",)),
)


def project(tasks: Sequence[Task] = TASKS, waves: Sequence[WaveSpec] = (), default: Sequence[str] = ()) -> Project:
    manifest = Manifest("exarp.toml", tuple(tasks), tuple(waves), Settings(default=tuple(default)))
    graph, faults = build_graph(manifest.tasks)
    assert not faults
    return Project("/w", manifest, graph, Locator("exarp.toml", "", toml, "/w"))


def taken(wanted: Wanted, of: Project | None = None, unnamed: Unnamed = "default") -> tuple[list[str], list[str]]:
    """The targets, and all that runs, as listed."""
    found = choose(of or project(), wanted, unnamed)
    graph = found.graph
    return list(found.targets), [
        graph.names[task] for task in sorted(closure(graph, map(graph.ids.get, found.targets)))
    ]


def refused(wanted: Wanted, of: Project | None = None) -> list[Problem]:
    with pytest.raises(UsageError) as raised:
        choose(of or project(), wanted)
    return list(raised.value.problems)


def test_names_are_compared_with_all_tasks_only_while_that_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_names, "_COMPARISONS", 3)
    with pytest.raises(UsageError) as raised:
        known_targets(project((Task("build"), Task("test"))), ["biuld", "tset", "biuld2"])
    assert [problem.next for problem in raised.value.problems] == [
        "did you mean 'build'?",
        "did you mean 'test'?",
        "`exarp list` shows the tasks",
    ]


def test_names_and_patterns_stand_for_each_task_once() -> None:
    assert taken(Wanted(("test:*", "test:io", "gen")))[0] == ["test:unit", "test:io", "gen"]
    assert taken(Wanted(("**",)))[0] == ["gen", "build", "test:unit", "test:io", "check"]
    assert taken(Wanted(("deploy:*",)), unnamed="all")[0] == ["deploy:all"]


def test_tags_pick_from_what_is_named_else_from_all_that_is_not_manual() -> None:
    assert taken(Wanted(tags=("fast",)), project(default=["check"])) == (
        ["build", "test:unit"],
        ["gen", "build", "test:unit"],
    )
    assert taken(Wanted(("check",), tags=("fast",)))[0] == ["test:unit"]
    assert taken(Wanted(tags=("tests", "fast")))[0] == ["build", "test:unit", "test:io"]
    assert taken(Wanted(("deploy:all",), tags=("out",)))[0] == ["deploy:all"]


def test_groups_pick_the_tasks_of_their_waves() -> None:
    waves = [WaveSpec("a", ("gen", "build"), group=1), WaveSpec("b", ("test:io", "deploy:all"), group=2)]
    assert taken(Wanted(groups=(2,)), project(waves=waves))[0] == ["test:io"]
    assert [problem.message for problem in refused(Wanted(groups=(3,)), project(waves=waves))] == [
        "no wave is in group 3"
    ]
    assert refused(Wanted(groups=(3,)))[0].message == "no wave of this manifest has a group number"


def test_what_is_excluded_is_not_run_and_not_waited_for() -> None:
    assert taken(Wanted(("check",), excluded=("test:io", "gen"))) == (["check"], ["build", "test:unit", "check"])
    assert taken(Wanted(("check",), excluded=("test:*",))) == (["check"], ["check"])
    assert taken(Wanted(every=True, excluded=("deploy:*", "check")))[0] == ["gen", "build", "test:unit", "test:io"]


def test_only_takes_no_more_than_what_is_asked_for() -> None:
    assert taken(Wanted(("build", "test:io"), only=True)) == (["build", "test:io"], ["build", "test:io"])
    found = choose(project(), Wanted(("build", "test:io"), only=True))
    assert found.graph.needs[found.graph.ids["test:io"]] == (found.graph.ids["build"],)


def test_a_wave_is_one_of_the_plan_with_the_same_options() -> None:
    assert taken(Wanted(("check",), waves=(2,))) == (["build"], ["gen", "build"])
    assert taken(Wanted(("check",), waves=(2,), excluded=("gen",))) == (
        ["test:unit", "test:io"],
        ["build", "test:unit", "test:io"],
    )
    assert taken(Wanted(("check",), waves=(4, 1), only=True)) == (["check", "gen"], ["gen", "check"])
    assert taken(Wanted(waves=(1,)), unnamed="all")[0] == ["gen"]


def test_where_nothing_is_named_run_wants_a_default_and_others_take_more() -> None:
    assert refused(Wanted())[0].slug == "no-target"
    assert taken(Wanted(), unnamed="default or all")[0] == ["gen", "build", "test:unit", "test:io", "check"]
    assert taken(Wanted(), unnamed="all")[0] == [task.name for task in TASKS]
    assert taken(Wanted(), project(default=["build"]), "all")[0] == [task.name for task in TASKS]


@pytest.mark.parametrize(
    ("wanted", "slug", "message", "step"),
    [
        (Wanted(("tset:*",)), "unknown-task", "no task's name matches 'tset:*'", "`exarp list` shows"),
        (
            Wanted(("deploy*:*",)),
            "manual-task",
            "'deploy*:*' matches only tasks that are manual: deploy:all",
            "own name",
        ),
        (Wanted(tags=("fsat",)), "unknown-tag", "no task has the tag 'fsat'", "did you mean 'fast'?"),
        (Wanted(tags=("zzz",)), "unknown-tag", "no task has the tag 'zzz'", "the tags are: fast tests out"),
        (Wanted(("gen",), tags=("fast",)), "nothing-selected", "no task of the named tasks has tag fast", "exarp list"),
        (Wanted(("gen",), waves=(2,)), "unknown-wave", "there is no wave 2: the plan has 1", "`exarp plan`"),
        (Wanted(("gen",), excluded=("g*",)), "nothing-selected", "--exclude leaves nothing to run", "exclude less"),
        (Wanted(("gen",), excluded=("gne",)), "unknown-task", "there is no task 'gne'", "did you mean 'gen'?"),
    ],
)
def test_what_stands_for_nothing_is_told(wanted: Wanted, slug: str, message: str, step: str) -> None:
    (problem,) = refused(wanted)
    assert (problem.slug, problem.message) == (slug, message)
    assert step in problem.next


INSIDE = (
    Task("a", commands=("true",), internal=True),
    Task("b", commands=("true",), needs=("a",), aliases=("bee",)),
    Task("gone", commands=("true",), internal=True),
)


def test_what_is_internal_runs_only_where_it_is_needed() -> None:
    of = project(INSIDE)
    assert taken(Wanted(("bee",)), of) == (["b"], ["a", "b"])
    assert taken(Wanted(every=True), of) == (["b"], ["a", "b"])
    assert taken(Wanted(("bee",), excluded=("a",)), of) == (["b"], ["b"])
    assert taken(Wanted(), of, "all")[0] == ["b"]
    assert taken(Wanted(("a",)), of, "all")[0] == ["a"]
    needed, unused = refused(Wanted(("a", "gone")), of)
    assert (needed.slug, needed.next) == ("internal-task", "run one that needs it: b")
    assert unused.next == "take internal = true out to run it by its name"


def test_arguments_go_to_the_targets_that_take_them() -> None:
    tasks = (
        Task("gen", commands=('echo "$@"',)),
        Task("test", commands=('pytest "$@"',), needs=("gen",)),
        Task("plain", commands=("true",)),
        Task("all", needs=("test",)),
    )
    of = project(tasks)
    chosen = choose(of, Wanted(("test", "plain")))
    found = with_arguments(of, chosen, ["-k", "x"])
    assert [task.arguments for task in found.manifest.tasks] == [(), ("-k", "x"), (), ()]
    assert words_behind(found, chosen) == {"test": ("--", "-k", "x")}
    assert with_arguments(of, chosen, []) is of
    for names, message, step in [
        (("plain",), "task 'plain' takes no arguments", 'write "$@"'),
        (("all",), "task 'all' takes no arguments", "arguments go to tasks that are named: name 'test'"),
        (("all", "plain"), "tasks 'all', 'plain' take no arguments", "name 'test'"),
    ]:
        with pytest.raises(UsageError) as raised:
            with_arguments(of, choose(of, Wanted(names)), ["x"])
        (problem,) = raised.value.problems
        assert problem.message == message
        assert step in problem.next


@pytest.mark.parametrize(
    ("wanted", "targets"),
    [
        (Wanted(affected=""), ["test:unit"]),
        (Wanted(every=True, affected=""), ["build", "test:unit"]),
        (Wanted(("build", "test:io"), affected=""), ["build"]),
        (Wanted(("check",), tags=("fast",), affected=""), ["test:unit"]),
        (Wanted(("check",), affected="", excluded=("build",)), ["test:unit"]),
    ],
)
def test_of_what_is_taken_only_what_is_affected_and_runs_something(
    wanted: Wanted, targets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = frozenset({"build", "test:unit", "check", "deploy:all"})
    monkeypatch.setattr(affected, "affected_tasks", lambda *_: Affected(names, "main"))
    assert taken(wanted, project(default=["check"]))[0] == targets


def test_that_nothing_is_affected_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affected, "affected_tasks", lambda *_: Affected(frozenset(), "main"))
    found = choose(project(), Wanted(("gen",), affected="", excluded=("build",)))
    assert found.targets == ()
    assert found.nothing == "nothing is selected: what changed since main affects none of the named tasks"


def test_what_a_manifest_has_no_tags_for_is_told() -> None:
    (problem,) = refused(Wanted(tags=("x",)), project([Task("a")]))
    assert problem.next == "no task of this manifest has tags"


def test_nothing_left_out_is_the_project_s_own_graph() -> None:
    found = project()
    assert choose(found, Wanted(("gen",))) == Chosen(("gen",), found.graph)


# -- matrices ------------------------------------------------------------------------------------------------------

MATRIX = (Task("cc@a.c"), Task("cc@b.c"), Task("link", aliases=("l",)), Task("hidden@1", internal=True))
OF_MATRICES = Manifest("exarp.toml", MATRIX, instances={"cc": ("cc@a.c", "cc@b.c"), "hidden": ("hidden@1",)})


def test_completion_offers_instances_only_behind_their_matrix() -> None:
    assert completions(OF_MATRICES, "") == ["cc", "link", "l"]
    assert completions(OF_MATRICES, "c") == ["cc"]
    assert completions(OF_MATRICES, "cc") == ["cc", "cc@a.c", "cc@b.c"]
    assert completions(OF_MATRICES, "cc@b") == ["cc@b.c"]


def test_an_instance_that_there_is_not_is_compared_with_those_of_its_matrix() -> None:
    words = unknown_names.UnknownNames(OF_MATRICES)
    assert words.problem("cc@a.cc").next == "did you mean 'cc@a.c'?"
    assert words.problem("cc@zzz").next == "there is cc@a.c, cc@b.c"
    assert words.problem("ccc").next == "did you mean 'cc'?"


def test_the_value_of_an_instance_alone_is_answered_with_its_name() -> None:
    words = unknown_names.UnknownNames(OF_MATRICES)
    assert words.problem("b.c").next == words.problem("b").next == "did you mean 'cc@b.c'?"
    assert words.problem("1").next == "`exarp list` shows the tasks"


def test_a_value_behind_a_task_with_parameters_is_answered_with_the_parameter() -> None:
    tasks = (*TASKS, Task("release", params=(Param("version"),)))
    assert refused(Wanted(("release", "1.2")), project(tasks))[0].next == (
        "a parameter is given by its name: exarp run release version=1.2"
    )
    assert refused(Wanted(("gen", "1.2")), project(tasks))[0].next == "`exarp list` shows the tasks"


def test_a_prefix_alone_is_answered_with_a_pattern() -> None:
    assert refused(Wanted(("deploy",)))[0].next == "it is what other tasks' names begin with; all of them: 'deploy:*'"
