"""``examples/recovery``: what an agent may make of a failure, in all ways; and ``docs/recovery.md`` shows what is really seen.

Each block of that page that begins with ``$ … exarp run`` is typed at a terminal, in a copy of the example.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exarp.app.running.recovery_context import AgentOfContext, AttemptOfContext, Context, WaveOfContext, context_schema
from tests.cli.conftest import Workspace, environment
from tests.hosts.screen import Screen

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/recovery.md").read_text()
SCHEMA = json.loads(context_schema())
SHOWN = re.findall(r"```console\n\$ (?:AGENT=([a-z-]+) )?exarp run\n(.*?)```", PAGE, re.DOTALL)

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")


@pytest.fixture
def example(tmp_path: Path) -> Workspace:
    folder = tmp_path / "example"
    shutil.copytree(ROOT / "examples/recovery", folder, ignore=shutil.ignore_patterns(".exarp", "build"))
    (folder / ".git").mkdir()
    return Workspace(folder)


def hurried(example: Workspace) -> None:
    """Nobody waits five seconds for an agent that hangs."""
    example.write("exarp.toml", example.read("exarp.toml").replace('timeout = "5s"', 'timeout = "2s"'))


def sources(example: Workspace) -> dict[str, str]:
    return {path.name: path.read_text() for path in (example.path / "src").iterdir()}


def recoveries(example: Workspace) -> list[tuple[str, str, list[str]]]:
    """Of the last run: what the agent was sent for, what came of it, and what it changed."""
    events = [json.loads(line) for line in example.exarp("events").out.splitlines()]
    return [(e["task"], e["outcome"], e["changed"]) for e in events if e["type"] == "recovery_finished"]


def test_the_build_and_the_verification_are_mended(example: Workspace) -> None:
    broken = sources(example)

    result = example.exarp("run")

    assert result.code == 0, result.err
    assert recoveries(example) == [
        ("cc@src/area.c", "tried", ["src/area.c"]),
        ("verify build", "tried", ["src/main.c"]),
    ]
    now = sources(example)
    assert now["area.c"] == broken["area.c"].replace("heigth", "height")
    assert now["main.c"] == broken["main.c"].replace("%d shapes", "%ld shapes")
    assert now["area.h"] == broken["area.h"]
    assert "ok    verify build" in result.err
    assert "had been read by cc@src/main.c" in result.err
    assert example.exarp("log", "recover cc@src/area.c").out == "did what the compiler proposes in 1 place\n"
    # What was mended for the verification is compiled now.
    again = example.exarp("run", "--json").json
    assert {task["task"] for task in again["tasks"] if task["outcome"] == "passed"} == {"cc@src/main.c", "shapes"}
    assert example.exarp("run").err == "up to date (3 tasks)\n"


def test_what_was_well_only_as_the_agent_left_it_is_verified_again(example: Workspace) -> None:
    broken = sources(example)
    assert example.exarp("run").code == 0

    # As the tasks have read it: they are up to date.
    example.write("src/main.c", broken["main.c"])
    again = example.exarp("run", env={"AGENT": "give-up"})

    assert (again.code, recoveries(example)) == (1, [("verify build", "no_help", [])])


def test_it_can_be_broken_again(example: Workspace) -> None:
    broken = sources(example)
    assert example.exarp("run").code == 0
    assert sources(example) != broken

    assert example.exarp("reset").code == 0

    assert sources(example) == broken


@pytest.mark.parametrize(
    ("agent", "outcome", "seen"),
    [
        ("give-up", "no_help", "no help from recovery: exit 1, nothing to go by in round 1 of 2"),
        ("hang", "no_help", "no help from recovery: timed out after 2.0s, thinking"),
        ("escalate", "escalated", "FAIL  cc@src/area.c (T)  escalated: width and height may be meant the other way round"),
    ],
)
def test_a_failure_stays_one_where_the_agent_does_not_mend_it(
    example: Workspace, agent: str, outcome: str, seen: str
) -> None:
    if agent == "hang":
        hurried(example)
    broken = sources(example)

    result = example.exarp("run", env={"AGENT": agent})

    assert result.code == 1
    assert seen in re.sub(r"(cc@src/area\.c) \([\d.]+s\)", r"\1 (T)", result.err)
    assert recoveries(example) == [("cc@src/area.c", outcome, [])]
    assert sources(example) == broken
    assert not example.exists("build/shapes")
    assert example.exists("build/main.o")
    assert "blocked by it: shapes" in result.err
    # Nothing of the agent is left.
    assert example.exarp("resume").code == 0


def test_a_verification_that_nobody_mends_fails_the_run(example: Workspace) -> None:
    example.write("src/area.c", example.read("src/area.c").replace("heigth", "height"))

    result = example.exarp("run", env={"AGENT": "give-up"})

    assert result.code == 1
    assert example.exists("build/shapes")
    assert "first failure: verify build, exit 1" in result.err
    assert result.err.splitlines()[-1].endswith("again: exarp resume")
    assert example.exarp("run").code == 0


def test_what_the_agent_is_told_is_what_its_schema_says(example: Workspace) -> None:
    # What the agent does is undone behind it.
    example.write("as_it_was.c", example.read("src/area.c"))
    example.write("vain.sh", "cp $EXARP_CONTEXT told.json; python3 agent.py; cp as_it_was.c src/area.c")
    example.write("exarp.toml", example.read("exarp.toml").replace("python3 agent.py", "sh vain.sh"))

    assert example.exarp("run").code == 1

    told = msgspec.json.decode(example.read("told.json"), type=Context, strict=True)
    assert (told.kind, told.task, told.wave) == ("task", "cc@src/area.c", WaveOfContext(1, "build"))
    assert (told.round, told.rounds, told.dependents) == (2, 2, ["shapes"])
    assert (told.inputs, told.outputs) == (["src/area.c"], ["build/area.o"])
    assert any("heigth" in line for line in told.last_lines)
    first, second = told.attempts
    assert first.agent is not None
    assert (first.agent.outcome, first.agent.said) == ("tried", "did what the compiler proposes in 1 place")
    assert (second.attempt, second.log, second.agent) == (2, told.log, None)
    assert follows(json.loads(example.read("told.json")), SCHEMA)


def test_the_page_has_such_a_context_and_every_field() -> None:
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    msgspec.json.decode(shown[1], type=Context, strict=True)
    assert follows(json.loads(shown[1]), SCHEMA)
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    told = {field for row in rows for field in re.findall(r"`([a-z_]+)`", row)}
    assert told == {field for struct in (Context, AttemptOfContext, AgentOfContext) for field in struct.__struct_fields__}


def follows(value: object, schema: dict[str, Any]) -> bool:
    """Whether a value is as a schema says, as far as this one says anything: types, fields that must be there, and no others."""
    if "$ref" in schema:
        return follows(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return any(follows(value, choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if schema["type"] == "object":
        return (
            isinstance(value, dict)
            and set(value) == set(schema["properties"]) == set(schema["required"])
            and all(follows(value[name], field) for name, field in schema["properties"].items())
        )
    if schema["type"] == "array":
        return isinstance(value, list) and all(follows(item, schema["items"]) for item in value)
    return type(value) is {"string": str, "integer": int, "null": type(None)}[schema["type"]]


def test_retries_of_the_command_line_cap_it(example: Workspace) -> None:
    result = example.exarp("run", "--retries", "0")

    assert result.code == 1
    assert recoveries(example) == []


def plain(text: str) -> list[str]:
    """What a terminal shows, line by line, as far as the example decides it: without times, what the compiler says, and the lines of
    tasks that passed, which a display that moves does not leave behind."""
    # What was typed is followed by a line that is wiped.
    text = re.sub(r" +\r", "\n", text).replace("\r", "")
    text = re.sub(r"\b\d+\.\d+s", "T", text)
    text = re.sub(r"failed: (?!escalated).*\. Debug", "failed: E. Debug", text)
    return [line for line in text.split("\n") if line.strip() and not line.startswith((" ", "ok    cc", "ok    shapes", "$"))]


def test_the_page_shows_each_case() -> None:
    assert sorted(agent for agent, _ in SHOWN) == ["", "escalate", "give-up", "hang"]


@pytest.mark.parametrize(("agent", "text"), SHOWN, ids=[agent or "mend" for agent, _ in SHOWN])
def test_the_page_shows_what_is_seen(example: Workspace, agent: str, text: str) -> None:
    if agent == "hang":
        hurried(example)
    env = environment({"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200", **({"AGENT": agent} if agent else {})})
    screen = Screen(example.path, sys.executable, "-m", "exarp", "run", "-j1", env=env)
    try:
        seen = ""
        if "[d/a] " in text:
            seen = screen.until("[d/a] ") + "[d/a] "
            screen.type("a\n")
        seen += screen.until("[exit ")
    finally:
        screen.close()

    assert plain(seen) == plain(text)
