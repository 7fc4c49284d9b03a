"""Answers from several processes: the first one stays."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exarp.app.ports import AnswerBox
from exarp.errors import UsageError
from exarp.store.answers import Answers, AnswersInMemory
from exarp.store.state_folder import StateFolder


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(str(tmp_path))
    folder.prepare()
    return folder


@pytest.mark.parametrize("kind", ["files", "memory"])
def test_the_contract_of_a_box_of_answers(folder: StateFolder, kind: str) -> None:
    box: AnswerBox = Answers(folder) if kind == "files" else AnswersInMemory()

    assert box.given("1.1") is None
    assert (box.give("1.1", "skip"), box.give("1.1", "abort"), box.give("1.2", "é")) == ("skip", "skip", "é")
    assert (box.given("1.1"), box.given("1.2"), box.given("1.3")) == ("skip", "é", None)
    box.clear()
    assert (box.given("1.1"), box.give("1.1", "abort")) == (None, "abort")


def test_the_first_answer_stays_and_nobody_else_reads_it(folder: StateFolder) -> None:
    one, other = Answers(folder), Answers(folder)

    assert one.given("1.1") is None
    assert one.give("1.1", "skip") == "skip"
    assert other.give("1.1", "abort") == "skip"
    assert (other.given("1.1"), other.given("1.2")) == ("skip", None)
    [name] = os.listdir(f"{folder.path}/answers")
    assert stat.S_IMODE(os.stat(f"{folder.path}/answers").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{folder.path}/answers/{name}").st_mode) == 0o600
    one.clear()
    assert (other.given("1.1"), os.path.exists(f"{folder.path}/answers")) == (None, False)
    other.clear()


def test_a_question_is_no_path(folder: StateFolder) -> None:
    answers = Answers(folder)

    answers.give("../../x", "skip")
    assert answers.given("../../x") == "skip"
    assert len(os.listdir(f"{folder.path}/answers")) == 1


def test_of_many_at_once_one_is_heard(folder: StateFolder) -> None:
    code = (
        "import sys; from exarp.store.answers import Answers; from exarp.store.state_folder import StateFolder;"
        "sys.stdin.read(); print(Answers(StateFolder(sys.argv[1])).give('1.1', sys.argv[2]))"
    )
    asked = [
        subprocess.Popen([sys.executable, "-c", code, folder.root, str(n)], stdin=-1, stdout=-1, text=True)
        for n in range(8)
    ]

    said = {process.communicate()[0] for process in asked}

    assert len(said) == 1
    assert said == {f"{Answers(folder).given('1.1')}\n"}


def test_a_folder_that_cannot_be_written_is_told(folder: StateFolder) -> None:
    Path(folder.path, "answers").write_text("")

    with pytest.raises(UsageError, match="cannot use"):
        Answers(folder).give("1.1", "skip")
