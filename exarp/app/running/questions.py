"""Questions of a run and their answers: the person at the terminal is asked, and whoever answers first is heard.

Knows the line of open questions, who has the terminal, and where answers come from. Does not know what follows from one.
"""

from __future__ import annotations

from collections import deque

import msgspec

from exarp.app.ports import AnswerBox, Person
from exarp.app.running.log_end import last_meaningful_line
from exarp.app.running.stream import Stream
from exarp.engine.stimulus import Answered
from exarp.errors import ExarpError
from exarp.model.event import QuestionAnswered, QuestionAsked

_Asked = tuple[int, QuestionAsked]


class Questions:
    """Of one run. ``box``: where other processes answer. As long as a question is open the terminal is the person's.

    ``logs``: where the output of a task's last attempt is kept (a path, or empty), of tasks about which somebody may be asked.
    """

    def __init__(self, stream: Stream, person: Person | None, box: AnswerBox | None) -> None:
        self._stream = stream
        self._person = person
        self._box = box
        self._line: deque[_Asked] = deque()
        # The first in line, once it is put; nothing is, while a shell has the terminal.
        self._put: _Asked | None = None
        self._is_suspended = False
        # The task that a shell is open for, and how often it is still looked for answers before the terminal is anybody's.
        self._debugged: int | None = None
        self._leaving = 0
        self._answered: list[Answered] = []
        self._is_new = True
        self._told: QuestionAsked | None = None
        self.logs: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Whether any is open, or a shell is."""
        return bool(self._line) or self._debugged is not None

    def told(self, event: QuestionAsked | QuestionAnswered) -> QuestionAsked | QuestionAnswered:
        """An event about a question, with all that the machine cannot know: the run in its id, and the line that says what went
        wrong. Before anybody knows of the question."""
        event = msgspec.structs.replace(event, id=f"{self._stream.run}.{event.id}")
        if isinstance(event, QuestionAsked):
            if self._is_new and self._box is not None:
                # Left by a run that was killed.
                self._box.clear()
            self._is_new = False
            log = self.logs.get(event.task, "")
            self._told = event = msgspec.structs.replace(event, error=last_meaningful_line(log) if log else "")
        return event

    def ask(self, task: int) -> None:
        """Put the question that was told last, once all before it are answered; at once, if the task's shell was just left."""
        question = self._told
        assert question is not None and self._person is not None, "nobody is asked where nobody is"
        if task == self._debugged:
            self._debugged, self._leaving = None, 0
            self._line.appendleft((task, question))
        else:
            self._line.append((task, question))
        self._settle()

    def debugged(self) -> None:
        """The shell is gone. Whether its task is asked about again is known when the machine has heard of it: not by the next
        look for answers, but by the one after that."""
        self._leaving = 2

    def take_back(self, task: int) -> bool:
        """Nobody need answer the question about a task any more; whether there was one."""
        found = next((each for each in self._line if each[0] == task), None)
        if found is not None:
            self._over(found, None, typed=False)
        return found is not None

    def repeat(self) -> None:
        """Somebody else has used the terminal meanwhile."""
        if self._put is not None and self._person is not None:
            self._person.ask(self._put[1])

    def answers(self) -> list[Answered]:
        """What was answered since the last time."""
        if self._leaving:
            self._leaving -= 1
            if not self._leaving:
                self._debugged = None
                self._settle()
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
        put = self._put
        for each in list(self._line):
            word = self._box.given(each[1].id) if self._box is not None else None
            if word in each[1].options:
                self._over(each, word, typed=False)
        # What was typed before a question was put is no answer to it.
        if put is None or put is not self._put or self._person is None or (word := self._person.answer()) is None:
            return
        given = self._given(put[1], word) if word else None
        self._over(put, given, typed=given == word or not word)

    def _given(self, question: QuestionAsked, word: str) -> str:
        """The answer that counts, where ``word`` was typed."""
        if self._box is None:
            return word
        try:
            given = self._box.give(question.id, word)
        except ExarpError:
            # Nobody else can have been quicker where no answer can be kept.
            return word
        return given if given in question.options else word

    def _over(self, each: _Asked, word: str | None, typed: bool) -> None:
        self._line.remove(each)
        self._answered.append(Answered(each[0], word))
        if word == "debug":
            # The terminal goes straight to the shell.
            self._debugged = each[0]
        if each is self._put:
            self._put = None
            if not typed and self._person is not None:
                self._person.take_back(word)
        self._settle()

    def _settle(self) -> None:
        """Put the first question in line, or give the terminal back."""
        assert self._person is not None, "somebody was asked"
        if self._debugged is not None or self._put is not None:
            return
        if self._line:
            if not self._is_suspended:
                self._is_suspended = True
                self._stream.suspend()
            self._put = self._line[0]
            self._person.ask(self._put[1])
        elif self._is_suspended:
            self._is_suspended = False
            self._stream.resume()
