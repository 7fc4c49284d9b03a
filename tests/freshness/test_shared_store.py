"""Two checkouts share one artifact folder while one of them is killed and files of the folder are damaged: a short soak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "shared_store.py"


@pytest.mark.skipif(sys.platform != "linux", reason="tasks of a killed exarp are found in /proc")
def test_nothing_wrong_is_ever_restored() -> None:
    words = ["--seconds", "2", "--json"]
    done = subprocess.run([sys.executable, str(SOAK), *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] > 1
    assert told["restored"] and told["damages"]
    assert told["verify"]["after kills"]["damaged"] == 0
