"""What an agent is told of a failure: the document that ``$EXARP_CONTEXT`` names, and its schema.

Knows the fields, and what each means (docs/recovery.md has them, too). Does not know where they come from (``recoveries``).
Fields are only ever added. Imported where an agent is sent, or its schema is asked for: other runs need none of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from exarp.model.event import RecoveryOutcome

VERSION: Literal[1] = 1


class WaveOfContext(msgspec.Struct, frozen=True):
    """A wave."""

    number: Annotated[int, Meta(description="Its number in the run, from 1.")]
    name: Annotated[str, Meta(description="Its name, as in `Starting wave …` of a derived one.")]


class ReasonOfContext(msgspec.Struct, frozen=True):
    """Why an attempt failed, where its exit status alone does not say it."""

    code: Annotated[str, Meta(description="One of docs/reasons.md: timed-out, verify-failed, outputs-not-made …")]
    subject: Annotated[str, Meta(description="The file, script or time that it is about; may be empty.")]
    detail: Annotated[str, Meta(description="What the system says of it; may be empty.")]


class AgentOfContext(msgspec.Struct, frozen=True):
    """What came of an earlier round of the agent."""

    round: Annotated[int, Meta(description="Which round it was, from 1.")]
    outcome: Annotated[RecoveryOutcome, Meta(description="What its exit status meant.")]
    exit_status: Annotated[int | None, Meta(description="How it exited; null where it was killed.")]
    said: Annotated[str, Meta(description="Its last line, at most 200 characters, or why it came to no end by itself.")]
    changed: Annotated[
        list[str], Meta(description="Files that it changed, made or removed, from the workspace; at most 100.")
    ]
    log: Annotated[
        str | None, Meta(description="The absolute path of all that it printed; null where it printed nothing.")
    ]


class AttemptOfContext(msgspec.Struct, frozen=True):
    """An attempt that failed."""

    attempt: Annotated[int, Meta(description="Which one it was, from 1.")]
    exit_status: Annotated[
        int | None, Meta(description="How it exited; null where a signal ended it, or it did not start.")
    ]
    signal: Annotated[int | None, Meta(description="The number of the signal that ended it.")]
    duration_ms: Annotated[int, Meta(description="How long it took, in milliseconds.")]
    reason: Annotated[ReasonOfContext | None, Meta(description="Why it failed, if that is more than its exit status.")]
    log: Annotated[
        str | None, Meta(description="The absolute path of all that it printed; null where it printed nothing.")
    ]
    agent: Annotated[AgentOfContext | None, Meta(description="What the agent made of it; null in the last attempt.")]


class Context(msgspec.Struct, frozen=True):
    """What an agent is told."""

    version: Annotated[Literal[1], Meta(description="Of this document. Fields are only ever added.")]
    kind: Annotated[Literal["task", "verification"], Meta(description="What failed.")]
    task: Annotated[str | None, Meta(description="The task that failed; null for a verification.")]
    wave: Annotated[
        WaveOfContext | None,
        Meta(
            description="The task's wave, or the one that is verified; null for the verification at the end of a run in flow."
        ),
    ]
    run: Annotated[str, Meta(description="The run, as in `exarp status`.")]
    workspace: Annotated[str, Meta(description="The absolute path of the folder that all others are relative to.")]
    round: Annotated[int, Meta(description="Which round this is for this failure, from 1.")]
    rounds: Annotated[int, Meta(description="How many there can be.")]
    commands: Annotated[
        list[str | list[str]],
        Meta(description="What is run in turn, its verify at last: scripts, or words that need no shell (argv)."),
    ]
    shell: Annotated[list[str], Meta(description="The words before each script.")]
    cwd: Annotated[
        str, Meta(description="The folder in which they run, from the workspace; empty: the workspace itself.")
    ]
    prompt: Annotated[str | None, Meta(description="What the task is told in words, if it is a prompt.")]
    exit_status: Annotated[int | None, Meta(description="Of the last attempt, as in attempts.")]
    signal: Annotated[int | None, Meta(description="Of the last attempt, as in attempts.")]
    reason: Annotated[ReasonOfContext | None, Meta(description="Of the last attempt, as in attempts.")]
    log: Annotated[str | None, Meta(description="Of the last attempt, as in attempts.")]
    last_lines: Annotated[
        list[str], Meta(description="The end of that log: at most 50 lines (64 KiB), without colours.")
    ]
    inputs: Annotated[
        list[str],
        Meta(
            description="Files that the task reads, those of its depfile too; of a verification what the tasks before it make."
        ),
    ]
    outputs: Annotated[list[str], Meta(description="What the task makes, as it declares it; folders end in a slash.")]
    modifies: Annotated[list[str], Meta(description="What it changes in place, as it declares it.")]
    attempts: Annotated[
        list[AttemptOfContext], Meta(description="All attempts so far, in order; the last is the one told here.")
    ]
    dependents: Annotated[list[str], Meta(description="Tasks of this run that wait for it, directly or not.")]


def context_schema() -> bytes:
    """Draft 2020-12 schema as indented JSON, with a final newline."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "exarp recovery context",
    }
    schema |= msgspec.json.schema(Context)
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2) + b"\n"
