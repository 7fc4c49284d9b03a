"""How a task is done: a change of that makes it run again, and nothing else does."""

from __future__ import annotations

import pytest

from tests.freshness.conftest import Build


def test_a_changed_command(build: Build) -> None:
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo 1 > o"')
    build.settle()
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo 2 > o"')
    assert build.run() == {"t": "recipe-changed command"}
    assert build.read("o") == "2\n"
    build.manifest('[task.t]\ndescription = "x"\ninputs = []\noutputs = ["o"]\nrun = "echo 2 > o"  # in words')
    assert build.run() == {}


@pytest.mark.parametrize(
    ("field", "part"),
    [
        ('shell = ["sh", "-c"]', "shell"),
        ('cwd = "sub"', "cwd"),
        ('depfile = "o.d"', "declared outputs"),
        ('tools = ["a"]', "declared inputs"),
        ('modifies = ["m"]', "declared outputs"),
    ],
)
def test_another_way_to_do_the_same(build: Build, field: str, part: str) -> None:
    manifest = '[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo > $out; touch ${out}.d"\n'
    (build.root / "sub").mkdir()
    build.write("a", "")
    build.manifest(manifest)
    build.settle()
    build.manifest(manifest + field)
    assert build.run() == {"t": f"recipe-changed {part}"}


def test_a_changed_new_or_removed_variable_that_the_script_names(build: Build) -> None:
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo ${LEVEL:-} > o"')
    build.settle()
    assert build.run(LEVEL="1") == {"t": "variable-changed LEVEL"}
    assert build.run(LEVEL="1", OTHER="1") == {}
    assert build.run(LEVEL="2") == {"t": "variable-changed LEVEL"}
    assert build.run(LEVEL="") == {"t": "variable-changed LEVEL"}
    assert build.run() == {"t": "variable-changed LEVEL"}
    assert build.read("o") == "\n"


def test_a_variable_of_the_manifest_wherever_it_is_set(build: Build) -> None:
    task = '[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo $LEVEL > o"\n'
    build.manifest(task + '[vars]\nLEVEL = "1"\nOTHER = "1"')
    build.settle()
    build.manifest(task + '[vars]\nLEVEL = "1"\nOTHER = "2"')
    assert build.run() == {}
    build.manifest(task + '[vars]\nLEVEL = "2"')
    assert build.run() == {"t": "variable-changed LEVEL"}
    build.manifest(task + 'env = { LEVEL = "3" }\n[vars]\nLEVEL = "2"')
    assert build.run() == {"t": "variable-changed LEVEL"}
    build.manifest(f'{task}[settings]\ndotenv = [".env"]')
    build.write(".env", "LEVEL=4\n")
    assert build.run() == {"t": "variable-changed LEVEL"}
    build.write(".env", "LEVEL=5\n")
    assert build.run() == {"t": "variable-changed LEVEL"}
    assert build.read("o") == "5\n"


def test_a_tracked_variable_and_one_that_comes_to_match_a_glob(build: Build) -> None:
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\ntrack_env = ["AB_*", "CD"]\nrun = "env > o"')
    build.settle()
    for env in ({"AB_1": "1"}, {"AB_1": "2"}, {"CD": "1"}, {}):
        assert build.run(**env)["t"].startswith("variable-changed ")
        assert build.run(**env) == {}


def test_a_variable_in_a_field(build: Build) -> None:
    build.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nargv = ["sh", "-c", "echo ${env.LEVEL:-none} > o"]')
    build.settle()
    assert build.run(LEVEL="1") == {"t": "recipe-changed command"}


def test_a_renamed_task(build: Build) -> None:
    build.manifest(
        """
        [task.one]
        inputs = []
        outputs = ["o"]
        run = "echo 1 > o"
        [task.two]
        inputs = []
        outputs = ["p"]
        run = "echo 2 > p"
        """
    )
    build.settle()
    build.manifest(build.read("exarp.toml").replace("task.one", "task.three"))
    assert build.run() == {"three": "never-ran"}
    # The name of one is now another's: its success is not.
    build.manifest(build.read("exarp.toml").replace("task.two", "task.one").replace("2 > p", "1 > p"))
    assert build.run()["one"].startswith("recipe-changed")
    assert build.read("p") == "1\n"


def test_a_task_that_declares_neither_side_always_runs_and_inputs_alone_are_a_check_that_is_remembered(
    build: Build,
) -> None:
    build.manifest('[task.always]\nrun = "true"\n[task.check]\ninputs = ["a"]\nrun = "true"')
    build.write("a", "1")
    assert build.run() == {"always": "undeclared", "check": "never-ran"}
    assert build.run() == {"always": "undeclared"}
    build.write("a", "2")
    assert build.run() == {"always": "undeclared", "check": "input-changed a"}
