"""``docs/coming-from.md`` says of exarp only what is so: its manifests are read, its commands and options are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from exarp.cli.commands import COMMANDS, LATER_COMMANDS
from exarp.cli.entry import group
from exarp.manifests.document import LATER_TASK
from exarp.model.name import LAUNCH_WORDS
from tests.manifests.reading import problems

PAGE = (Path(__file__).parents[2] / "docs/coming-from.md").read_text()
NOT_YET = LATER_TASK | {f"exarp {name}" for name in LATER_COMMANDS}
# What a snippet leaves out: the other tasks, the template, the manifests, the files that it names.
ELSEWHERE = {"unknown-task", "unknown-template", "no-manifest", "empty-matrix"}


def cells() -> Iterator[str]:
    """What each row of the tables says of exarp, which is its last cell."""
    for line in PAGE.splitlines():
        if line.startswith("| "):
            yield re.split(r"(?<!\\)\|", line)[-2].strip()


def snippets() -> list[tuple[str, str]]:
    """Each piece of code of these cells, with its cell."""
    return [(span, cell) for cell in cells() for span in re.findall(r"`([^`]+)`", cell)]


def is_kept_for_later(span: str, cell: str) -> bool:
    return f"not yet: `{span}`" in cell


COMMAND_LINES = [span for span, cell in snippets() if span.startswith("exarp ") and not is_kept_for_later(span, cell)]
KEYS = [(span, cell) for span, cell in snippets() if " = " in span and not span.startswith("exarp ")]
WORDS = [word for span, _ in snippets() if span.startswith("$") for word in span.split()]


def readings(span: str, cell: str) -> Iterator[str]:
    """Manifests of which one must be sound: with ``span`` in a table that the cell names, else in a task, else at the top."""
    tables = [table for table in ("[settings]", "[vars]") if f"`{table}`" in cell]
    yield from (f"{table}\n{span}" for table in tables)
    if "[vars]" not in tables:
        axis = 'matrix = { src = ["src/a.c"] }' if "${src" in span else ""
        yield "\n".join(
            ["[vars]", 'CC = "cc"', "[task.it]", axis, span, *([] if span.startswith("run = ") else ['run = "true"'])]
        )
        yield f"[task.it]\n{span}"
    yield span


def faults(text: str) -> set[str]:
    return {problem.slug for problem in problems(text, {"HOME": "/root"})} - ELSEWHERE


@pytest.mark.parametrize(("span", "cell"), KEYS)
def test_a_key_is_read(span: str, cell: str) -> None:
    assert set() in [faults(text) for text in readings(span, cell)]


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_a_whole_manifest_is_read(text: str) -> None:
    assert faults(text) == set()


@pytest.mark.parametrize("word", WORDS)
def test_a_word_means_something(word: str) -> None:
    if word.startswith("${"):
        text = f'[task.it]\nmatrix = {{ src = ["src/a.c"] }}\nrun = "true"\ndescription = "{word}"'
        assert faults(text) == set()
    else:
        assert word in {*LAUNCH_WORDS, "$HOME"}


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command_is_taken(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DIR").mkdir()
    words = shlex.split(line)[1:]
    words = words[: words.index("--")] if "--" in words else words
    with group.make_context("exarp", words) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert name in COMMANDS
        assert command is not None
        with command.make_context(name, rest, parent=context) as inner:
            assert inner.command is command


def test_what_comes_later_is_not_there_yet() -> None:
    promised = re.findall(r"not yet: `([^`]+)`", PAGE)
    assert set(promised) <= NOT_YET


def test_nothing_hides_from_these_tests() -> None:
    assert len(KEYS) > 50
    assert len(COMMAND_LINES) > 25
