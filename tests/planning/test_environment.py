"""What tasks find in their environment, against the contract's sentence on precedence, value by value."""

from __future__ import annotations

import fnmatch

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exarp.model.manifest import Manifest, Settings
from exarp.model.task import Task
from exarp.planning.environment import Environment
from tests.effort import tries

NAMES = ("A", "B", "AB", "HOME", "LC_ALL", "EXARP_X", "in")
VALUES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "1", "2"]), max_size=4)
PATTERNS = st.lists(st.sampled_from(["A", "A*", "*B", "?", "[AB]", "*", "C"]), max_size=2).map(tuple)
SCRIPTS = st.lists(st.sampled_from(NAMES), max_size=3).map(lambda names: " ".join(f"${name}" for name in names))
SOME = settings(max_examples=tries(400), deadline=None, derandomize=True)


@st.composite
def cases(draw):
    """A manifest with one task, the caller's environment, and what the dotenv files say: the task's, and those for all."""
    own, shared = draw(VALUES), draw(VALUES)
    task = Task(
        "t",
        commands=(draw(SCRIPTS),),
        env={name: value for name, value in draw(VALUES).items() if name not in ("in", "EXARP_X")},
        variables=draw(VALUES),
        track_env=draw(PATTERNS),
        dotenv=draw(st.sampled_from([(), ("own",)])),
    )
    rules = Settings(clean_env=draw(st.booleans()), pass_env=draw(PATTERNS))
    files = {(): shared, ("own",): {**shared, **own}}
    manifest = Manifest("exarp.toml", (task,), settings=rules, vars=draw(VALUES), dotenv=files)
    return manifest, task, draw(VALUES)


def plainly(manifest, task, caller):
    """Every layer on top of the next."""
    rules = manifest.settings
    passed = ("PATH", "HOME", "USER", "LANG", "LC_*", "TERM", "TMPDIR", "EXARP_*", *rules.pass_env)
    kept = {
        name: value
        for name, value in caller.items()
        if not rules.clean_env or any(fnmatch.fnmatchcase(name, pattern) for pattern in passed)
    }
    outside = manifest.dotenv[task.dotenv] | kept
    return outside, outside | dict(manifest.vars) | task.variables | task.env


@SOME
@given(cases())
def test_each_layer_wins_over_the_next(case):
    manifest, task, caller = case
    environment = Environment(manifest, caller)
    outside, all_of_it = plainly(manifest, task, caller)

    assert dict(environment.around(task)) == outside
    for name in NAMES:
        assert environment.value(name, task) == all_of_it.get(name)
        assert (environment.source(name, task) == "") is (name not in all_of_it)


@SOME
@given(cases())
def test_what_counts_is_what_scripts_name_and_what_is_tracked(case):
    manifest, task, caller = case
    outside, all_of_it = plainly(manifest, task, caller)
    named = set(task.commands[0].replace("$", "").split())
    tracked = {name for entry in task.track_env for name in {*outside, entry} if fnmatch.fnmatchcase(name, entry)}
    tracked -= {entry for entry in task.track_env if not entry.isalpha()}
    never = {"in", "EXARP_X", *task.env}
    expected = {name: all_of_it.get(name) for name in named - never}
    expected |= {name: outside.get(name) for name in tracked - named - never}

    counted = Environment(manifest, caller).counted(task)

    assert {name: value and value.decode() for name, value in counted.items()} == {
        name: value or (None if value is None else b"") for name, value in expected.items()
    }


def test_who_says_a_value_is_told():
    task = Task("t", env={"E": "1"}, variables={"E": "2", "M": "2"})
    manifest = Manifest("exarp.toml", (task,), vars={"M": "3", "V": "3"}, dotenv={(): {"C": "5", "D": "5"}})
    environment = Environment(manifest, {"V": "4", "C": "4"})

    assert [environment.source(name, task) for name in "EMVCDX"] == ["env", "task", "vars", "caller", "dotenv", ""]


def test_a_value_that_is_not_utf8_counts():
    task = Task("t", commands=("echo $ODD",))

    assert Environment(Manifest("exarp.toml", (task,)), {"ODD": "x\udcff"}).counted(task) == {"ODD": b"x\xff"}


def test_what_a_shell_sets_itself_counts_only_where_the_manifest_speaks_of_it():
    caller = {"PWD": "/here", "SHLVL": "2"}
    task = Task("t", commands=("echo $PWD $SHLVL $OLDPWD",), variables={"SHLVL": "9"})
    manifest = Manifest("exarp.toml", (task,))

    assert Environment(manifest, caller).counted(task) == {"SHLVL": b"9"}
    assert Environment(manifest, caller).counted(replace(task, track_env=("PWD",)))["PWD"] == b"/here"
