"""What a folder suggests."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from exarp.manifests.foreign.draft import Draft
from exarp.manifests.foreign.proposal import propose


def proposed(files: Mapping[str, str]) -> Draft | None:
    def glob(pattern: str) -> list[str]:
        parts = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        return [file for file in files if re.fullmatch(parts, file)]

    return propose([file.partition("/")[0] for file in files], glob, lambda name: files.get(name, ""))


@pytest.mark.parametrize(
    ("files", "default", "tasks"),
    [
        (
            {"pyproject.toml": "[tool.ruff]\n[tool.mypy]\n[tool.pytest.ini_options]"},
            ["check"],
            {"lint", "types", "test", "check"},
        ),
        ({"setup.py": "", "tests/test_a.py": ""}, ["check"], {"test", "check"}),
        ({"pyproject.toml": "not [toml"}, ["check"], {"compile", "check"}),
        ({"Cargo.toml": ""}, ["test"], {"build", "test", "lint"}),
        ({"go.mod": ""}, ["check"], {"build", "vet", "test", "check"}),
        ({"CMakeLists.txt": "", "a.c": ""}, ["build"], {"configure", "build", "test"}),
        ({"src/a.c": "", "include/a.h": ""}, ["app"], {"cc", "app"}),
        ({"acme/money.py": "", "tests/test_money.py": ""}, ["check"], {"test", "check"}),
        ({"acme/__init__.py": ""}, ["check"], {"compile", "check"}),
        ({"src/a.c": "", "tests/test_a.py": ""}, ["app"], {"cc", "app"}),
    ],
)
def test_files_speak_for_tools(files: Mapping[str, str], default: list[str], tasks: set[str]) -> None:
    draft = proposed(files)
    assert draft is not None
    assert draft.settings == {"default": default}
    assert {task.name for task in draft.tasks} == tasks


def test_nothing_suggests_nothing() -> None:
    assert proposed({"README": ""}) is None
    assert proposed({"README": "", "docs/conf.py": ""}) is None
