from __future__ import annotations

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.event import TaskOutput, TaskStarted
from exarp.views.run.document import RunDocument
from exarp.views.run.ndjson import EventWriter
from tests.effort import tries

from .runs import failed_run, finished, planned, read_log
from .simulator import LOG, Simulator


class Flushed(io.BytesIO):
    """Remembers what a reader has at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []

    def flush(self) -> None:
        self.seen.append(self.getvalue())


def document(events, logs=read_log):
    folded = RunDocument(logs)
    for event in events:
        folded.on_event(event)
    return json.loads(folded.document())


@given(st.integers(0, 1000))
@settings(max_examples=tries(20))
def test_every_event_is_one_flushed_line_with_its_type(seed):
    stream = Flushed()
    writer = EventWriter(stream)
    events = Simulator(seed).run()
    for event in events:
        writer.on_event(event)
    lines = stream.getvalue().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["type"] for line in lines][0::10] == [type(e).__struct_config__.tag for e in events][0::10]
    assert len(lines) == len(events) == len(stream.seen)
    assert all(seen.endswith(b"}\n") for seen in stream.seen)


def test_output_that_is_no_text_is_still_json():
    stream = io.BytesIO()
    EventWriter(stream).on_event(TaskOutput(task="a\udcff", attempt=1, text="x\udc80\ny\u2028"))
    decoded = json.loads(stream.getvalue())
    assert (decoded["type"], decoded["task"], decoded["text"]) == ("task_output", "a\ufffd", "x\ufffd\ny\u2028")
    assert stream.getvalue().count(b"\n") == 1


def test_the_document_of_a_failed_run_has_the_fields_of_the_contract():
    decoded = document(failed_run())
    assert list(decoded) == [
        "version", "run", "outcome", "exit_code", "duration_ms", "counts", "tasks", "first_failure", "question",
    ]  # fmt: skip
    assert decoded["first_failure"] == {
        "task": "cc@src/parser.c",
        "tail": "src/parser.c:88:14: error: 'tok' undeclared (first use in this function)",
    }
    assert (decoded["run"], decoded["outcome"], decoded["exit_code"]) == ("7", "failed", 1)
    assert (decoded["duration_ms"], decoded["question"]) == (14_200, None)
    assert decoded["tasks"][1] == {
        "task": "cc@src/parser.c",
        "wave": 1,
        "outcome": "failed",
        "reason": "input-changed",
        "attempts": 1,
        "exit_status": 1,
        "signal": None,
        "duration_ms": 1200,
        "log": "parser.log",
        "finally_log": None,
    }


def test_tasks_come_in_the_order_of_the_plan_and_say_why():
    tasks = document(failed_run())["tasks"]
    assert [(task["task"], task["reason"]) for task in tasks] == [
        ("cc@src/lexer.c", "input-changed"),
        ("cc@src/parser.c", "input-changed"),
        ("cc@src/main.c", "unchanged"),
        ("link", "blocked-by"),
    ]


def test_an_unfinished_run_has_no_outcome_and_only_finished_tasks():
    decoded = document([*planned("a", "b"), TaskStarted(task="a", attempt=1), finished("b", "passed")])
    assert (decoded["outcome"], decoded["exit_code"]) == (None, None)
    assert [task["task"] for task in decoded["tasks"]] == ["b"]
    assert decoded["first_failure"] is None


def test_a_log_that_is_gone_leaves_the_tail_empty():
    def gone(path):
        raise FileNotFoundError(path)

    assert document(failed_run(), gone)["first_failure"]["tail"] == ""
    assert document([*planned("a"), finished("a", "failed")])["first_failure"] == {"task": "a", "tail": ""}


@given(st.integers(0, 10_000))
@settings(max_examples=tries(30))
def test_any_run_is_one_document_with_every_task(seed):
    simulator = Simulator(seed)
    decoded = document(simulator.run(), lambda path: LOG)
    assert len(decoded["tasks"]) == sum(simulator.counts.values())
    assert (decoded["first_failure"] or {"task": None})["task"] == simulator.first_failure
