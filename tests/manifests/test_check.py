"""Doubts: what ``exarp check`` says of a manifest without errors."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from exarp.app.check import check
from exarp.errors import Problem
from exarp.views.problems.problem import render_all
from tests.manifests.examples import SMALL
from tests.manifests.reading import marked

Doubts = Callable[[str], list[Problem]]


@pytest.fixture
def doubts(tmp_path: Path) -> Doubts:
    def of(text: str) -> list[Problem]:
        path = tmp_path / "exarp.toml"
        path.write_text(text)
        return check(str(tmp_path), str(path))

    return of


PAIR = """\
[task.a]
inputs = []
outputs = {}
run = "a"

[task.b]
inputs = {}
outputs = []
modifies = {}
run = "b"
"""


def test_a_manifest_without_doubts_has_none(doubts: Doubts) -> None:
    assert doubts(SMALL) == []


def test_errors_are_told_instead_of_doubts(doubts: Doubts) -> None:
    found = doubts(PAIR.format('["x"]', "[]", '["x"]') + "\nbogus = 1")
    assert [(each.slug, each.severity) for each in found] == [("unknown-key", "error")]


def test_no_manifest_is_a_problem_like_any_other(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert [problem.slug for problem in check(str(tmp_path), None)] == ["no-manifest"]


def test_a_second_manifest_that_nobody_reads_is_told(tmp_path: Path) -> None:
    (tmp_path / "exarp.yaml").write_text("task: {a: {run: x, inputs: [], outputs: []}}")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n[tool.exarpeggio]\n")
    assert check(str(tmp_path), None) == []
    (tmp_path / "exarp.json").write_text("{")
    (found,) = check(str(tmp_path), None)
    assert (found.severity, found.message) == ("warning", "exarp.json is not read, because exarp.yaml is")
    assert check(str(tmp_path), str(tmp_path / "exarp.yaml")) == []


def test_doubts_are_told_in_the_words_of_the_notation(tmp_path: Path) -> None:
    (tmp_path / "exarp.yaml").write_text("settings: {trust: proof}\ntask:\n  a: {run: x}\n  b: {run: y}\n")
    found = check(str(tmp_path), None)
    assert {problem.slug for problem in found} == {"undeclared"}
    assert all('trust: "proof"' in problem.message for problem in found)


def test_two_that_change_one_file_are_shown_with_both_lines(doubts: Doubts) -> None:
    found = doubts(PAIR.format('["out/x"]', '["in"]', '["notes.md", "./out/*"]'))
    assert render_all(found) == textwrap.dedent("""\
        exarp.toml:9:25: doubt: tasks 'a' and 'b' run one after the other: both change out/x (write-write)
            9 | modifies = ["notes.md", "./out/*"]
              |                         ^^^^^^^^^
            3 | outputs = ["out/x"]      a changes it
              order them with needs or after""")


def test_one_that_reads_what_another_changes_is_shown_with_both_lines(doubts: Doubts) -> None:
    found = doubts(PAIR.format('["gen/*.h"]', '["src/", "gen/main.*"]', '["other"]'))
    assert [(each.slug, marked(each), each.related[0].note) for each in found] == [
        ("read-write", '"gen/main.*"', "a changes it")
    ]


def test_what_the_author_asked_for_is_no_doubt(doubts: Doubts) -> None:
    text = "[resources]\ngpu = 1\n" + "".join(
        f'[task.{name}]\ninputs = []\noutputs = []\nmutex = ["db"]\nresources = {{ gpu = 1 }}\nrun = "x"\n'
        for name in "abc"
    )
    assert doubts(text) == []


def test_many_that_change_one_file_are_told_once(doubts: Doubts) -> None:
    found = doubts("".join(f'[task.t{n}]\ninputs = ["in"]\nmodifies = ["log"]\nrun = "x"\n' for n in range(6)))
    assert [each.message for each in found] == [
        "tasks 't0', 't1', 't2' and 3 more run one after the other: all change log"
    ]
    assert (found[0].place and found[0].place.line, found[0].related[0].place.line) == (23, 3)


WAVES = """\
[[wave]]
name = "one"
tasks = ["a"]
parallel = {}

[[wave]]
name = "two"
tasks = ["b"]
parallel = {}

[task.a]
{}
inputs = []
run = "a"

