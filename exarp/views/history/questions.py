"""Open questions of a run, as lines and as documents.

Knows how one is told to who may answer it from elsewhere. Does not know whether it is still open.
"""

from __future__ import annotations

from collections.abc import Sequence

from exarp.app.answer import answers_to
from exarp.model.call import Call
from exarp.model.event import QuestionAsked
from exarp.views import escape, words
from exarp.views.json_line import json_line


def question_line(question: QuestionAsked, call: Call) -> str:
    """The question, and below it how it is answered."""
    id_ = escape.name(question.id)
    ways = "|".join(answers_to(question))
    return f"{id_}  {words.question(question)}\n{' ' * len(id_)}  answer: {call.of('answer', question.id)} {ways}"


def questions_document(questions: Sequence[QuestionAsked]) -> bytes:
    """All of them, with what can be said to each."""
    return json_line({"version": 1, "questions": [question_fields(question) for question in questions]})


def answer_document(question: QuestionAsked, answer: str) -> bytes:
    """One that was answered."""
    return json_line({"version": 1, "question": question_fields(question), "answer": answer})


def question_fields(question: QuestionAsked) -> dict[str, object]:
    """One, as part of a document."""
    return {
        "id": question.id,
        "task": question.task,
        "options": question.options,
        "asked": words.question(question),
        "retries": question.retries,
    }
