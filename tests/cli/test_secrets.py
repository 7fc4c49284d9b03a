"""Variables that are marked secret: their values are shown, stored and kept nowhere."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Result, Workspace

MANIFEST = """
    [settings]
    secrets = ["TOKEN", "*_KEY"]
    dotenv = [".env"]
    [vars]
    API_KEY = "key-of-vars"
    LATE_KEY = { run = "echo key-that-is-printed" }
    [task.tells]
    run = 'printf "%s-%s" "$TOKEN" "$API_KEY"; echo "$LATE_KEY $DOT_KEY $OWN_KEY"; cat in > $out'
    env = { OWN_KEY = "key-of-env" }
    inputs = ["in"]
    outputs = ["told"]
    [task.holds]
    run = "echo $TOKEN > $out"
    inputs = ["in"]
    outputs = ["held"]
    [task.holds-more]
    run = 'head -c 20000 /dev/zero > $out; echo "$TOKEN" >> $out'
    inputs = ["in"]
    outputs = ["held-more"]
    [task.sound]
    run = "test -n $TOKEN; cp in $out"
    inputs = ["in"]
    outputs = ["sound"]
    [task.fails]
    run = 'echo "$TOKEN" >&2; exit 1'
    finally = 'echo "finally $TOKEN"'
    [task.not-there]
    argv = ["no-such-program-${API_KEY}"]
    [task.needs-much]
    run = "true"
    requires = [{ run = 'echo "$TOKEN is not enough"; exit 1' }]
"""
VALUES = ("token-of-caller", "key-of-vars", "key-that-is-printed", "key-of-dotenv", "key-of-env", "given-key")
ENV = {"TOKEN": VALUES[0], "EXARP_CACHE": ""}


@pytest.fixture
def secret(workspace: Workspace) -> Workspace:
    workspace.manifest(MANIFEST)
    workspace.write(".env", 'DOT_KEY="key-of-dotenv"\n')
    workspace.write("in", "1\n")
    return workspace


def kept_quiet(result: Result) -> Result:
    assert [value for value in VALUES if value in result.out + result.err] == []
    return result


def stored(workspace: Workspace) -> list[str]:
    """The values that stand anywhere in what exarp keeps."""
    files = [path for path in (workspace.path / ".exarp").rglob("*") if path.is_file()]
    return [value for value in VALUES if any(value.encode() in path.read_bytes() for path in files)]


@pytest.mark.parametrize("mode", ["grouped", "prefixed", "stream"])
def test_what_tasks_print_is_masked(secret: Workspace, mode: str) -> None:
    done = kept_quiet(secret.exarp("run", "--all", "-k", "--output", mode, "--set", "API_KEY=given-key", env=ENV))
    assert "***-****** *** ***\n" in done.out.replace("tells | ", "").replace("\n", "\n")
    assert "finally ***" in done.out
    assert "again: exarp run --set 'API_KEY=***' " in done.err
    assert "no-such-program-***: command not found" in done.err
    assert stored(secret) == []
    assert kept_quiet(secret.exarp("log", "fails")).out == "***\nfinally ***\n"
    kept_quiet(secret.exarp("history"))


def test_documents_and_events_are_masked(secret: Workspace) -> None:
    done = kept_quiet(secret.exarp("run", "fails", "--json", env=ENV))
    assert done.json["first_failure"]["tail"] == "***"
    events = kept_quiet(secret.exarp("run", "--all", "-k", "--events", "-", env=ENV))
    assert '"requirement-failed"' in events.out
    kept_quiet(secret.exarp("plan", "--json", env=ENV))
    kept_quiet(secret.exarp("run", "-n", "--json", env=ENV))


def test_show_tells_no_values(secret: Workspace) -> None:
    for task in ("tells", "not-there"):
        kept_quiet(secret.exarp("show", task, env=ENV))
        kept_quiet(secret.exarp("show", task, "--json", env=ENV))
        kept_quiet(secret.exarp("show", task, "--shell", env=ENV))
    assert "TOKEN=***  (from your environment)" in secret.exarp("show", "tells", env=ENV).out
    assert 'API_KEY="$API_KEY"' in secret.exarp("show", "tells", "--shell", env=ENV).out


def test_what_would_give_a_secret_away_is_kept_for_nobody_and_the_reason_is_told(secret: Workspace) -> None:
    done = secret.exarp("run", "tells", "holds", "holds-more", "sound", env=ENV)
    assert done.err.count("is not kept as an artifact: ") == 3
    assert "holds is not kept as an artifact: held holds the value of TOKEN, which is secret" in done.err
    assert "holds-more is not kept as an artifact: held-more holds the value of TOKEN, which is secret" in done.err
    assert "tells is not kept as an artifact: what it printed holds the value of a secret variable" in done.err
    assert stored(secret) == []
    for path in ("told", "held", "held-more", "sound"):
        (secret.path / path).unlink()
    again = secret.exarp("run", "tells", "holds", "holds-more", "sound", env=ENV)
    assert "4 passed (3 ran, 1 restored)" in again.err


def test_what_was_kept_before_is_not_replayed_once_it_is_secret(secret: Workspace) -> None:
    secret.manifest(MANIFEST.replace('secrets = ["TOKEN", "*_KEY"]', ""))
    secret.exarp("run", "tells", env=ENV)
    (secret.path / "told").unlink()
    secret.manifest(MANIFEST)
    done = kept_quiet(secret.exarp("run", "tells", env=ENV))
    assert "ok    tells (" in done.err


def test_a_command_that_nobody_asks_for_is_not_run_for_its_secret(secret: Workspace) -> None:
    secret.manifest(MANIFEST.replace("echo key-that-is-printed", "touch asked; echo key-that-is-printed"))
    secret.exarp("run", "sound", env=ENV)
    assert not secret.exists("asked")
    kept_quiet(secret.exarp("run", "tells", env=ENV))
    assert secret.exists("asked")
