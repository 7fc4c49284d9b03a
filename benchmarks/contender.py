"""The two programs that are compared, and the machine they are compared on.

Knows where exarp and ninja are found and what versions they are. Does not know what they build.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path


class Missing(Exception):
    """A program that a measurement needs is not there; the text says what to do."""


def find_exarp(given: str | None) -> str:
    """``given``, else the exarp beside this interpreter, else the one on PATH. Raises Missing."""
    beside = Path(sys.executable).parent / "exarp"
    found = shutil.which(given or (beside if beside.exists() else "exarp"))
    if found is None:
        raise Missing("exarp is not installed: `pip install .` in a fresh environment, or --exarp PATH")
    return str(Path(found).absolute())


def find_program(name: str) -> str:
    """Path of a program. Raises Missing."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed (Debian: apt-get install {_PACKAGES.get(name, name)})")
    return found


_PACKAGES = {"ninja": "ninja-build", "cc": "gcc libc6-dev", "ar": "binutils"}


def setting(exarp: str, ninja: str) -> str:
    """One line on what is measured, where."""
    parts = (
        _first_line(exarp, "--version"),
        f"ninja {_first_line(ninja, '--version')}",
        _first_line(interpreter_of(exarp), "--version"),
        f"{os.cpu_count()} CPUs",
        f"{platform.system()} {platform.release()}",
        f"load {os.getloadavg()[0]:.2f}",
    )
    return ", ".join(parts)


def interpreter_of(script: str) -> str:
    """The interpreter named in a script's first line; this one where it names none that runs."""
    with open(script, "rb") as file:
        first = file.readline().decode(errors="replace").strip()
    return sys.executable if not first.startswith("#!/") or " " in first else first[2:]


def _first_line(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).partition("\n")[0].strip()
