"""What keeps a service from going on, beside what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from exarp.app.freshness.checker import Checker
from exarp.app.opening.examining import open_project
from exarp.app.opening.project import Project
from exarp.app.running.stream import Stream
from exarp.app.secrets import Secrets
from exarp.app.watching.lasting import Lasting
from exarp.app.watching.standing import Kept, Standing
from exarp.app.wiring import SystemClock
from exarp.engine.stimulus import Checked
from exarp.hosts.scripted import ScriptedHost
from exarp.store.ledger import MemoryLedger
from exarp.workspace.fingerprints import Fingerprints

from .test_standing import Listener

MANIFEST = """
[settings]
secrets = []
[vars]
port = "80"
mode = "a"
[task.db]
inputs = ["db.conf"]
run = "db $mode"
service = { ready = "is-up" }
[task.test]
needs = ["db"]
run = "test $port"
"""
ENVIRON = {"PATH": "", "TOKEN": "a long secret"}


def opened(root: Path, manifest: str) -> tuple[Project, Checker]:
    (root / "exarp.toml").write_text(manifest)
    project = open_project(str(root), None, ENVIRON)
    fingerprints = Fingerprints(str(root), {})
    return project, Checker(str(root), project.manifest, project.graph, ENVIRON, {}, fingerprints)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("", "", None),
        ('port = "80"', 'port = "81"', None),
        ('run = "db', 'run = "db -v', "recipe-changed command"),
        ("is-up", "is-up -v", "recipe-changed service"),
        ("secrets = []", 'secrets = ["TOKEN"]', "recipe-changed secrets"),
        ('is-up" }', 'is-up" }\nfinally = "rm x"', "recipe-changed finally"),
        ('mode = "a"', 'mode = "b"', "variable-changed mode"),
        ('["db.conf"]', '["*.conf"]', "recipe-changed declared inputs"),
        ("conf", "conf", "input-changed db.conf"),
    ],
)
def test_a_service_goes_on_if_it_would_be_started_just_so(
    tmp_path: Path, old: str, new: str, reason: str | None
) -> None:
    (tmp_path / "db.conf").write_text("one")
    project, checker = opened(tmp_path, MANIFEST)
    db = project.graph.ids["db"]
    checker.check(db)
    service = project.manifest.tasks[db].service
    assert service is not None
    standing = Standing(Listener())
    kept = Kept("db", 1, "1", "/log", "log", checker.snapshots[db].now, service, (), ())
    standing.leave(ScriptedHost(), [kept], 1, ())

    if reason is not None and reason.startswith("input"):
        (tmp_path / "db.conf").write_text("two")
    project, checker = opened(tmp_path, MANIFEST.replace(old, new))
    lasting = Lasting(standing, project, Secrets(project.manifest, ENVIRON), "2")
    assert lasting.standing == {db: "1"}
    lasting.begin(Stream("2", SystemClock(), MemoryLedger(), []), checker)
    checked = checker.check(db)
    assert isinstance(checked, Checked)
    found = checked.stale
    assert (f"{found.code} {found.subject}" if found is not None else None) == reason
