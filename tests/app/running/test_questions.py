"""The line of questions: who is asked what, who is heard, and who has the terminal meanwhile."""

from __future__ import annotations

from exarp.app.running.questions import Questions
from exarp.engine.stimulus import Answered
from exarp.errors import Problem, UsageError
from exarp.model.event import QuestionAsked
from exarp.store.answers import AnswersInMemory


class Person:
    """Types what it is told to type."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.typed: str | None = None

    def ask(self, question: QuestionAsked) -> None:
        self.story.append(f"asked {question.id}")

    def answer(self) -> str | None:
        typed, self.typed = self.typed, None
        return typed

    def take_back(self, answer: str | None) -> None:
        self.story.append(f"taken back: {answer}")

    def debug(self, task: str, folder: str, log: str) -> None:
        self.story.append(f"shell for {task}")


class Story:
    """Stands for the stream of run 1: tells the person's story when the terminal changes hands."""

    run = "1"

    def __init__(self, person: Person) -> None:
        self._person = person

    def suspend(self) -> None:
        self._person.story.append("suspended")

    def resume(self) -> None:
        self._person.story.append("resumed")


class World:
    def __init__(self, box: AnswersInMemory | None = None) -> None:
        self.person = Person()
        self.box = box or AnswersInMemory()
        self.questions = Questions(Story(self.person), self.person, self.box)  # type: ignore[arg-type]
        self.asked = 0

    def ask(self, task: int, *options: str) -> None:
        self.asked += 1
        self.questions.told(
            QuestionAsked(id=str(self.asked), task=f"t{task}", options=options or ("debug", "skip", "abort"))
        )
        self.questions.ask(task)

    def type(self, word: str) -> list[Answered]:
        self.person.typed = word
        return self.questions.answers()


def test_one_thing_is_asked_at_a_time_and_the_terminal_is_given_back_in_the_end() -> None:
    world = World()
    world.ask(1)
    world.ask(2)

    assert world.type("skip") == [Answered(1, "skip")]
    assert world.type("abort") == [Answered(2, "abort")]
    assert world.person.story == ["suspended", "asked 1.1", "asked 1.2", "resumed"]
    assert not world.questions
    assert world.questions.answers() == []


def test_a_line_that_was_typed_for_one_question_does_not_answer_the_next() -> None:
    world = World()
    world.ask(1)
    world.ask(2)
    world.box.give("1.1", "skip")

    assert world.type("abort") == [Answered(1, "skip")]
    assert world.person.story[1:] == ["asked 1.1", "taken back: skip", "asked 1.2"]


def test_what_is_answered_from_elsewhere_before_it_is_put_is_not_put() -> None:
    world = World()
    world.ask(1)
    world.ask(2)
    world.box.give("1.2", "skip")
    world.box.give("1.1", "nonsense")

    assert world.questions.answers() == [Answered(2, "skip")]
    assert world.type("skip") == [Answered(1, "skip")]
    assert world.person.story == ["suspended", "asked 1.1", "resumed"]


def test_a_shell_keeps_the_terminal_and_its_task_is_asked_about_first_behind_it() -> None:
    world = World()
    world.ask(1)
    world.ask(2, "yes", "no")

    assert world.type("debug") == [Answered(1, "debug")]
    assert world.questions
    world.box.give("1.2", "yes")
    world.ask(3, "yes", "no")
    assert world.type("no") == [Answered(2, "yes")]
    world.questions.debugged()
    assert world.questions.answers() == []
    world.ask(1)
    assert world.person.story == ["suspended", "asked 1.1", "asked 1.4"]
    assert world.type("skip") == [Answered(1, "skip")]
    assert world.person.story[3:] == ["asked 1.3"]


def test_where_nothing_is_asked_behind_a_shell_the_terminal_is_given_back() -> None:
    world = World()
    world.ask(1)
    world.type("debug")
    world.questions.debugged()

    world.questions.answers()
    assert world.questions
    world.questions.answers()
    assert not world.questions
    assert world.person.story == ["suspended", "asked 1.1", "resumed"]


def test_the_end_of_all_typing_and_a_question_that_is_taken_back_are_no_answers() -> None:
    world = World()
    world.ask(1)
    world.ask(2)

    assert world.type("") == [Answered(1, None)]
    assert world.questions.take_back(2)
    assert not world.questions.take_back(2)
    assert world.questions.answers() == [Answered(2, None)]
    assert world.person.story[1:] == ["asked 1.1", "asked 1.2", "taken back: None", "resumed"]


def test_what_a_killed_run_left_is_forgotten_before_anybody_can_answer() -> None:
    world = World()
    world.box.give("1.1", "abort")
    world.ask(1)
    assert world.questions.answers() == []
    world.box.give("1.1", "skip")
    world.ask(2)
    assert world.questions.answers() == [Answered(1, "skip")]
    world.questions.close()
    assert world.box.given("1.1") is None


def test_an_answer_that_cannot_be_kept_counts() -> None:
    class Full(AnswersInMemory):
        def give(self, question: str, word: str) -> str:
            raise UsageError(Problem("state-folder", "no space left"))

    world = World(Full())
    world.ask(1)
    assert world.type("skip") == [Answered(1, "skip")]


def test_after_somebody_else_has_used_the_terminal_the_question_is_put_again() -> None:
    world = World()
    world.questions.repeat()
    world.ask(1)
    world.questions.repeat()
    assert world.person.story == ["suspended", "asked 1.1", "asked 1.1"]