[task.b]
{}
inputs = ["in"]
run = "b"
"""


def test_marked_waves_that_need_each_other_are_shown_with_the_edge(doubts: Doubts) -> None:
    found = doubts(WAVES.format("true", "true", "outputs = []", 'outputs = []\nneeds = ["a"]'))
    assert [(each.slug, str(each.place)) for each in found] == [("dependency", "exarp.toml:9:1")]
    assert [related.note for related in found[0].related] == ["b needs a"]


def test_marked_waves_that_change_one_file_are_shown_with_both_lines(doubts: Doubts) -> None:
    found = doubts(WAVES.format("true", '["one"]', 'outputs = ["x"]', 'modifies = ["x"]'))
    assert [(each.slug, str(each.place)) for each in found] == [("write-write", "exarp.toml:9:1")]
    assert [(related.place.line, related.note) for related in found[0].related] == [
        (12, "a changes it"),
        (17, "b changes it"),
    ]


def test_waves_that_are_not_marked_are_no_doubt(doubts: Doubts) -> None:
    assert doubts(WAVES.format("false", "true", 'outputs = ["x"]', 'modifies = ["x"]')) == []


def test_undeclared_tasks_of_marked_waves_are_told_once_each(doubts: Doubts) -> None:
    found = doubts('[settings]\ntrust = "proof"\n' + WAVES.format("true", "true", "", ""))
    assert [(each.slug, marked(each)) for each in found] == [("undeclared", "a"), ("undeclared", "b")]


ONCE = '[task.t]\nmodifies = ["x"]\nrun = "t"\n'


@pytest.mark.parametrize(("declared", "field"), [("inputs = []", "inputs"), ("outputs = []", "outputs")])
def test_a_task_that_nothing_makes_run_again_is_told(doubts: Doubts, declared: str, field: str) -> None:
    (found,) = doubts(ONCE + declared)
    assert (found.slug, found.severity, marked(found)) == ("runs-once", "doubt", field)
    assert f"take {field} out" in found.next


@pytest.mark.parametrize(
    "declared",
    [
        "",
        'inputs = ["y"]',
        'inputs = []\noutputs = ["z"]',
        'inputs = []\nneeds = ["other"]',
        'inputs = []\ndepfile = "d"',
    ],
)
def test_a_task_that_something_makes_run_again_is_no_doubt(doubts: Doubts, declared: str) -> None:
    assert doubts(f'{ONCE}{declared}\n[task.other]\nrun = "o"\n') == []


def test_trusted_markings_are_told_as_trusted(doubts: Doubts) -> None:
    found = doubts(WAVES.format("true", "true", "", ""))
    assert {each.next for each in found} == {
        'declare inputs and outputs ([] for none); until then its marking is trusted (trust = "plan")'
    }


def test_a_wave_without_tasks_is_a_warning(doubts: Doubts) -> None:
    (found,) = doubts('[[wave]]\nname = "w"\ntasks = []')
    assert (found.slug, found.severity, marked(found)) == ("empty-wave", "warning", "[]")


def test_many_that_read_what_many_change_are_told_as_two_lists(doubts: Doubts) -> None:
    writers = "".join(f'[task.w{n}]\ninputs = ["in"]\nmodifies = ["src/{n}.c"]\nrun = "x"\n' for n in range(100))
    readers = "".join(f'[task.r{n}]\ninputs = ["src/**"]\noutputs = []\nrun = "x"\n' for n in range(100))
    (found,) = doubts(writers + readers)
    assert found.message == (
        "tasks 'w0', 'w1', 'w2' and 97 more run beside none of 'r0', 'r1', 'r2' and 97 more: "
        "some change what others read: src/**"
    )
    assert [marked(found), *(each.note for each in found.related)] == ['"src/**"', "w0 changes it"]


def test_a_wave_that_is_listed_too_early_is_shown_where_it_is_named(doubts: Doubts) -> None:
    found = doubts(WAVES.format("false", "false", 'outputs = []\nneeds = ["b"]', "outputs = []"))
    assert [(each.slug, each.severity, str(each.place)) for each in found] == [
        ("wave-order", "warning", "exarp.toml:2:8")
    ]
    assert found[0].message == "wave 'one' is listed before 'two' but runs after it: b → a"


def test_words_that_only_a_shell_would_fill_in_are_told(doubts: Doubts) -> None:
    found = doubts("""
[vars]
CFLAGS = "-O2"
[task.t]
inputs = ["a.c"]
outputs = ["a"]
argv = ["cc", "$CFLAGS", "${CFLAGS}", "-o$out", "$in", "$$", "$1", "s/x$/y/", "sh", "-c", "$in", "-e", "$x", "my $out = 1"]
""")
    assert [(each.slug, each.severity) for each in found] == [("literal-word", "warning")] * 2
    assert [(each.message.split()[0], each.place and each.place.column) for each in found] == [
        ("'$CFLAGS'", 15),
        ("'-o$out'", 39),
    ]
    assert "${CFLAGS} for a variable" in found[0].next
    assert "an element of its own" in found[1].next
