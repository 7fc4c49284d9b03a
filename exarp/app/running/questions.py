"""Questions of a run and their answers: the person at the terminal is asked, and whoever answers first is heard.

Knows the line of open questions and where answers come from. Does not know what follows from one.
"""

from __future__ import annotations

from collections import deque

import msgspec

from exarp.app.ports import AnswerBox, Person
from exarp.app.running.log_end import last_meaningful_line
from exarp.app.running.stream import Stream
from exarp.engine.stimulus import Answered
from exarp.model.event import QuestionAnswered, QuestionAsked


class Questions:
    """Of one run. ``box``: where other processes answer. As long as a question is open the terminal is the person's.

    ``logs``: where the output of a task's last attempt is kept (a path, or empty), of tasks about which somebody may be asked.
    """

    def __init__(self, stream: Stream, person: Person | None, box: AnswerBox | None) -> None:
        self._stream = stream
        self._person = person
        self._box = box
        # The first is the one that is put.
        self._line: deque[tuple[int, QuestionAsked]] = deque()
        self._answered: list[Answered] = []
        self._is_new = True
        self._told: QuestionAsked | None = None
        self.logs: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Whether any is open."""
        return bool(self._line)

    def told(self, event: QuestionAsked | QuestionAnswered) -> QuestionAsked | QuestionAnswered:
        """An event about a question, with all that the machine cannot know: the run in its id, and the line that says what went
        wrong."""
        event = msgspec.structs.replace(event, id=f"{self._stream.run}.{event.id}")
        if isinstance(event, QuestionAsked):
            log = self.logs.get(event.task, "")
            self._told = event = msgspec.structs.replace(event, error=last_meaningful_line(log) if log else "")
        return event

    def ask(self, task: int) -> None:
        """Put the question that was told last, once all before it are answered."""
        question = self._told
        assert question is not None and self._person is not None, "nobody is asked where nobody is"
        if self._is_new and self._box is not None:
            # Left by a run that was killed.
            self._box.clear()
        self._is_new = False
        self._line.append((task, question))
        if len(self._line) == 1:
            self._stream.suspend()
            self._person.ask(question)

    def take_back(self, task: int) -> bool:
        """Nobody need answer the question about a task any more; whether there was one."""
        found = next((each for each in self._line if each[0] == task), None)
        if found is not None:
            self._over(found, None, typed=False)
        return found is not None

    def answers(self) -> list[Answered]:
        """What was answered since the last time."""
        if self._line:
            self._look()
        if not self._answered:
            return []
        found, self._answered = self._answered, []
        return found

    def close(self) -> None:
        """No more questions will be asked."""
        if not self._is_new and self._box is not None:
            self._box.clear()

    def _look(self) -> None:
        assert self._person is not None
        for each in list(self._line):
            word = self._box.given(each[1].id) if self._box is not None else None
            if word in each[1].options:
                self._over(each, word, typed=False)
        if self._line and (word := self._person.answer()) is not None:
            first = self._line[0]
            given = self._box.give(first[1].id, word) if self._box is not None else word
            self._over(first, given if given in first[1].options else word, typed=given == word)

    def _over(self, each: tuple[int, QuestionAsked], word: str | None, typed: bool) -> None:
        assert self._person is not None
        is_put = each is self._line[0]
        self._line.remove(each)
        self._answered.append(Answered(each[0], word))
        if not is_put:
            return
        if not typed:
            self._person.take_back(word)
        if self._line:
            self._person.ask(self._line[0][1])
        else:
            self._stream.resume()
