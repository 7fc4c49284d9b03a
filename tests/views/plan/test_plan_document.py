from __future__ import annotations

import json

from exarp.model.event import FreshnessReason
from exarp.model.verdict import Reason, Verdict
from exarp.views.plan.document import document

from .plans import MANIFEST, plan

CHANGED = FreshnessReason("input-changed", "src/a.c")


def encoded(a_plan=None, freshness=None, expected_ms=None):
    return document(a_plan or plan(), MANIFEST, freshness or {}, expected_ms or {}, "abc")


def test_the_document_has_the_fields_of_the_contract_in_their_order():
    decoded = json.loads(encoded())
    assert list(decoded) == [
        "version", "task_count", "manifest", "digest", "lower_bound", "waves", "tasks", "blocked", "verdicts",
        "critical_path", "verify",
    ]  # fmt: skip
    assert {key: decoded[key] for key in ("version", "task_count", "manifest", "digest", "lower_bound", "blocked")} == {
        "version": 1,
        "task_count": 10,
        "manifest": "exarp.toml",
        "digest": "abc",
        "lower_bound": 2,
        "blocked": [],
    }
    assert decoded["critical_path"] == ["docs:build", "release:bump"]


def test_a_wave_names_its_tasks_and_its_relations():
    waves = json.loads(encoded())["waves"]
    expected = {
        "number": 1,
        "name": "backend",
        "part": 1,
        "group": None,
        "order": "sequential",
        "tasks": ["api", "db", "srv"],
        "after": [],
        "beside": [2],
        "checkpoint": False,
        "verify": [],
    }
    assert waves[0] == expected and list(waves[0]) == list(expected)
    assert waves[2]["after"] == [1, 2]


def test_only_selected_tasks_are_listed_with_their_selected_needs():
    a_plan = plan(needs=((10,), (0, 10), *[()] * 9))
    tasks = json.loads(encoded(a_plan, {0: CHANGED, 1: None, 2: FreshnessReason("unchanged")}, {"api": 640}))["tasks"]
    assert "not:selected" not in tasks and len(tasks) == 10
    assert tasks["api"] == {
        "needs": [],
        "would_run": True,
        "would_restore": False,
        "reason": "input-changed",
        "expected_ms": 640,
    }
    assert tasks["db"] == {
        "needs": ["api"],
        "would_run": False,
        "would_restore": False,
        "reason": None,
        "expected_ms": None,
    }
    assert tasks["srv"] == {
        "needs": [],
        "would_run": False,
        "would_restore": False,
        "reason": "unchanged",
        "expected_ms": None,
    }


def test_verdicts_have_only_the_fields_that_say_something():
    verdicts = json.loads(encoded())["verdicts"]
    assert verdicts[0] == {
        "kind": "waves",
        "between": ["backend", "frontend"],
        "marked": True,
        "verdict": "upheld",
        "runs": "parallel",
        "reasons": [],
    }
    assert verdicts[1]["reasons"] == [{"code": "unmarked", "evidence": "declared"}]
    assert verdicts[5]["reasons"] == [
        {
            "code": "dependency",
            "tasks": ["docs:build", "release:bump"],
            "via": ["docs:build", "release:bump"],
            "evidence": "declared",
        },
        {
            "code": "write-write",
            "tasks": ["docs:notes", "release:bump"],
            "path": "CHANGELOG.md",
            "evidence": "declared",
        },
    ]


def test_a_group_is_told_by_its_members():
    reasons = (Reason("mutex", name="db"),)
    group = Verdict("group", "refuted", "sequential", reasons, among=("api", "db", "srv"), against=("ui:a",))
    assert json.loads(encoded(plan(verdicts=(group,))))["verdicts"] == [
        {
            "kind": "group",
            "among": ["api", "db", "srv"],
            "against": ["ui:a"],
            "verdict": "refuted",
            "runs": "sequential",
            "reasons": [{"code": "mutex", "name": "db", "evidence": "declared"}],
        }
    ]


def test_the_writer_of_a_read_write_reason_is_named():
    reason = Reason("read-write", ("api", "db"), path="x", writer="db", evidence="traced")
    verdict = Verdict("tasks", "refuted", "sequential", (reason,), between=("api", "db"))
    (told,) = json.loads(encoded(plan(verdicts=(verdict,))))["verdicts"][0]["reasons"]
    assert told == {"code": "read-write", "tasks": ["api", "db"], "path": "x", "writer": "db", "evidence": "traced"}


def test_the_same_plan_gives_the_same_bytes_on_one_line():
    assert encoded() == encoded(plan())
    assert encoded().count(b"\n") == 1 and encoded().endswith(b"\n")
