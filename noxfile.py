"""The way in when exarp itself is broken: lint, types, layers, tests."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

import nox

# pip knows the index and the certificates of the machine that it was set up on; faster installers ask for their own.
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "layers", "tests"]
nox.options.reuse_existing_virtualenvs = True
# A missing interpreter is skipped, and nox says so, also where CI is set.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"

PYTHONS = ["3.11", "3.12", "3.13"]
# What holds for the others on the oldest and on the newest interpreter holds between; these are near to what Python does.
LIVELY = ("hosts", "store", "workspace", "cli/test_run.py", "cli/test_startup.py")
BETWEEN = PYTHONS[1:-1]
# Of the examples that property tests usually try: on the newest interpreter that is here, and on the others.
MOST, FEW = "0.3", "0.15"
CODE = ("exarp", "tests", "benchmarks", "noxfile.py")


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    session.install("-e", ".", "mypy>=1.18", "types-PyYAML")
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """import-linter: imports point downwards, the core is pure."""
    session.install("-e", ".", "import-linter>=2.17")
    session.run("lint-imports")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """pytest, on every interpreter that is here; all of it on the oldest and the newest.

    ``EXAMPLES_SHARE=1 pytest`` tries all examples of property tests; here there is time for most of them, once.
    """
    session.install("-e", ".[test]")
    rooms = [f"tests/{room}" for room in LIVELY] if session.python in BETWEEN and not session.posargs else []
    share = MOST if session.python == newest() else FEW
    session.run("pytest", "-n", "2", *rooms, *session.posargs, env={"EXAMPLES_SHARE": share})


@cache
def newest() -> str | None:
    """The newest interpreter that is here; one that a version manager only promises does not start."""
    return next((version for version in reversed(PYTHONS) if starts(f"python{version}")), None)


def starts(interpreter: str) -> bool:
    """Whether a program is here, and runs."""
    found = shutil.which(interpreter)
    return found is not None and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
