"""Every refusal of a manifest, word for word: ``tests/bad_manifests/NAME.toml`` is refused with ``NAME.expected``.

So is one in any other notation; one in a project's file is ``NAME/pyproject.toml``, one that includes others ``NAME/exarp.toml``.
A new manifest there needs no code. To write down what is printed now, after reading it aloud:
``REWRITE_EXPECTED=1 pytest tests/manifests/test_bad_manifests.py``, then look at the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from exarp.app.opening import examining
from exarp.app.opening.examining import examine
from exarp.cli.entry import run_cli
from exarp.errors import ManifestError, Problem
from exarp.manifests.document import LATER_TASK, LATER_WAVE
from exarp.views.problems.problem import render_all

FOLDER = Path(__file__).parent.parent / "bad_manifests"
PATHS = {path.stem: path for path in sorted(FOLDER.iterdir()) if path.is_file() and path.suffix != ".expected"}
# A project's file has the one name; what includes others has files beside it.
PATHS |= {path.parent.name: path for name in ("pyproject", "exarp") for path in sorted(FOLDER.glob(f"*/{name}.toml"))}
NAMES = list(PATHS)
HEADINGS = set(re.findall(r"^## `([a-z0-9-]+)`$", (FOLDER.parent.parent / "docs/errors.md").read_text(), re.MULTILINE))
ENVIRON = {"HOME": "/home/me"}


def problems_of(path: Path) -> list[Problem]:
    try:
        return examine(str(path.parent), str(path), ENVIRON)[1]
    except ManifestError as error:
        return list(error.problems)


def line_of(path: Path, number: int) -> str:
    return path.read_bytes().decode("utf-8-sig", "backslashreplace").split("\n")[number - 1].rstrip("\r")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "physical_memory", lambda: 8 * 1024**3)
    for name in ("RELEASE_TOKEN", "STAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", ENVIRON["HOME"])


def test_there_are_many() -> None:
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_the_refusal_is_worded_as_expected(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path, expected = PATHS[name], FOLDER / f"{name}.expected"
    status = run_cli(["-C", str(path.parent), "check", "-f", path.name])
    printed = capsys.readouterr().out
    if os.environ.get("REWRITE_EXPECTED"):
        expected.write_text(printed)
    assert status == 3
    assert printed == expected.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_command_prints_the_problems_of_the_manifest_and_nothing_else(name: str) -> None:
    assert render_all(problems_of(PATHS[name])) + "\n" == (FOLDER / f"{name}.expected").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_has_a_place_a_heading_and_its_own_words(name: str) -> None:
    path = PATHS[name]
    problems = problems_of(path)
    assert problems
    for problem in problems:
        place = problem.place
        assert place is not None
        assert place.file == path.name or path.parent != FOLDER
        assert place.text == line_of(path.parent / place.file, place.line)
        assert 1 <= place.column <= len(place.text) + 1
        assert problem.slug in HEADINGS
        assert problem.severity == "error"
        for related in problem.related:
            assert related.place.text == line_of(path.parent / related.place.file, related.place.line)
    places = [(problem.place.file, problem.place.line, problem.place.column) for problem in problems if problem.place]
    files = list(dict.fromkeys(file for file, _, _ in places))
    assert places == sorted(places, key=lambda place: (files.index(place[0]), place[1:]))
    assert len({(problem.message, problem.place) for problem in problems}) == len(problems)


def test_every_expectation_has_its_manifest() -> None:
    assert {path.stem for path in FOLDER.glob("*.expected")} == set(NAMES)


def test_every_key_that_this_version_does_not_act_on_is_refused() -> None:
    # A key that only prose plans have, and `parallel` tables of later versions, would be told as unknown keys.
    told = "".join((FOLDER / f"{name}.expected").read_text() for name in NAMES if name.startswith("not-supported-yet"))
    for key in (*LATER_TASK, *LATER_WAVE):
        assert f"'{key}' " in told, key


def test_all_of_a_file_is_told_at_once_in_its_order() -> None:
    slugs = [problem.slug for problem in problems_of(FOLDER / "several.toml")]
    assert slugs == [
        "wrong-type",
        "unknown-task",
        "script-substitution",
        "outside-workspace",
        "bad-duration",
        "unknown-key",
        "self-need",
        "unknown-task",
        "duplicate-output",
        "task-in-two-waves",
        "unknown-wave",
    ]


def test_a_manifest_over_64_mib_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "exarp.toml"
    with path.open("wb") as file:
        file.truncate(64 * 1024**2 + 1)
    (problem,) = problems_of(path)
    assert (problem.slug, str(problem.place)) == ("too-large", "exarp.toml:1:1")
    assert problem.message == "the manifest has 64.0 MiB; the limit is 64 MiB"


def test_the_marks_are_under_the_name_that_the_message_quotes() -> None:
    misses = []
    for path in PATHS.values():
        for problem in problems_of(path):
            quoted = re.match(r"(?:unknown key|variable|the variable name|there is no pool) '([^']+)'", problem.message)
            if quoted and problem.place:
                marked = problem.place.text[problem.place.column - 1 :][: problem.place.length]
                misses += [] if quoted[1] in marked else [(path.name, problem.message, marked)]
    assert misses == []
