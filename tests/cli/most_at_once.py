"""How many compilers run at once in makes that call makes, under exarp: a measurement that anybody can run.

    python -m tests.cli.most_at_once [JOBS [TASKS]]

Knows a Makefile whose compilers write down when they begin and when they end, and reads what they wrote.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Two makes below it, each with six compilers: `+` when one begins, `-` when it ends. What is appended is in the order in which
# it was written, so no more of them were at work at once than the marks say, and no fewer.
MAKEFILE = """
LOG = log
COMPILERS = c1 c2 c3 c4 c5 c6
THIS := $(lastword $(MAKEFILE_LIST))
all: upper lower
upper lower:
	+@$(MAKE) -s -f $(THIS) LOG=$(LOG) compilers
compilers: $(COMPILERS)
$(COMPILERS):
	@echo + >> $(LOG); sleep 0.02; echo - >> $(LOG)
.PHONY: all upper lower compilers $(COMPILERS)
"""


def most_at_once(log: str) -> tuple[int, int]:
    """How many were at work at once, at most, and how many in all."""
    most = now = 0
    for mark in log.split():
        now += 1 if mark == "+" else -1
        most = max(most, now)
    return most, log.count("+")


def main(jobs: int = 2, tasks: int = 4) -> int:
    """Measure, and print what was found; 1 where it was too much."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "compilers.mk").write_text(MAKEFILE)
        (root / "log").touch()
        written = "".join(f'[task.t{number}]\nrun = "make -s -f compilers.mk"\n' for number in range(tasks))
        (root / "exarp.toml").write_text(f"[settings]\njobs = {jobs}\n{written}")
        environ = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
        subprocess.run([sys.executable, "-m", "exarp", "run", "--all", "-q"], cwd=root, env=environ, check=True)
        most, count = most_at_once((root / "log").read_text())
    print(f"jobs = {jobs}: {tasks} recursive makes, {count} compilers, never more than {most} at once")
    return int(most > jobs)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
