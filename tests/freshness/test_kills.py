"""exarp is killed at all sorts of moments, and goes on each time: a short form of ``benchmarks/kills.py``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.skipif(sys.platform != "linux", reason="what a killed exarp leaves is found in /proc")
def test_after_every_kill_all_is_right_and_nothing_runs_twice() -> None:
    words = ["--kills", "8", "--tasks", "40", "--json"]
    done = subprocess.run(
        [sys.executable, str(KILLS), *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["kills"] == 8 == sum(told["hits"].values())
    # Something was recorded, executed and compared.
    assert told["builds"] > 1
    assert told["committed"] >= 40 * told["builds"] - 8
    assert told["executed"] > 40
