"""What happens to a folder between runs: to its sources, to what was made, to the manifests, to all of it.

Knows how people and tools change files. Runs nothing but ``exarp clean`` and ``exarp cache``.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.freshness.stateful.drawing import (
    AROUND,
    CHANGES,
    LASTING,
    PLACES,
    SOURCES,
    changed,
    dotenvs,
    edits,
    values,
    waves,
)
from tests.freshness.stateful.folder import MADE, Folder
from tests.freshness.stateful.machine import put
from tests.freshness.stateful.manifest import INNER_FILE, ROOT_FILE
from tests.freshness.stateful.project import Project
from tests.freshness.stateful.tree import FOLDER, Tree


class Changing(Folder):
    """A folder that changes."""

    # -- sources -----------------------------------------------------------------------------------------------

    @rule(
        path=st.sampled_from(SOURCES),
        content=edits,
        how=st.sampled_from(["", "", "replace", "keep time", "old", "future"]),
    )
    def edit(self, path: str, content: str, how: str) -> None:
        self.change_source(path, content, how)

    def change_source(self, path: str, content: str, how: str) -> None:
        """Give a source another content, in one of the ways in which that is done."""
        at = self.place.root / path
        before = at.stat() if at.exists() else None
        if how == "replace":
            self.place.write("aside", content)
            at.parent.mkdir(parents=True, exist_ok=True)
            os.rename(self.place.root / "aside", at)
        else:
            self.place.write(path, content)
        if how == "keep time" and before is not None:
            os.utime(at, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif how in ("old", "future"):
            os.utime(at, ns=(0, 0 if how == "old" else 4_000_000_000_000_000_000))

    @rule(
        path=st.sampled_from(SOURCES), to=st.sampled_from(SOURCES), how=st.sampled_from(["touch", "delete", "rename"])
    )
    def rearrange(self, path: str, to: str, how: str) -> None:
        at = self.place.root / path
        if not at.exists():
            return
        if how == "touch":
            os.utime(at)
        elif path in LASTING:
            return
        elif how == "delete":
            at.unlink()
        else:
            (self.place.root / to).parent.mkdir(parents=True, exist_ok=True)
            os.rename(at, self.place.root / to)

    @rule(
        path=st.sampled_from(["src/p.c", "src/z.c", "lib/z"]),
        leads=st.sampled_from(["../src/q.c", "../inc/h1", "nothing", "", ""]),
    )
    def link(self, path: str, leads: str) -> None:
        at = self.place.root / path
        if leads or path.endswith("z") or at.is_symlink():
            at.unlink(missing_ok=True)
        if leads:
            at.symlink_to(leads)

    @rule(names=st.sampled_from(["", "r.h", "q.c", "q.c\nr.h"]))
    def ignore(self, names: str) -> None:
        self.place.write(".gitignore", f"{names}\n")

    # -- outputs -----------------------------------------------------------------------------------------------

    @rule(data=st.data(), how=st.sampled_from(["edit", "delete", "delete", "folder", "link", "same", "touch"]))
    def meddle(self, data: st.DataObject, how: str) -> None:
        tree = self.place.tree()
        made = [path for path in tree if path.split("/")[0] in MADE and not path.endswith(".d")]
        files = sorted(path for path in made if tree[path][0] == "file")
        if files:
            self.meddle_with(data.draw(st.sampled_from(files)), how)

    def meddle_with(self, path: str, how: str) -> None:
        """Do something to an output."""
        at = self.place.root / path
        if how == "edit":
            at.write_text("meddled\n")
        elif how == "delete":
            at.unlink()
        elif how == "same":
            at.write_text(at.read_text())
        elif how == "touch":
            os.utime(at)
        elif path.startswith(("out/", "mo/")):
            at.unlink()
            if how == "folder":
                self.place.write(f"{path}/inside", "meddled\n")
            else:
                at.symlink_to("../src/p.c")

    @rule(data=st.data())
    def drop_folder(self, data: st.DataObject) -> None:
        tree = self.place.tree()
        own = ("dir/", "keep/", "glob/")
        tops = sorted(p for p, entry in tree.items() if entry == FOLDER and p.count("/") == 1 and p.startswith(own))
        tops += [top for top in ("out", "dir", "keep", "mo") if top in tree]
        if tops:
            shutil.rmtree(self.place.root / data.draw(st.sampled_from(tops)))

    @rule(data=st.data())
    def stray(self, data: st.DataObject) -> None:
        tasks = [spec for spec in self.place.project.tasks if spec.kind in ("folder", "kept")]
        folders = [output for spec in tasks for output in spec.outputs]
        if folders:
            folder = data.draw(st.sampled_from(folders))
            if (self.place.root / folder).is_dir():
                self.place.write(f"{folder}stray", "stray\n")

    # -- the manifests -----------------------------------------------------------------------------------------

    @rule(data=st.data(), what=st.sampled_from(CHANGES))
    def change(self, data: st.DataObject, what: str) -> None:
        project = self.place.project
        at = data.draw(st.integers(0, len(project.tasks) - 1))
        new = data.draw(changed(project, at, what))
        if new is not None:
            self.place.describe(new)

    @rule(data=st.data(), what=st.sampled_from(AROUND))
    def change_around(self, data: st.DataObject, what: str) -> None:
        """Change what no task is made of."""
        project = self.place.project
        if what == "waves":
            self.place.describe(replace(project, waves=data.draw(waves(project.tasks))))
        elif what == "dotenv":
            self.place.describe(replace(project, dotenv=data.draw(dotenvs)))
        elif what == "comment":
            self.place.describe(replace(project, comment=project.comment + 1))
        elif what == "order":
            self.place.describe(replace(project, default=self.some(data)))
        else:
            for path in (ROOT_FILE, INNER_FILE):
                if (self.place.root / path).exists():
                    os.utime(self.place.root / path)

    @rule(where=st.sampled_from(PLACES), value=values)
    def set_variable(self, where: str, value: str | None) -> None:
        place = self.place
        if where == "vars":
            place.describe(replace(place.project, variable=value))
        elif where == "own vars":
            place.describe(replace(place.project, own=value))
        elif where == "environment":
            place.environ = {"B": value} if value is not None else {}
        elif value is not None:
            place.write(".env", f"C=1\nB={value}\n")
        else:
            (place.root / ".env").unlink(missing_ok=True)

    # -- all of it ---------------------------------------------------------------------------------------------

    @rule()
    def remember(self) -> None:
        self.branches.append((self.sources(), self.place.project))

    @rule(data=st.data())
    def switch(self, data: st.DataObject) -> None:
        self.switch_to(*data.draw(st.sampled_from(self.branches)))

    def switch_to(self, tree: Tree, project: Project) -> None:
        """Replace what differs by what it was, as git does; what is there now is a branch, too."""
        before = self.sources()
        self.branches.append((before, self.place.project))
        put(self.place.root, tree, before)
        self.place.describe(project)

    @rule()
    def move(self) -> None:
        """The checkout is somewhere else."""
        root = self.place.root
        self.place.root = root.with_name("v" if root.name == "w" else "w")
        os.rename(root, self.place.root)

    @rule(how=st.sampled_from(["delete", "cut", "garble", "all"]))
    def harm_what_is_known(self, how: str) -> None:
        """The index can be done without; where nothing is known, all is made."""
        own = self.place.root / ".exarp"
        if how == "all":
            shutil.rmtree(own, ignore_errors=True)
            # exarp would not know that it may empty this.
            shutil.rmtree(self.place.root / "dir", ignore_errors=True)
            self.place.records, self.place.store = {}, {}
            return
        index = own / "index"
        if index.exists():
            content = index.read_bytes()
            index.unlink()
            if how != "delete":
                middle = len(content) // 2
                index.write_bytes(content[:middle] + (b"" if how == "cut" else b"?" + content[middle + 1 :]))

    @rule(data=st.data(), how=st.sampled_from(["all", "some", "stale"]))
    def clean(self, data: st.DataObject, how: str) -> None:
        before, sources = self.place.tree(), self.sources()
        expanded = self.place.project.expanded(before)
        keys = self.some(data) if how == "some" else ()
        words = {"all": (), "some": self.names(keys), "stale": ("--stale",)}[how]
        assert self.place.call("clean", *words) == 0
        assert self.sources() == sources
        if how == "stale":
            # Of tasks that are no more nothing is remembered any longer.
            records = self.place.records.items()
            self.place.records = {name: record for name, record in records if name in expanded.by_name}
        if how == "all":
            return
        named = expanded.selection(keys)
        others = [spec for spec in expanded.tasks if how == "stale" or spec.name not in named]
        now = self.place.tree()
        kept = {output for spec in others if spec.kind != "kept" for output in spec.outputs}
        assert all(now.get(path) == before.get(path) for path in kept)

    @rule()
    def clear_artifacts(self) -> None:
        if self.artifacts:
            self.place.call("cache", "clear")
            self.place.store = {}
