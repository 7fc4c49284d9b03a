"""Projects and changes of them, drawn at random.

Knows what may stand together in a manifest. Does not know what comes of it.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.freshness.stateful.project import INNER, MATRIX, From, Project, Spec, Wave

CONTENTS = ["a1\n", "a2\n", "b1\n", "b2\n", "a1\na2\n", ""]
SOURCES = [
    "src/p.c",
    "src/q.c",
    "src/r.h",
    "lib/p",
    "lib/sub/q",
    "inc/h1",
    "inc/h2",
    "mx/a.c",
    "mx/b.c",
    "mx/c.c",
    "mod/f",
    f"{INNER}/n",
]
# Without these there is nothing that could be run.
LASTING = frozenset({"mx/a.c"})
# What globs and folders may come to hold, or not.
MEMBERS = ["src/q.c", "src/z.c", "src/r.h", "lib/z", "lib/sub/q", "mx/b.c"]
PATTERNS = [
    "src/p.c", "src/p.c", "src/q.c", "src/*.c", "src/*.c", "src/*.h", "lib", "lib/", "lib/*", "inc/h1", "mod/f", f"{INNER}/n",
]  # fmt: skip
KINDS = ["file", "file", "two", "folder", "kept", "glob", "dep", "dep", "check", "group", MATRIX]
# Where there is one of these, something is always to be done.
RESTLESS = ["always", "modify"]
contents = st.sampled_from(CONTENTS)
# Among those is what some tasks fail of.
edits = st.sampled_from([*CONTENTS, "X1\n"])
values = st.sampled_from([None, "", "1", "2"])
dotenvs = st.sampled_from(["", "", "settings", "tasks"])


@st.composite
def specs(
    draw: st.DrawFn, key: str, before: tuple[Spec, ...], called: str = "", inner: bool = False, restless: bool = False
) -> Spec:
    """A task that may read what those before it make; ``inner``: it may be in the included manifest."""
    kind = draw(st.sampled_from([*KINDS, *(RESTLESS if restless else [])]))
    if (kind == MATRIX and any(spec.kind == kind for spec in before)) or (kind == "modify" and before):
        kind = "file"
    makers = [spec.key for spec in before if spec.outputs]
    inputs: list[str | From] = []
    needs: list[str] = []
    if kind not in (MATRIX, "group", "always", "modify"):
        inputs += draw(st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True))
        if makers:
            inputs += draw(st.lists(st.builds(From, st.sampled_from(makers), st.booleans()), max_size=2))
    if before:
        needs = draw(st.lists(st.sampled_from([spec.key for spec in before]), max_size=2, unique=True))
    if "mod/f" in inputs:
        needs += [spec.key for spec in before if spec.kind == "modify" and spec.key not in needs]
    if kind == "group" and not needs:
        kind = "check"
    return Spec(
        key=key,
        called=called or f"t{key}",
        kind=kind,
        salt=draw(st.integers(0, 2)),
        inputs=tuple(dict.fromkeys(inputs)),
        needs=tuple(needs),
        coarse=draw(st.booleans()) and kind != "dep",
        fails=draw(st.sampled_from(["", "", "early", "late"])),
        allow_failure=draw(st.integers(0, 5)) == 0 and kind != "group",
        variable=draw(st.sampled_from(["", "", "A", "B", "T"])),
        inner=inner and may_be_inner(kind) and draw(st.booleans()),
    )


def may_be_inner(kind: str) -> bool:
    """Whether a task may be in the included manifest."""
    return kind not in (MATRIX, "modify")


@st.composite
def waves(draw: st.DrawFn, tasks: tuple[Spec, ...]) -> tuple[Wave, ...]:
    """Some of the tasks in waves. What follows one another never goes round in circles."""
    found: list[Wave] = []
    left = [spec.key for spec in tasks]
    while left:
        count = draw(st.integers(1, 3))
        if draw(st.booleans()):
            found.append(Wave(tuple(left[:count]), draw(st.booleans()), draw(st.booleans())))
        left = left[count:]
    return tuple(found)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    tasks: tuple[Spec, ...] = ()
    inner, restless = draw(st.booleans()), draw(st.integers(0, 3)) == 0
    for number in range(draw(st.integers(2, 7))):
        tasks += (draw(specs(str(number), tasks, inner=inner, restless=restless)),)
    default = draw(st.lists(st.sampled_from([spec.key for spec in tasks]), min_size=1, max_size=3, unique=True))
    in_waves = draw(waves(tasks)) if draw(st.booleans()) else ()
    return Project(tasks, tuple(default), own=draw(values), waves=in_waves, dotenv=draw(dotenvs))


# Ways in which a task's part of the manifest changes.
CHANGES = ["salt", "salt", "coarse", "called", "outputs", "all", "allow", "fails", "inner"]
# What changes of the rest of it, and where variables come from.
AROUND = ["waves", "waves", "dotenv", "comment", "time", "order"]
PLACES = ["vars", "own vars", "environment", "dotenv", "dotenv"]


@st.composite
def changed(draw: st.DrawFn, project: Project, at: int, what: str) -> Project | None:
    """A project in which one task is described otherwise; None where that cannot be."""
    tasks = project.tasks
    spec = tasks[at]
    if what == "all":
        new = draw(specs(spec.key, tasks[:at], spec.called, spec.inner))
        if new.kind == MATRIX and any(each.kind == MATRIX for each in tasks if each is not spec):
            return None
        if "modify" in (new.kind, spec.kind):
            return None
        users = [e for e in tasks if any(isinstance(i, From) and i.key == spec.key for i in e.inputs)]
        if users and not new.outputs:
            return None
    elif what == "salt":
        new = replace(spec, salt=(spec.salt + 1) % 3)
    elif what == "coarse":
        new = replace(spec, coarse=not spec.coarse and spec.kind != "dep")
    elif what == "called":
        new = replace(spec, called=f"t{spec.key}" if spec.called[0] == "n" else f"n{spec.key}")
    elif what == "outputs":
        new = replace(spec, moved="" if spec.moved else "v")
    elif what == "allow":
        new = replace(spec, allow_failure=not spec.allow_failure and not spec.is_group)
    elif what == "inner":
        new = replace(spec, inner=not spec.inner and may_be_inner(spec.kind))
    else:
        new = replace(spec, fails="" if spec.fails else "late")
    return replace(project, tasks=(*tasks[:at], new, *tasks[at + 1 :]))
