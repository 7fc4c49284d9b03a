"""``check --fix``: what is certain is mended, in the text as it is, and nothing else changes."""

from __future__ import annotations

import copy
import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.app import fix as module
from exarp.app.fix import fix, fixable
from exarp.app.opening.examining import examine
from exarp.errors import ManifestError, Problem, UsageError
from exarp.manifests import document as doc
from exarp.manifests.problems.slips import meant_by
from exarp.model.manifest import Manifest
from tests.manifests.notations.test_notations import DOCUMENTS, texts
from tests.manifests.notations.writing import toml_text

NAMES = {"toml": "exarp.toml", "json": "exarp.json", "yaml": "exarp.yaml", "pyproject": "pyproject.toml"}

SOUND: dict[str, Any] = {
    "vars": {"arch": "x86", "names": ["a", "b"], "version": {"run": "git describe"}},
    "settings": {
        "default": ["link"], "jobs": 4, "output": "grouped", "schedule": "waves", "timeout": "0s", "clean_env": True,
        "dotenv": [".env"], "on_failure": "abort", "pass_env": ["CC"], "max_tasks_per_wave": 3, "packing": "levels",
    },
    "resources": {"gpu": 1},
    "template": {"quick": {"env": {"A": "1"}, "tags": ["fast"], "interactive": False}},
    "task": {
        "cc": {
            "description": "Compile", "run": "cc", "inputs": ["src/${arch}.c"], "outputs": ["build/cc.o"], "tags": ["c"],
            "manual": True, "priority": "high", "retries": 2, "timeout": "0s", "params": {"opt": {"choices": ["a", "b"]}},
        },
        "link": {
            "run": ["ld", "strip"], "needs": ["cc"], "cwd": "src", "depfile": "link.d", "extends": "quick", "parent": "cc",
            "env": {"B": "2"}, "on_failure": "skip", "resources": {"gpu": 1}, "keep_outputs": True, "matrix": {"n": ["x", "y"]},
        },
        "serve": {"argv": ["serve"], "service": {"port": 80, "ready": "curl", "timeout": "0s"}},
        "fmt": {"run": "fmt", "modifies": ["log/*.txt"], "requires": ["fmt"], "platforms": ["linux"], "mutex": ["m"]},
        "all": {"needs": ["link", "serve"], "aliases": ["everything"]},
    },
    "wave": [{"name": "first", "tasks": ["cc"], "order": "sequential", "parallel": True, "group": 1}],
}  # fmt: skip

Path_ = tuple[Any, ...]
STRUCTS: dict[str, type] = {
    "settings": doc.SettingsDocument,
    "service": doc.ServiceDocument,
    "version": doc.CommandDocument,
}
OTHER_TOOLS = {
    "run": ["cmd", "command"], "needs": ["deps", "depends-on"], "inputs": ["sources"], "cwd": ["dir"], "env": ["environment"],
    "description": ["desc"], "tags": ["tag"], "task": ["tasks"], "wave": ["waves"], "vars": ["variables"],
}  # fmt: skip


def tables(tree: Any, path: Path_ = ()) -> Iterator[tuple[Path_, type]]:
    """Every table of ``SOUND`` whose keys are exarp's, with its struct."""
    if not path:
        yield path, doc.Document
    elif len(path) == 2 and path[0] in ("task", "template"):
        yield path, doc.TaskDocument
    elif len(path) == 2 and path[0] == "wave":
        yield path, doc.WaveDocument
    elif path[-1] == "opt":
        yield path, doc.ParamDocument
    elif path[-1] in STRUCTS:
        yield path, STRUCTS[path[-1]]
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from tables(value, (*path, key))


def at(tree: Any, path: Path_) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def misspelt(key: str, rng: random.Random) -> str | None:
    """Another spelling of a key, as hands make them."""
    others = [key.upper(), key + "s", key.removesuffix("s"), key.replace("_", "-"), *OTHER_TOOLS.get(key, ())]
    spot = rng.randrange(len(key) - 1)
    others += [key[:spot] + key[spot + 1] + key[spot] + key[spot + 2 :], key[:spot] + key[spot + 1 :]]
    others.append(f"{key[:spot]}x{key[spot:]}")
    return rng.choice([other for other in others if other != key] or [None])


