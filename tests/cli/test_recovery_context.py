"""What a recovery agent reads in ``$EXARP_CONTEXT``, where that is not plain: see ``tests/examples/test_recovery.py``, too."""

from __future__ import annotations

import json

import msgspec
import pytest

from exarp.app.running.recovery_context import Context, context_schema

from .conftest import Workspace

AGENT = '[recovery]\nattempts = 1\nrun = "cp $EXARP_CONTEXT told.json"\n'


def told(workspace: Workspace, manifest: str, **env: str) -> Context:
    workspace.manifest(AGENT + manifest)
    assert workspace.exarp("run", "--all", env=env).code == 1
    return msgspec.json.decode(workspace.read("told.json"), type=Context, strict=True)


def test_a_task_without_a_shell_tells_its_words_and_what_verifies_it(workspace: Workspace) -> None:
    context = told(workspace, '[task.t]\nargv = ["echo", "a b"]\nverify = ["test -e made"]\n')

    assert context.commands == [["echo", "a b"], "test -e made"]
    assert context.reason is not None
    assert (context.reason.code, context.reason.subject) == ("verify-failed", "test -e made")


@pytest.mark.parametrize("secret", ['say "hi"', "back\\slash", "task", "exit_status"])
def test_secrets_are_masked_in_texts_whatever_they_look_like_and_never_in_names(
    workspace: Workspace, secret: str
) -> None:
    script = json.dumps(f"printf %s '{secret}'; false")

    context = told(workspace, f'[settings]\nsecrets = ["TOKEN"]\n[task.t]\nrun = {script}\n', TOKEN=secret)

    assert context.commands == ["printf %s '***'; false"]
    assert context.last_lines == ["***"]


def test_the_schema_is_printed(workspace: Workspace) -> None:
    assert workspace.exarp("schema", "recovery-context").out.encode() == context_schema()
    assert workspace.exarp("schema").out == workspace.exarp("schema", "manifest").out
    refused = workspace.exarp("schema", "context")
    assert (refused.code, "'recovery-context'" in refused.err) == (2, True)
