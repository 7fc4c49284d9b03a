"""Which changes of files matter to a watched run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from exarp.app.opening.examining import open_project
from exarp.app.watching.files import News, Watched

MANIFEST = """
    [task.cc]
    matrix = { src = { glob = "src/**/*.c" } }
    inputs = ["${src}"]
    tools = ["tools/cc"]
    outputs = ["build/${src.stem}.o"]
    depfile = "build/${src.stem}.d"
    run = "$x"

    [task.link]
    inputs = [{ from = "cc" }]
    outputs = ["build/app"]
    run = "$x"

    [task.docs]
    inputs = ["docs/**/*.md", "!docs/old/**"]
    outputs = []
    run = "$x"

    [task.fmt]
    modifies = ["docs/*.md"]
    run = "$x"
"""


class Bench:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.told: dict[str, bytes] = {}
        self.watched = self.again()

    def again(self) -> Watched:
        project = open_project(str(self.root), None, os.environ)
        self.names = project.graph.names
        found = {project.graph.ids["cc@src/a.c"]: ["src/a.h"]}
        return Watched(project, range(len(project.graph)), found, self.told)

    def write(self, name: str, text: str = "new") -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def news(self, *paths: str, begun: str | None = None) -> dict[str, list[str]]:
        has_begun = None if begun is None else (lambda task: self.names[task] == begun)
        return self.shown(self.watched.news(paths, has_begun))

    def shown(self, news: News) -> dict[str, list[str]]:
        found = {self.watched.shown(path): [self.names[task] for task in tasks] for path, tasks in news.files.items()}
        return found | ({"manifest": []} if news.manifest else {})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in ("src/a.c", "src/a.h", "tools/cc", "docs/a.md", "docs/old/b.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old")
    (tmp_path / ".gitignore").write_text("*.tmp.md\n")
    (tmp_path / "exarp.toml").write_text(dedent(MANIFEST))
    return Bench(tmp_path)


def test_inputs_tools_and_what_a_depfile_named_matter_to_their_readers(bench: Bench) -> None:
    assert bench.watched.count == 4
    for name, readers in {
        "src/a.c": ["cc@src/a.c"],
        "src/a.h": ["cc@src/a.c"],
        "tools/cc": ["cc@src/a.c"],
        "docs/a.md": ["docs", "fmt"],
    }.items():
        assert bench.news(bench.write(name)) == {name: readers}
        assert str((bench.root / name).parent) in bench.watched.folders


def test_what_tasks_make_what_git_ignores_and_what_nobody_reads_does_not_matter(bench: Bench) -> None:
    for name in ("build/a.o", "build/a.d", "build/app", "docs/x.tmp.md", "docs/old/b.md", "src/x.txt", ".exarp/x"):
        assert bench.news(bench.write(name)) == {}
    assert bench.news(str(bench.root / ".git/index")) == {}


def test_a_file_that_joins_or_leaves_a_pattern_matters_in_a_new_folder_too(bench: Bench) -> None:
    new = bench.write("docs/new/deep/c.md")
    assert bench.news(str(bench.root / "docs/new")) == {"docs/new/deep/c.md": ["docs"]}
    assert str(bench.root / "docs/new/deep") in bench.watched.folders
    os.unlink(new)
    assert bench.news(new) == {"docs/new/deep/c.md": ["docs"]}


def test_an_empty_folder_is_watched_from_then_on(bench: Bench) -> None:
    for folder in ("docs/empty", "src/empty"):
        (bench.root / folder).mkdir()
        assert bench.news(str(bench.root / folder)) == {}
        assert str(bench.root / folder) in bench.watched.folders


def test_the_manifest_and_what_makes_other_tasks_of_it_matter(bench: Bench) -> None:
    assert bench.news(bench.write("exarp.toml", dedent(MANIFEST))) == {"manifest": []}
    assert bench.news(bench.write(".gitignore")) == {"manifest": []}
    bench.watched = bench.again()
    new = bench.write("src/deep/b.c")
    assert bench.news(str(bench.root / "src/deep")) == {"manifest": []}
    # As long as nobody has read the manifest again.
    assert bench.news(new) == {"manifest": []}


def test_a_nearer_manifest_matters(bench: Bench) -> None:
    assert bench.news(bench.write("exarp.yaml")) == {"manifest": []}


def test_who_changes_files_in_place_does_not_begin_anew_for_it(bench: Bench) -> None:
    path = bench.write("docs/a.md")
    assert bench.news(path, begun="docs") == {"docs/a.md": ["docs", "fmt"]}
    bench.write("docs/a.md", "formatted")
    assert bench.news(path, begun="fmt") == {}


def test_the_same_content_again_matters_only_where_no_task_may_have_written_it(bench: Bench) -> None:
    path = bench.write("src/a.c", "1")
    assert bench.news(path) == {"src/a.c": ["cc@src/a.c"]}
    assert bench.news(path, begun="link") == {}
    assert bench.news(path) == {"src/a.c": ["cc@src/a.c"]}
    bench.write("src/a.c", "2")
    assert bench.news(path, begun="link") == {"src/a.c": ["cc@src/a.c"]}
