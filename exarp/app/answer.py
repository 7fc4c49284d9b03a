"""The use case ``answer``: say what a run of another process asks.

Knows which questions are open, and what can be said to one. Does not know what follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.app.history import ask
from exarp.errors import Problem, UsageError
from exarp.model.event import Event, QuestionAnswered, QuestionAsked
from exarp.model.name import did_you_mean
from exarp.store.answers import Answers
from exarp.store.database import Database
from exarp.store.events import EventLog
from exarp.store.runs import RunHistory
from exarp.store.state_folder import StateFolder


def open_questions(root: str) -> list[QuestionAsked]:
    """What the runs that go on in a workspace ask: the oldest run first, and of each first what it asked first."""

    def query(database: Database, history: RunHistory) -> list[Event]:
        log, kinds = EventLog(database), (QuestionAsked, QuestionAnswered)
        return [event for run in reversed(history.running()) for event in log.read_kinds(run.id, kinds)]

    return unanswered(ask(root, query, []))


def unanswered(events: Sequence[Event]) -> list[QuestionAsked]:
    """The questions among events that no answer follows."""
    found: dict[str, QuestionAsked] = {}
    for event in events:
        if isinstance(event, QuestionAsked):
            found[event.id] = event
        elif isinstance(event, QuestionAnswered):
            found.pop(event.id, None)
    return list(found.values())


def answers_to(question: QuestionAsked) -> tuple[str, ...]:
    """What can be answered from elsewhere: all but what needs the terminal of the run."""
    return tuple(option for option in question.options if option != "debug")


def answer(root: str, question: str, word: str) -> QuestionAsked:
    """Answer a question, which is returned.

    Raises UsageError ``no-question`` where none of that id is open, ``bad-answer`` where ``word`` is none of its options,
    ``answered-already`` where somebody was quicker, with another one; ``state-folder``.
    """
    asked = open_questions(root)
    found = next((each for each in asked if each.id == question), None)
    if found is None:
        ids = ", ".join(each.id for each in asked)
        step = f"open: {ids}" if ids else "nothing is asked here now"
        raise UsageError(Problem("no-question", f"there is no open question {question!r}", None, step))
    if word not in (words := answers_to(found)):
        step = did_you_mean(word, words) or f"choose one: {', '.join(words)}"
        step = "the shell opens at the terminal of the run: type it there" if word in found.options else step
        raise UsageError(Problem("bad-answer", f"{word!r} is no answer to question {question}", None, step))
    counts = Answers(StateFolder(root)).give(found.id, word)
    if counts != word:
        message = f"question {question} was answered already: {counts}"
        raise UsageError(Problem("answered-already", message, None, "the first answer is the one that counts"))
    return found
