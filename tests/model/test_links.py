from __future__ import annotations

import pytest

from exarp.model.links import resolve, resolved
from exarp.model.task import Task

LINKS = {"lnk": "real", "real/deep": "other/place", "up": "", "far": "../shared", "lnk/deep": "other/place"}


@pytest.mark.parametrize(
    ("pattern", "real"),
    [
        ("lnk/x", "real/x"),
        ("lnk/", "real/"),
        ("lnk", "real"),
        ("lnk/**/*.c", "real/**/*.c"),
        ("lnk2/x", "lnk2/x"),
        ("lnk/deep/x", "other/place/x"),
        ("real/deep/", "other/place/"),
        ("up/x", "x"),
        ("up/", "./"),
        ("up", "./"),
        ("far/x", "../shared/x"),
        ("*/lnk/x", "*/lnk/x"),
        ("./", "./"),
        ("/abs/lnk", "/abs/lnk"),
        ("x", "x"),
    ],
)
def test_a_pattern_is_told_by_the_real_names_of_its_folders(pattern, real):
    assert resolve(pattern, LINKS) == real


def test_all_that_a_task_says_of_files_is_seen_through_links():
    patterns = ("lnk/x", "y")
    task = Task("t", inputs=patterns, excluded=patterns, outputs=patterns, modifies=patterns, tools=patterns)
    real = ("real/x", "y")

    seen = resolved(Task("t", inputs=patterns, depfile="lnk/d"), LINKS)
    assert (seen.inputs, seen.outputs, seen.depfile) == (real, None, "real/d")
    seen = resolved(task, LINKS)
    assert {seen.inputs, seen.excluded, seen.outputs, seen.modifies, seen.tools} == {real}
    plain = Task("t", inputs=("x",))
    assert resolved(plain, LINKS) is plain
