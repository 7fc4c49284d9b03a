"""Many runs at once in one workspace, some of them killed: a short round of the script that judges them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "side_by_side.py"


@pytest.mark.skipif(sys.platform != "linux", reason="tasks of a killed exarp are found in /proc")
def test_none_meets_what_must_not_be_there_and_none_hangs() -> None:
    words = ["--processes", "4", "--rounds", "4"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 tasks met another that was not to be there, 0 processes went wrong" in done.stdout
