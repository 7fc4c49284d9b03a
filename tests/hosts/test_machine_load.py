"""What the system tells of how much there is to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from exarp.hosts import machine_load
from exarp.hosts.machine_load import machine_load as load


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is only an average")
def test_whoever_asks_runs_itself() -> None:
    assert load() >= 1


@pytest.mark.parametrize("text", ["", "0.1 0.2 0.3", "0.1 0.2 0.3 x/7 1"])
def test_where_nobody_tells_the_average_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    monkeypatch.setattr(machine_load.os, "getloadavg", lambda: (2.5, 0.0, 0.0))
    monkeypatch.setattr(machine_load, "_TOLD", str(tmp_path / "loadavg"))
    assert load() == 2.5
    (tmp_path / "loadavg").write_text(text)
    assert load() == 2.5
    (tmp_path / "loadavg").write_text("0.1 0.2 0.3 4/321 99\n")
    assert load() == 4
