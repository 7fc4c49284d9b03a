"""What a folder suggests: tasks for the language and the tools that its files show.

Knows which files speak for which tools. Does not look at a folder itself, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tomli

from exarp.manifests.foreign.draft import Draft, DraftTask
from exarp.manifests.foreign.make_functions import Glob

_PYTHON = "**/*.py"
_CC = "cc $CFLAGS -MMD -MF $depfile -c $in -o $out"


def propose(names: Sequence[str], glob: Glob, read: Callable[[str], str]) -> Draft | None:
    """A draft for a folder with these ``names`` in it; None where they suggest nothing.

    ``glob``: files of a pattern, in which ``**`` is any folders; ``read``: a file's text, empty where it cannot be read.
    """
    for suggest in (_python, _rust, _go, _cmake, _c, _scripts):
        draft = suggest(frozenset(names), glob, read)
        if draft is not None:
            return draft
    return None


def _draft(reason: str, tool: str, default: Sequence[str], **tasks: dict[str, Any]) -> Draft:
    draft = Draft(reason, tool, settings={"default": list(default)}, converted=False)
    draft.tasks = [DraftTask(name.replace("_", "-"), 0, keys) for name, keys in tasks.items()]
    draft.found = len(draft.tasks)
    return draft


def _python(names: frozenset[str], glob: Glob, read: Callable[[str], str]) -> Draft | None:
    project = next((name for name in ("pyproject.toml", "setup.py", "setup.cfg") if name in names), None)
    return None if project is None else _of_python(project, [project], names, glob, read)


def _scripts(names: frozenset[str], glob: Glob, read: Callable[[str], str]) -> Draft | None:
    """Python without a file that says what it needs: the least certain, so it is thought of last."""
    signs = ("tests/**/test*.py", "test*.py", "*/__init__.py")
    return _of_python(_PYTHON, [], names, glob, read) if any(map(glob, signs)) else None


def _of_python(
    reason: str, described: list[str], names: frozenset[str], glob: Glob, read: Callable[[str], str]
) -> Draft:
    code = ["src/**/*.py"] if glob("src/**/*.py") else [_PYTHON]
    tests = ["tests/**/*.py"] if code[0].startswith("src/") and glob("tests/**/*.py") else []
    files = [*code, *tests, *described]
    table = _toml(read("pyproject.toml")) if "pyproject.toml" in names else {}
    said = f"{table.get('project', {})}{table.get('dependency-groups', {})}".lower()
    tools = table.get("tool", {}) if isinstance(table.get("tool"), dict) else {}
    tasks: dict[str, dict[str, Any]] = {}
    if "ruff" in tools or "ruff" in said:
        tasks["lint"] = {"description": "Rules and style", "inputs": files, "run": "ruff check ."}
    if "mypy" in tools or "mypy" in said:
        tasks["types"] = {"description": "Types", "inputs": files, "run": "mypy ."}
    if "pytest" in tools or "pytest" in said or names & {"pytest.ini", "conftest.py"} or glob("tests/**/conftest.py"):
        run = 'python3 -m pytest "$@"'
        tasks["test"] = {"description": "The tests; arguments go behind --", "inputs": files, "run": run}
    elif glob("tests/**/test*.py") or glob("test*.py"):
        where = " -s tests" if glob("tests/**/test*.py") else ""
        tasks["test"] = {"description": "The tests", "inputs": files, "run": f"python3 -m unittest discover{where}"}
    if not tasks:
        tasks["compile"] = {"description": "Is it Python at all", "inputs": files, "run": "python3 -m compileall -q ."}
    tasks["check"] = {"description": "All of it", "needs": list(tasks)}
    return _draft(reason, "Python", ["check"], **tasks)


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError:
        return {}


def _rust(names: frozenset[str], glob: Glob, read: Callable[[str], str]) -> Draft | None:
    if "Cargo.toml" not in names:
        return None
    # cargo holds a lock on its own folder: side by side its commands only wait for each other.
    cargo = {"mutex": ["cargo"]}
    return _draft(
        "Cargo.toml",
        "Rust",
        ["test"],
        build={"description": "Build", "run": "cargo build", **cargo},
        test={"description": "The tests; arguments go behind --", "run": 'cargo test "$@"', **cargo},
        lint={"description": "clippy", "run": "cargo clippy", **cargo},
    )


def _go(names: frozenset[str], glob: Glob, read: Callable[[str], str]) -> Draft | None:
    if "go.mod" not in names:
        return None
    files = ["**/*.go", "go.mod", *(["go.sum"] if "go.sum" in names else [])]
    return _draft(
        "go.mod",
        "Go",
        ["check"],
        build={"description": "Build", "inputs": files, "run": "go build ./..."},
        vet={"description": "Likely mistakes", "inputs": files, "run": "go vet ./..."},
        test={"description": "The tests; arguments go behind --", "inputs": files, "run": 'go test ./... "$@"'},
        check={"description": "All of it", "needs": ["build", "vet", "test"]},
    )


def _cmake(names: frozenset[str], glob: Glob, read: Callable[[str], str]) -> Draft | None:
    if "CMakeLists.txt" not in names:
        return None
    # cmake knows itself what is up to date.
    return _draft(
        "CMakeLists.txt",
        "CMake",
        ["build"],
        configure={"description": "Make the build folder", "run": "cmake -B build"},
        build={"description": "Build", "needs": ["configure"], "run": "cmake --build build"},
        test={"description": "The tests", "needs": ["build"], "run": "ctest --test-dir build"},
    )


def _c(names: frozenset[str], glob: Glob, read: Callable[[str], str]) -> Draft | None:
    pattern = "src/**/*.c" if glob("src/**/*.c") else "*.c"
    sources = glob(pattern)
    if not sources:
        return None
    draft = _draft(
        pattern,
        "C",
        ["app"],
        cc={
            "description": "Compile one source file",
            "matrix": {"src": {"glob": pattern}},
            "inputs": ["${src}"],
            "outputs": ["build/${src.path}.o"],
            "depfile": "build/${src.path}.d",
            "run": _CC,
        },
        app={
            "description": "Link the program",
            "inputs": [{"from": "cc"}],
            "outputs": ["build/app"],
            "run": "cc -o $out $in $LDLIBS",
        },
    )
    include = " -Iinclude" if "include" in names else ""
    draft.variables = {"CFLAGS": f"${{env.CFLAGS:--O2 -Wall}}{include}", "LDLIBS": "${env.LDLIBS:-}"}
    return draft