def mistyped(value: Any, key: str, lists: bool) -> Any:
    """The value as somebody writes it who forgets what is wanted; itself where nothing is certain then."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list) and len(value) == 1 and key not in ("shell", "argv"):
        return value[0]
    if value == "0s":
        return 0
    if value in ("grouped", "waves", "abort", "skip", "high", "sequential", "levels"):
        return value.title()
    if lists and key in ("cwd", "depfile", "description", "parent", "ready"):
        return [value]
    return value


def break_it(tree: dict[str, Any], rng: random.Random, lists: bool) -> dict[str, Any]:
    """A copy with slips and wrong types, each of which is certain. ``lists``: also lists of one where one is wanted alone."""
    broken: dict[str, Any] = copy.deepcopy(tree)
    for path, struct in sorted(tables(tree), key=lambda found: -len(found[0])):
        table, known = at(broken, path), list(struct.__struct_encode_fields__)  # type: ignore[attr-defined]
        for key in list(table):
            value = at(tree, (*path, key))
            if isinstance(value, bool | int | str | list) and rng.random() < 0.25 and key not in ("wave", "gpu"):
                table[key] = mistyped(value, key, lists)
            other = misspelt(key, rng)
            is_other_tools = other in OTHER_TOOLS.get(key, ()) and not (key == "run" and isinstance(value, list))
            is_slip = other is not None and meant_by(other, [*known, *doc.LATER_TASK]) == key
            if (
                other is None
                or rng.random() > 0.25
                or not (is_other_tools or (is_slip and other not in KNOWN_ELSEWHERE))
            ):
                continue
            if any(other in (each, *OTHER_TOOLS.get(each, ())) for each in table):
                continue
            found = {(other if each == key else each): inner for each, inner in table.items()}
            table.clear()
            table.update(found)
    return broken


KNOWN_ELSEWHERE = {
    *doc.Document.__struct_encode_fields__, *doc.TaskDocument.__struct_encode_fields__,
    *doc.SettingsDocument.__struct_encode_fields__, *doc.WaveDocument.__struct_encode_fields__,
    *(word for words in OTHER_TOOLS.values() for word in words), "dep", "commands", "cmds", "script", "scripts", "targets", "var",
    "order_only", "pools", "steps", "files", "threads", "doc", "help", "retry", "src", "srcs",
}  # fmt: skip


def read(folder: str, name: str) -> tuple[Manifest | None, list[Problem]]:
    try:
        project, problems = examine(folder, os.path.join(folder, name), {}, commands=False)
    except ManifestError as error:
        return None, list(error.problems)
    return project.manifest, problems


def written(folder: str, name: str, text: str) -> Path:
    path = Path(folder, name)
    path.write_bytes(text.encode())
    return path


def fields(manifest: Manifest | None) -> Any:
    assert manifest is not None
    return manifest.tasks, manifest.waves, manifest.settings, manifest.resources, dict(manifest.vars)


@pytest.mark.parametrize("notation", NAMES)
@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_what_is_mended_means_what_was_meant(notation: str, rng: random.Random) -> None:
    name = NAMES[notation]
    with tempfile.TemporaryDirectory() as folder:
        written(folder, name, texts(SOUND, rng)[notation])
        meant, none = read(folder, name)
        assert none == []
        # In YAML one may stand in lines of its own, which are left alone.
        broken = break_it(SOUND, rng, lists=notation != "yaml")
        path = written(folder, name, texts(broken, rng, with_headers=rng.random() < 0.7)[notation])
        _, problems = read(folder, name)
        mended = fix(folder, str(path))
        found, left = read(folder, name)
        assert left == [], (left, path.read_text())
        assert bool(mended) == bool(problems)
        assert fields(found) == fields(meant)
        before = path.read_bytes()
        assert fix(folder, str(path)) == []
        assert path.read_bytes() == before


@pytest.mark.parametrize("notation", NAMES)
@given(
    DOCUMENTS | st.fixed_dictionaries({"task": st.dictionaries(st.just("a"), DOCUMENTS)}),
    st.randoms(use_true_random=False),
)
@settings(max_examples=20, deadline=None)
def test_of_any_document_only_problems_go(notation: str, tree: dict[str, Any], rng: random.Random) -> None:
    name = NAMES[notation]
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, name, texts(tree, rng)[notation])
        data, (_, problems) = path.read_bytes(), read(folder, name)
        mended = fix(folder, str(path))
        _, left = read(folder, name)
        assert (path.read_bytes() == data) == (mended == [])
        before, after = (Counter((each.slug, each.message) for each in told) for told in (problems, left))
        assert after <= before
        assert len(left) <= len(problems) - len(mended)
        assert fix(folder, str(path)) == []


def test_a_sound_manifest_is_not_even_touched(tmp_path: Path) -> None:
    path = written(str(tmp_path), "exarp.toml", toml_text(SOUND, lambda: True))
    status = path.stat()
    assert fix(str(tmp_path), None) == []
    assert path.stat() == status


def mend(folder: Path, text: str, name: str = "exarp.toml") -> str:
    """What becomes of a text."""
    path = written(str(folder), name, text)
    fix(str(folder), str(path))
    return path.read_bytes().decode()


CERTAIN: dict[str, tuple[str, str, str]] = {
    "comments and layout": (
        "exarp.toml",
        '# first\r\n[task.a] # a\r\n  run   =  "x"\r\n\tneed  = "b"   # why\r\n\r\n[task.b]\r\nrun = "y" # é😀\r\n',
        '# first\r\n[task.a] # a\r\n  run   =  "x"\r\n\tneeds  = ["b"]   # why\r\n\r\n[task.b]\r\nrun = "y" # é😀\r\n',
    ),
    "a byte order mark": ("exarp.toml", '\ufeff[task.a]\nruns = "x"\n', '\ufeff[task.a]\nrun = "x"\n'),
    "behind wide characters": (
        "exarp.yaml",
        'task:\n  a: {description: "é😀", runs: x, evn: {A: "😀"}}\n',
        'task:\n  a: {description: "é😀", run: x, env: {A: "😀"}}\n',
    ),
    "all headers of a table": (
        "exarp.toml",
        '[tasks.a]\nrun = "x"\n[tasks.a.env]\nA = "1"\n[ tasks . b ]\nrun = "y"\n',
        '[task.a]\nrun = "x"\n[task.a.env]\nA = "1"\n[ task . b ]\nrun = "y"\n',
    ),
    "all dotted keys": (
        "exarp.toml",
        "[task.a]\nevn.A = 'x'\nrun = 'x'\n\"evn\".B = 'y'\n",
        "[task.a]\nenv.A = 'x'\nrun = 'x'\n\"env\".B = 'y'\n",
    ),
    "a header below its own parts": (
        "exarp.toml",
        "[tasks.a.env]\nA = 1\n[tasks]\nb.run = 'x'\n[tasks.a]\nrun = 'x'\n",
        "[task.a.env]\nA = 1\n[task]\nb.run = 'x'\n[task.a]\nrun = 'x'\n",
    ),
    "a header that is a key": (
        "exarp.toml", "[task.a]\nrun = 'x'\n[task.a.evn]\nA = 1\n", "[task.a]\nrun = 'x'\n[task.a.env]\nA = 1\n"
    ),
    "a dotted name, and below it": (
        "exarp.toml",
        '[task.a.b]\nrun = "x"\n[task."a". b.env]\nA = 1\n[task.a.b.params]\nq = 1\n',
        '[task."a.b"]\nrun = "x"\n[task."a.b".env]\nA = 1\n[task."a.b".params]\nq = 1\n',
    ),
    "arrays of tables": (
        "exarp.toml",
        "[task.a]\nrun = 'x'\n[[waves]]\nname = 'x'\ntask = 'a'\n[[waves]]\nname = 'y'\ntasks = []\n",
        "[task.a]\nrun = 'x'\n[[wave]]\nname = 'x'\ntasks = ['a']\n[[wave]]\nname = 'y'\ntasks = []\n",
    ),
    "one bracket too few": (
        "exarp.toml",
        "[task.a]\nrun = 'x'\n[wave]\nname = 'x'\ntasks = ['a']\n",
        "[task.a]\nrun = 'x'\n[[wave]]\nname = 'x'\ntasks = ['a']\n",
    ),
    "a list over several lines": (
        "exarp.toml", "[task.a]\nrun = 'x'\ncwd = [\n  'src',\n]\n", "[task.a]\nrun = 'x'\ncwd = 'src'\n"
    ),
    "what is no date": (
        "exarp.toml", "[task.a]\nrun = 'x'\ndescription = 2024-01-02 03:04:05\n",
        "[task.a]\nrun = 'x'\ndescription = \"2024-01-02 03:04:05\"\n",
    ),
    "only its own table": (
        "pyproject.toml",
        "[tasks]\nneed = 1\n[tool.exarp.tasks.a]\nruns = 'x'\n[tool.tasks.a]\nruns = 'x'\n",
        "[tasks]\nneed = 1\n[tool.exarp.task.a]\nrun = 'x'\n[tool.tasks.a]\nruns = 'x'\n",
    ),
    "words of YAML": (
        "exarp.yaml",
        "task:\n  a:\n    run: x\n    manual: yes # !\n    inputs: src/*.c\n    tags: fast\n    'evn': {A: 1}\n",
        'task:\n  a:\n    run: x\n    manual: true # !\n    inputs: ["src/*.c"]\n    tags: [fast]\n    \'env\': {A: 1}\n',
    ),
    "names of platforms": (
        "exarp.yaml",
        "task:\n  a: {run: x, platforms: [Linux, 'MacOS', \"linux/AMD64\"]}\n",
        "task:\n  a: {run: x, platforms: [linux, 'macos', \"linux/amd64\"]}\n",
    ),
    "values that are mistyped, too": (
        "exarp.yaml",
        "task:\n  a: {cmds: [x, y], retry: '2', ignore_error: yes, dir: [src]}\n",
        "task:\n  a: {run: [x, y], retries: 2, allow_failure: true, cwd: src}\n",
    ),
    "keys of JSON": ("exarp.json", '{"tasks":{"a":{"cmd":"x","retries":"3"}}}', '{"task":{"a":{"run":"x","retries":3}}}'),
}  # fmt: skip

UNCERTAIN: dict[str, tuple[str, str]] = {
    "no unit": ("exarp.toml", "[task.a]\nrun = 'x'\ntimeout = 30\nretry_delay = '5'\n[settings]\nlog_limit = 1000\n"),
    "a key that is there": ("exarp.toml", "[task.a]\nrun = 'x'\nneeds = []\nneed = ['b']\n[task.b]\nrun = 'x'\n"),
    "two keys for one": ("exarp.toml", "[task.a]\nrun = 'x'\ndeps = ['b']\nneed = ['b']\n[task.b]\nrun = 'x'\n"),
    "a task that is not there": ("exarp.toml", "[task.a]\nrun = 'x'\nneeds = ['biuld']\n[task.build]\nrun = 'x'\n"),
    "names of what is not there": ("exarp.toml", "[task.a]\nrun = 'x'\ndeps = ['main.c']\n"),
    "several words": ("exarp.toml", "[task.a]\nrun = 'x'\ninputs = 'a.c b.c'\ntags = 'x,y'\nneeds = ''\n"),
    "a shell without -c": ("exarp.toml", "[task.a]\nrun = 'x'\nshell = 'bash'\n[settings]\nshell = 'bash'\n"),
    "a list that others run in one shell": ("exarp.toml", "[task.a]\nscript = ['cd x', 'make']\n"),
    "a list that others take for one command": ("exarp.toml", "[task.a]\ncommand = ['make', 'x']\n"),
    "order that others take for a need": ("exarp.toml", "[task.a]\nrun = 'x'\norder_only = ['b']\n[task.b]\nrun = 'x'\n"),
    "what only looks like a key": ("exarp.toml", "[task.a]\nrun = 'x'\nexternal = true\nnotifies = ['b']\n"),
    "a platform that may be one of two": ("exarp.toml", "[task.a]\nrun = 'x'\nplatforms = ['amr64', 'plan9']\n"),
    "a number that may be octal": ("exarp.yaml", "task:\n  a: {run: x, retries: 010}\n  b: {run: x, retries: '010'}\n"),
    "lists that may be meant": (
        "exarp.toml", "[task.a]\nrun = [['x'], 3]\nparams = { p = ['x'] }\nenv = { A = ['x'] }\ninputs = [['x']]\n"
    ),
    "outputs, whose folders are emptied": ("exarp.toml", "[task.a]\nrun = 'x'\ngenerates = ['src/']\n"),
    "a setting in a task": ("exarp.toml", "[task.a]\nrun = 'x'\noutput = 'quiet'\n"),
    "a key of a later version": ("exarp.toml", "[task.a]\nrun = 'x'\nagnet = 'x'\npromt = 'x'\n"),
    "tables for a key": ("exarp.toml", "[task.a]\nrun = 'x'\ndeps = [{ task = 'b' }]\n[task.b]\nrun = 'x'\n"),
    "a cycle that would come up": ("exarp.toml", "[task.a]\nrun = 'x'\nneed = ['b']\n[task.b]\nrun = 'x'\nneeds = ['a']\n"),
    "a table that may be anything": ("exarp.toml", "[task.a]\nrun = 'x'\n[task.a.b]\nc = 1\n"),
    "no document": ("exarp.toml", "[tasks.a\nneed = 'x'\n"),
    "what an alias repeats": (
        "exarp.yaml", "task:\n  a: &a {run: x, need: b}\n  b: {run: x}\n  c: {<<: *a}\n  d: *a\n  e: {run: x, manual: &y 'yes'}\n"
    ),
    "text with a tag": ("exarp.yaml", "task:\n  a: {run: x, manual: !!str yes}\n"),
    "text in lines of its own": ("exarp.yaml", "task:\n  a:\n    run: x\n    tags: |-\n      fast\n"),
    "a comment in the brackets": ("exarp.toml", "[task.a]\nrun = 'x'\ncwd = [ # here\n 'x' ]\n"),
    "escapes in a key": ("exarp.json", '{"task": {"a": {"run": "x", "nee\\u0064": ["b"]}, "b": {"run": "x"}}}'),
}  # fmt: skip


@pytest.mark.parametrize("name", CERTAIN)
def test_what_is_certain_is_mended_in_its_place(tmp_path: Path, name: str) -> None:
    file, before, after = CERTAIN[name]
    assert mend(tmp_path, before, file) == after
    assert read(str(tmp_path), file)[1] == []


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_is_not_certain_is_left_alone(tmp_path: Path, name: str) -> None:
    file, before = UNCERTAIN[name]
    assert mend(tmp_path, before, file) == before
    assert read(str(tmp_path), file)[1] != []
    assert fixable(str(tmp_path), str(tmp_path / file)) == 0


def test_one_fix_that_does_no_good_does_not_keep_others_from_being_made(tmp_path: Path) -> None:
    lines = "".join(f"[task.t{number}]\nrun = 'x'\nneed = 't{number + 1}'\n" for number in range(9))
    text = f"{lines}[task.t9]\nrun = 'x'\nneed = 'nobody'\n"
    assert mend(tmp_path, text).count("needs = ['t") == 9
    assert "need = 'nobody'" in (tmp_path / "exarp.toml").read_text()


def test_included_files_are_mended_in_their_own_files(tmp_path: Path) -> None:
    written(str(tmp_path), "exarp.toml", '[includes]\nui = "ui"\ntoo = "ui"\n[task.a]\nneed = "ui:b"\nrun = "x"\n')
    (tmp_path / "ui").mkdir()
    inner = written(str(tmp_path / "ui"), "exarp.yaml", "task: {b: {runs: x}}\n")
    assert [str(each.place) for each in fix(str(tmp_path), None)] == [
        "exarp.toml:1:2",
        "exarp.toml:5:1",
        "ui/exarp.yaml:1:12",
    ]
    assert inner.read_text() == "task: {b: {run: x}}\n"
    assert (
        (tmp_path / "exarp.toml")
        .read_text()
        .startswith('[include]\nui = "ui"\ntoo = "ui"\n[task.a]\nneeds = ["ui:b"]\n')
    )


def test_a_link_stays_one_and_a_mode_stays(tmp_path: Path) -> None:
    real = written(str(tmp_path), "real.toml", "[tasks.a]\nrun = 'x'\n")
    real.chmod(0o640)
    (tmp_path / "exarp.toml").symlink_to(real)
    assert len(fix(str(tmp_path), None)) == 1
    assert (tmp_path / "exarp.toml").is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("[task.a]\nrun = 'x'\n", 0o640)
    assert sorted(os.listdir(tmp_path)) == ["exarp.toml", "real.toml"]


def test_what_was_changed_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(str(tmp_path), "exarp.toml", "[tasks.a]\nrun = 'x'\n")
    edited: Callable[..., bytes] = module._edited

    def meanwhile(data: bytes, edits: Any) -> bytes:
        path.write_text("[task.b]\nrun = 'x'\n")
        return edited(data, edits)

    monkeypatch.setattr(module, "_edited", meanwhile)
    with pytest.raises(UsageError, match="changed meanwhile"):
        fix(str(tmp_path), None)
    assert path.read_text() == "[task.b]\nrun = 'x'\n"


def test_no_command_of_a_variable_is_run_and_limits_of_the_workspace_are_left(tmp_path: Path) -> None:
    config = tmp_path / ".exarp" / "config.yaml"
    config.parent.mkdir()
    config.write_text("thresholds:\n  max_tasks_per_wave: '3'\n")
    text = "[vars]\nx = { cmd = 'touch ran' }\n[task.a]\nruns = 'x'\ntags = ['${x}']\n"
    assert "x = { run = 'touch ran' }" in mend(tmp_path, text)
    assert not (tmp_path / "ran").exists()
    assert "'3'" in config.read_text()


def test_thousands_are_mended_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READINGS", 3)
    tree = {"task": {f"t{number}": {"runs": "x", "tags": "x"} for number in range(2000)}}
    assert "runs" not in mend(tmp_path, json.dumps(tree), "exarp.json")
