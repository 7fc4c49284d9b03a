"""Any order of edits, deletions, damage and runs, with artifacts: what is there afterwards is what a build from scratch makes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exarp.app.history import newest_events
from exarp.app.opening.examining import open_project
from exarp.app.run import RunRequest, Voice, run
from exarp.app.selection.targets import choose
from exarp.model.event import TaskFinished
from exarp.planning.selection import Wanted
from tests.effort import tries

MANIFEST = """
[task.compile]
run = '''
cat src/main $(cat src/main | grep -o 'h[0-9]' || true) > $out
echo "$out: src/main $(grep -o 'h[0-9]' src/main | tr '\\n' ' ')" > $depfile
'''
inputs = ["src/main"]
outputs = ["build/main.o"]
depfile = "build/main.d"

[task.site]
run = 'mkdir $out/empty; for name in $in; do cp $name $out/; done; ln -s "$(ls $out | head -n 1)" $out/first; echo site'
inputs = ["pages/*"]
outputs = ["site/"]

[task.bundle]
run = "cat $in > $out; chmod {mode} $out; ls site >> $out"
inputs = ["build/main.o"]
needs = ["site"]
outputs = ["dist/bundle"]

[task.check]
run = "echo checked; test -s dist/bundle"
inputs = ["dist/bundle"]
"""
ABOUT = ("build", "site", "dist")


def tree(root: Path) -> dict[str, object]:
    """All outputs: modes, contents, where links point."""
    found: dict[str, object] = {}
    for folder in ABOUT:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix == ".d":
                continue  # A depfile is read when its task has run, and no output.
            what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[path.relative_to(root).as_posix()] = (oct(path.lstat().st_mode), what)
    return found


def bring_up_to_date(root: Path, cache: str, force: bool = False) -> dict[str, str]:
    """Run everything; what became of each task."""
    environ = {"PATH": os.environ["PATH"], "EXARP_CACHE": cache}
    project = open_project(str(root), None, environ)
    request = RunRequest(choose(project, Wanted((), every=True)), force=force)
    assert run(project, request, environ, Voice(lambda line: None, list)) == 0
    return {event.task: event.outcome for event in newest_events(str(root)) if isinstance(event, TaskFinished)}


class Builds(RuleBasedStateMachine):
    """One workspace, another that shares its artifacts, and one without any that is built from scratch."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.store = str(self.base / "store")
        self.roots = [self.base / "one", self.base / "two"]
        self.is_built = [False, False]
        self.mode = "644"

    @initialize()
    def begin(self) -> None:
        for root in self.roots:
            for folder in ("src", "pages", ".git"):
                (root / folder).mkdir(parents=True)
            for name in ("h1", "h2"):
                (root / name).write_text(name)
            (root / "src/main").write_text("main h1\n")
            (root / "pages/a").write_text("a\n")
        self.set_mode("644")

    def teardown(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)

    def _changed(self, which: int) -> Path:
        self.is_built[which] = False
        return self.roots[which]

    @rule(which=st.integers(0, 1), text=st.sampled_from(["main h1\n", "main h2\n", "main h1 h2\n", "main\n"]))
    def edit(self, which: int, text: str) -> None:
        (self._changed(which) / "src/main").write_text(text)

    @rule(which=st.integers(0, 1), name=st.sampled_from(["h1", "h2"]), text=st.sampled_from(["h1", "h2", "other"]))
    def edit_header(self, which: int, name: str, text: str) -> None:
        (self._changed(which) / name).write_text(text)

    @rule(which=st.integers(0, 1), name=st.sampled_from(["a", "b", "c"]), there=st.booleans())
    def edit_pages(self, which: int, name: str, there: bool) -> None:
        page = self._changed(which) / "pages" / name
        if there or name == "a":
            page.write_text(f"{name}\n")
        else:
            page.unlink(missing_ok=True)

    @rule(mode=st.sampled_from(["644", "755", "600"]))
    def set_mode(self, mode: str) -> None:
        for which in (0, 1):
            (self._changed(which) / "exarp.toml").write_text(MANIFEST.replace("{mode}", mode))

    @rule(which=st.integers(0, 1), data=st.data())
    def harm_outputs(self, which: int, data: st.DataObject) -> None:
        root = self._changed(which)
        there = [name for name in tree(root) if not (root / name).is_dir() or (root / name).is_symlink()]
        if not there:
            return
        victim = root / data.draw(st.sampled_from(there))
        how = data.draw(st.sampled_from(["delete", "write", "folder", "link"]))
        victim.unlink()
        if how == "write":
            victim.write_text("by hand")
        elif victim.parts[-2] == "site":
            # Elsewhere the task would write through it, or could not.
            victim.mkdir() if how == "folder" else victim.symlink_to("nowhere")

    @rule(which=st.integers(0, 1), folder=st.sampled_from([*ABOUT, ".exarp"]))
    def remove(self, which: int, folder: str) -> None:
        if folder == ".exarp":
            # exarp would not know that the folder is its own to empty.
            shutil.rmtree(self._changed(which) / "site", ignore_errors=True)
        shutil.rmtree(self._changed(which) / folder, ignore_errors=True)

    @rule(data=st.data())
    def harm_store(self, data: st.DataObject) -> None:
        files = sorted(path for path in Path(self.store).rglob("*/*/*") if path.is_file())
        if files:
            victim = data.draw(st.sampled_from(files))
            content = victim.read_bytes()
            victim.write_bytes(data.draw(st.sampled_from([b"", content[:-1], content[:-1] + b"?", b"?" + content[1:]])))

    @rule(
        which=st.integers(0, 1),
        force=st.sampled_from([False, False, False, True]),
        cached=st.sampled_from([True, True, False]),
    )
    def run(self, which: int, force: bool, cached: bool) -> None:
        outcomes = bring_up_to_date(self.roots[which], self.store if cached else "off", force)
        assert cached or "restored" not in outcomes.values()
        assert not force or "restored" not in outcomes.values()
        self.is_built[which] = True

    @invariant()
    def what_is_built_is_as_from_scratch(self) -> None:
        for which in (0, 1):
            if not self.is_built[which]:
                continue
            scratch = self.base / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            ignore: Any = shutil.ignore_patterns(*ABOUT, ".exarp")
            shutil.copytree(self.roots[which], scratch, ignore=ignore)
            bring_up_to_date(scratch, "off")
            assert tree(self.roots[which]) == tree(scratch)
            again = bring_up_to_date(self.roots[which], self.store)
            assert set(again.values()) == {"up_to_date"}
            self.is_built[which] = False


TestBuilds = Builds.TestCase
TestBuilds.settings = settings(
    max_examples=tries(10), stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
