from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exarp.store.database import Database, open_for_writing
from exarp.store.state_folder import StateFolder


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    made = StateFolder(str(tmp_path))
    made.prepare()
    return made


@pytest.fixture
def database(folder: StateFolder) -> Iterator[Database]:
    with open_for_writing(folder.database) as opened:
        yield opened
