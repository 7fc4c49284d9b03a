"""The manual page is what the commands' help makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from exarp.cli.commands import COMMANDS
from exarp.cli.man_page import man_page

PAGE = Path(__file__).parents[2] / "docs" / "exarp.1"


def test_the_page_in_docs_is_the_one_that_would_be_made() -> None:
    if "REWRITE_EXPECTED" in os.environ:
        PAGE.write_text(man_page())
    assert PAGE.read_text() == man_page(), "make it again: python -m exarp.cli.man_page > docs/exarp.1"


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff here")
def test_man_reads_it_without_a_complaint() -> None:
    done = subprocess.run(
        ["groff", "-k", "-man", "-Tutf8", "-ww", "-P-c", str(PAGE)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert all(f"exarp {command}" in done.stdout for command in COMMANDS)
    assert "  exarp run test -- -k name" in done.stdout
