"""Two names of one folder are one folder to edges and verdicts."""

from __future__ import annotations

import pytest

from exarp.app.judge import judge
from exarp.app.opening.examining import examine, open_project
from exarp.model.verdict import Reason

MANIFEST = """
[task.fmt]
modifies = ["real/*.c"]
run = "true"
[task.lint]
inputs = ["lnk/**/*.c"]
run = "true"
[task.gen]
outputs = ["lnk/gen.h"]
run = "true"
[task.cc]
inputs = ["real/gen.h"]
run = "true"
[task.w1]
outputs = ["lnk/same"]
run = "true"
[task.w2]
outputs = ["real/same"]
run = "true"
"""


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "lnk").symlink_to("real")
    return tmp_path


def test_a_need_is_found_through_a_link(workspace):
    (workspace / "exarp.toml").write_text(MANIFEST)
    project = open_project(str(workspace), None, {})

    ids = project.graph.ids
    assert project.graph.needs[ids["cc"]] == (ids["gen"],)
    assert project.manifest.tasks[ids["gen"]].outputs == ("lnk/gen.h",)


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (
            ("fmt", "lint"),
            Reason("read-write", ("fmt", "lint"), "real/*.c", writer="fmt", written=("real/*.c", "lnk/**/*.c")),
        ),
        (("w1", "w2"), Reason("write-write", ("w1", "w2"), "real/same", written=("lnk/same", "real/same"))),
    ],
)
def test_who_touches_one_folder_by_two_names_takes_turns(workspace, pair, reason):
    (workspace / "exarp.toml").write_text(MANIFEST)

    assert judge(open_project(str(workspace), None, {}), *pair).reasons == (reason,)


def test_without_the_link_they_are_two_folders(workspace):
    (workspace / "lnk").unlink()
    (workspace / "lnk").mkdir()
    (workspace / "exarp.toml").write_text(MANIFEST)

    assert judge(open_project(str(workspace), None, {}), "fmt", "lint").verdict == "upheld"


def test_a_cycle_through_a_link_is_told_by_what_is_written(workspace):
    (workspace / "exarp.toml").write_text(
        '[task.a]\ninputs = ["lnk/b"]\noutputs = ["a"]\nrun = "true"\n'
        '[task.b]\ninputs = ["a"]\noutputs = ["real/b"]\nrun = "true"\n'
    )
    _, problems = examine(str(workspace), None, {})

    assert [problem.slug for problem in problems] == ["cycle"]
    assert (problems[0].related[0].place.line, problems[0].related[0].place.column) == (2, 11)


def test_what_a_task_reads_of_its_own_through_a_link_is_no_error(workspace):
    (workspace / "exarp.toml").write_text('[task.a]\ninputs = ["lnk/x"]\noutputs = ["real/x"]\nrun = "true"\n')

    assert examine(str(workspace), None, {})[1] == []
