"""Manifests that include others, without a disk."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.errors import ManifestError, Problem, UsageError
from exarp.manifests.inclusion import inclusion
from exarp.manifests.inclusion.joining import USED, USED_ALONE, join
from exarp.manifests.inclusion.part import Source
from exarp.manifests.inclusion.scope import Scope
from exarp.manifests.notations import toml
from exarp.manifests.outside import Outside
from exarp.manifests.reading import Reading, read_manifest
from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.path import matcher, normalise
from exarp.model.task import Task
from tests.manifests.reading import MEMORY, marked

ROOT = "/home/me/project"


class Files:
    """An ``Opener`` of files that are texts, by their paths; folders hold an ``exarp.toml``."""

    itself = "exarp.toml"

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def folders(self, pattern: str) -> list[str]:
        match = matcher(pattern.rstrip("/")).match
        found = [path.rpartition("/")[0] for path in self.files if path.endswith("/exarp.toml")]
        return sorted(folder for folder in found if match(folder))

    def open(self, path: str) -> Source:
        file = path if path in self.files else normalise(f"{path}/exarp.toml")
        if file not in self.files:
            raise ManifestError(Problem("no-manifest", f"{path} does not exist"))
        return Source(self.files[file].encode(), file, toml, file.rpartition("/")[0], file)

    def identity(self, path: str) -> str:
        return (path.rpartition("/")[0] if path in self.files else path.rstrip("/")).removeprefix(".")


def read(
    files: Mapping[str, str], variables: Mapping[str, str] | None = None, outside: Outside | None = None
) -> Reading:
    files = {path: textwrap.dedent(text) for path, text in files.items()}
    data = files["exarp.toml"].encode()
    return read_manifest(data, "exarp.toml", toml, {}, MEMORY, variables, ROOT, None, outside, None, Files(files))


def whole(files: Mapping[str, str]) -> Manifest:
    reading = read(files)
    assert reading.problems == []
    return reading.manifest


def problems(files: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What is wrong, as slugs, files and the text that is pointed at."""
    return [
        (problem.slug, problem.place.file if problem.place else "", marked(problem)) for problem in read(files).problems
    ]


def tasks(files: Mapping[str, str]) -> dict[str, Task]:
    return {task.name: task for task in whole(files).tasks}


RUN = 'run = "true"\n'


def test_tasks_come_file_after_file_under_their_prefixes() -> None:
    files = {
        "exarp.toml": f'include = {{ b = "b", "*" = "p/*", a = "tools/a.toml" }}\n[task.own]\n{RUN}',
        "b/exarp.toml": f'include = {{ in = "deep" }}\n[task.t]\n{RUN}',
        "b/deep/exarp.toml": f"[task.t]\n{RUN}",
        "p/y/exarp.toml": f"[task.t]\n{RUN}",
        "p/x/exarp.toml": f"[task.t]\n{RUN}",
        "p/z/README": "",
        "tools/a.toml": f"[task.t]\n{RUN}",
    }
    found = tasks(files)
    assert list(found) == ["own", "b:t", "b:in:t", "x:t", "y:t", "a:t"]
    assert [task.cwd for task in found.values()] == ["", "b", "b/deep", "p/x", "p/y", "tools"]


def test_what_has_a_prefix_of_its_own_is_not_one_of_many() -> None:
    files = {
        "exarp.toml": 'include = { "*" = ["p/*", "*"], other = "p/x" }',
        "p/x/exarp.toml": f"[task.t]\n{RUN}",
        "p/y/exarp.toml": f"[task.t]\n{RUN}",
        "p/exarp.toml": f"[task.t]\n{RUN}",
    }
    assert set(tasks(files)) == {"other:t", "y:t", "p:t"}


def test_a_folder_is_none_of_the_many_that_it_includes_itself() -> None:
    files = {
        "exarp.toml": 'include = { a = "p/a" }',
        "p/a/exarp.toml": f'include = {{ "*" = "../*" }}\n[task.t]\n{RUN}',
        "p/b/exarp.toml": f"[task.t]\n{RUN}",
    }
    assert list(tasks(files)) == ["a:t", "a:b:t"]


def test_waves_settings_and_pools_are_those_of_the_workspace() -> None:
    files = {
        "exarp.toml": """
            include = { ui = "ui" }
            [settings]
            timeout = "5m"
            default = ["ui"]
            [[wave]]
            name = "one"
            tasks = ["ui:lint"]
            parallel = ["ui:two"]
            """,
        "ui/exarp.toml": f"""
            [resources]
            gpu = 2
            [task.default]
            {RUN}
            resources = {{ gpu = 1 }}
            [task.lint]
            {RUN}
            [task.check]
            {RUN}
            [[wave]]
            name = "two"
            tasks = ["check"]
            parallel = ["one"]
            """,
    }
    manifest = whole(files)
    assert manifest.tasks[0].aliases == ("ui",)
    assert manifest.waves == (
        WaveSpec("one", ("ui:lint",), parallel=("ui:two",)),
        WaveSpec("ui:two", ("ui:check",), parallel=("one",)),
    )
    assert manifest.settings.default == ("ui:default",)
    assert manifest.resources == {"memory": MEMORY, "gpu": 2}
    assert {task.name: (task.timeout, task.retries) for task in manifest.tasks} == {
        "ui:default": (300, 0),
        "ui:lint": (300, 3),
        "ui:check": (300, 3),
    }


def test_waves_of_an_included_file_are_barriers_as_those_of_the_root() -> None:
    wave = f'[task.t]\n{RUN}[[wave]]\nname = "w"\ntasks = ["t"]'
    assert whole({"exarp.toml": wave}).settings.schedule == "waves"
    assert whole({"exarp.toml": 'include = { ui = "ui" }', "ui/exarp.toml": wave}).settings.schedule == "waves"
    flow = 'include = { ui = "ui" }\n[settings]\nschedule = "flow"'
    assert whole({"exarp.toml": flow, "ui/exarp.toml": wave}).settings.schedule == "flow"


def test_variables_are_those_of_the_file_and_of_the_files_around_it() -> None:
    files = {
        "exarp.toml": 'include = { a = "a" }\n[vars]\nx = "root"\ny = "root ${x}"\nz = "root"',
        "a/exarp.toml": 'include = { b = "b" }\n[vars]\nx = "a"\n[task.t]\nrun = "echo $x $y"\ndescription = "${x} ${y} ${z}"',
        "a/b/exarp.toml": '[vars]\nz = "${x} b"\n[task.t]\nrun = "echo $x"\ndescription = "${x} ${y} ${z}"',
    }
    found = tasks(files)
    assert [task.description for task in found.values()] == ["a root root root", "a root root a b"]
    manifest, around = whole(files), {"x": "root", "y": "root root", "z": "root"}
    assert manifest.vars == manifest.vars_of(Task("t")) == around
    assert manifest.vars_of(found["a:t"]) == around | {"x": "a"}
    assert manifest.vars_of(found["a:b:t"]) == around | {"x": "a", "z": "a b"}


class Printing:
    """An outside whose commands print themselves; ``ran`` are those that did. There are files beside each manifest."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def files(self, pattern: str, excluded: Sequence[str]) -> Sequence[str]:
        return [pattern.replace("*", name) for name in ("x", "y")]

    def printed(self, script: str, shell: Sequence[str], variables: Mapping[str, str], folder: str = "") -> str:
        self.ran.append(script)
        return script


def test_a_command_is_run_when_a_script_of_any_file_names_its_variable() -> None:
    files = {
        "exarp.toml": 'include = { a = "a" }\n[vars]\nversion = { run = "git describe" }\nnever = { run = "false" }',
        "a/exarp.toml": '[vars]\nfull = "v${version}"\nown = { run = "echo $full" }\n[task.t]\nrun = "echo $full"',
    }
    outside = Printing()
    manifest = read(files, outside=outside).manifest
    assert outside.ran == []
    found = manifest.vars_of(manifest.tasks[0])
    assert (found["full"], outside.ran) == ("vgit describe", ["git describe"])
    assert (found["own"], found["version"]) == ("echo $full", "git describe")
    assert outside.ran == ["git describe", "echo $full"]


def test_templates_of_the_files_around_are_there_and_lists_too() -> None:
    files = {
        "exarp.toml": """
            include = { a = "a" }
            [vars]
            arches = ["arm", "x86"]
            mode = "root"
            [template.c]
            env = { MODE = "${mode}" }
            inputs = ["src/*.c"]
            [template.own]
            tags = ["root"]
            """,
        "a/exarp.toml": """
            [vars]
            mode = "a"
            [template.own]
            tags = ["a"]
            [task.cc]
            extends = ["c", "own"]
            matrix = { arch = "${arches}", src = { glob = "lib/*.c" } }
            run = "cc"
            outputs = ["${arch}/${src.stem}.o"]
            """,
    }
    first, *others = read(files, outside=Printing()).manifest.tasks
    assert (first.name, first.env, first.tags) == ("a:cc@arm,lib/x.c", {"MODE": "a"}, ("a",))
    assert (first.inputs, first.outputs, first.cwd) == (("a/src/*.c",), ("a/arm/x.o",), "a")
    assert [task.name for task in others] == ["a:cc@arm,lib/y.c", "a:cc@x86,lib/x.c", "a:cc@x86,lib/y.c"]


def test_a_matrix_stands_for_its_tasks_in_other_files_too() -> None:
    files = {
        "exarp.toml": """
            include = { a = "a" }
            [settings]
            default = ["a:m"]
            [task.all]
            run = "true"
            needs = ["a:m"]
            inputs = [{ from = "a:m" }]
            after = ["a:m@2"]
            [[wave]]
            name = "w"
            tasks = ["a:m"]
            """,
        "a/exarp.toml": """
            [task.m]
            matrix = { n = [1, 2] }
            run = "true"
            outputs = ["out/${n}"]
            needs = [":root"]
            """,
    }
    reading = read(files)
    assert [(problem.slug, marked(problem)) for problem in reading.problems] == [("unknown-task", '":root"')]
    manifest, both = reading.manifest, ("a:m@1", "a:m@2")
    task = manifest.tasks[0]
    assert (task.needs, task.after, task.inputs) == (both, ("a:m@2",), ("a/out/1", "a/out/2"))
    assert manifest.waves[0].tasks == manifest.settings.default == manifest.instances["a:m"] == both
    assert [task.retries for task in manifest.tasks] == [0, 3, 3]
    assert reading.locator.entry(("task", "all", "needs"), "a:m@2").column == 10


def test_what_tasks_of_several_files_make_is_read_in_the_order_in_which_they_are_named() -> None:
    files = {
        "exarp.toml": """
            include = { a = "a" }
            [task.own]
            run = "true"
            outputs = ["own"]
            [task.all]
            run = "true"
            inputs = ["first", { from = "a:m" }, { from = "own" }]
            """,
        "a/exarp.toml": '[task.m]\nrun = "true"\noutputs = ["made"]',
    }
    assert read(files).manifest.tasks[1].inputs == ("first", "a/made", "own")


def test_what_a_template_gets_wrong_is_told_where_it_stands() -> None:
    files = {
        "exarp.toml": 'include = { a = "a" }\n[template.c]\ntimeout = "soon"\nneeds = ["gone"]\nextends = "b"',
        "a/exarp.toml": '[task.t]\nextends = "c"\nrun = "true"\n[task.u]\nextends = "d"\nrun = "true"',
    }
    found = dict.fromkeys(problems(files))
    assert list(found) == [("unknown-template", "exarp.toml", '"b"'), ("unknown-template", "a/exarp.toml", '"d"')]
    files["exarp.toml"] = files["exarp.toml"].replace('extends = "b"', "")
    files["a/exarp.toml"] = files["a/exarp.toml"].replace('"d"', '"c"')
    assert list(dict.fromkeys(problems(files))) == [
        ("bad-duration", "exarp.toml", '"soon"'),
        ("unknown-task", "exarp.toml", '"gone"'),
    ]


def test_set_replaces_a_variable_in_every_file_that_has_it() -> None:
    files = {
        "exarp.toml": 'include = { a = "a", b = "b" }\n[vars]\nmode = "debug"',
        "a/exarp.toml": '[vars]\nmode = "slow"\n[task.t]\nrun = "true"\ndescription = "${mode}"',
        "b/exarp.toml": '[vars]\nonly = "x"\n[task.t]\nrun = "true"\ndescription = "${mode} ${only}"',
    }
    reading = read(files, {"mode": "release", "only": "y"})
    assert [task.description for task in reading.manifest.tasks] == ["release", "release y"]
    with pytest.raises(UsageError, match="'mood'"):
        read(files, {"mood": "x"})


def test_a_file_that_stands_alone_may_start_names_at_the_root() -> None:
    text = f"""
        [settings]
        default = [":a"]
        [task.a]
        {RUN}
        needs = [":b"]
        [task.b]
        {RUN}
        after = [":nothing"]
        [[wave]]
        name = "w"
        tasks = [":a"]
        """
    reading = read({"exarp.toml": text})
    assert [(problem.slug, marked(problem)) for problem in reading.problems] == [("unknown-task", '":nothing"')]
    assert [task.needs for task in reading.manifest.tasks] == [("b",), ()]
    assert reading.manifest.waves[0].tasks == reading.manifest.settings.default == ("a",)


def test_the_digest_is_of_all_files() -> None:
    files = {"exarp.toml": 'include = { a = "a" }', "a/exarp.toml": f"[task.t]\n{RUN}"}
    first = read(files).digest
    assert read(files).digest == first
    assert read(files | {"a/exarp.toml": f"[task.u]\n{RUN}"}).digest != first
    moved = {"exarp.toml": files["exarp.toml"], "a.toml": files["a/exarp.toml"]}
    assert read(moved).digest != first


def test_names_of_a_file_that_cannot_be_read_are_not_unknown() -> None:
    files = {
        "exarp.toml": f'include = {{ a = "a", b = "b" }}\n[task.t]\n{RUN}needs = ["a:x", "a", "b:in:x", "b:x", "c:x"]',
        "a/exarp.toml": "[",
        "b/exarp.toml": f'include = {{ in = "gone" }}\n[task.t]\n{RUN}needs = ["in:x", ":a:x", "x"]',
    }
    assert problems(files) == [
        ("syntax", "a/exarp.toml", ""),
        ("no-manifest", "b/exarp.toml", '"gone"'),
        ("unknown-task", "exarp.toml", '"b:x"'),
        ("unknown-task", "exarp.toml", '"c:x"'),
        ("unknown-task", "b/exarp.toml", '"x"'),
    ]


def test_files_together_are_no_larger_than_one_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exarp.manifests.reading.MAX_BYTES", 100)
    files = {"exarp.toml": 'include = { a = "a", b = "b" }', "a/exarp.toml": "#" * 40, "b/exarp.toml": "#" * 40}
    assert problems(files) == [("too-large", "exarp.toml", '"b"')]


def test_neither_many_files_nor_deep_ones_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inclusion, "MAX_FILES", 50)
    # Each level includes the next twice: with a hundred of them nobody would see the end.
    files = {f"{n}/exarp.toml": f'include = {{ a = "../{n + 1}", b = "../{n + 1}" }}' for n in range(100)}
    found = problems(files | {"exarp.toml": 'include = { a = "0" }'})
    assert {slug for slug, _, _ in found} == {"too-large"}
    monkeypatch.setattr(inclusion, "MAX_FILES", 10_000)
    chain = {f"{n}/exarp.toml": f'include = {{ a = "../{n + 1}" }}' for n in range(100)}
    assert problems(chain | {"exarp.toml": 'include = { a = "0" }'}) == [("too-large", "30/exarp.toml", '"../31"')]


# What becomes of each field of a task when its file is included: names of tasks are in ``joining``, paths are seen from the
# workspace root. Who adds a field says here what it is.
PATHS = {"inputs", "excluded", "outputs", "modifies", "tools", "dotenv"}
ONE_PATH = {"depfile", "cwd"}
SAME = set(
    "description commands argv env shell priority tags mutex resources retries retry_delay no_retry_on timeout on_failure "
    "allow_failure interactive daemon manual keep_outputs allow_empty track_env variables arguments internal "
    "prompt agent prose when platforms requires confirm cleanup service params cache verify".split()
)
# What no task has that is written as the one below.
ELSEWHERE = {"argv", "prompt", "agent", "variables", "arguments", "prose", "params", "service"}
EVERYTHING = """
    [vars]
    mode = "fast"
    [task.all]
    description = "${mode}"
    run = ["echo $mode", "true"]
    inputs = ["src/*.c", "!src/old.c", "../up/${mode}", "/abs", "./x//y", { from = "gen" }]
    outputs = ["build/${mode}", "folder/"]
    modifies = ["src/**", "./a/../b"]
    tools = ["gen.py"]
    dotenv = [".env"]
    track_env = ["CI"]
    allow_empty = true
    internal = true
    when = "true"
    platforms = ["linux"]
    requires = ["sh"]
    confirm = "sure?"
    finally = "true"
    aliases = ["every"]
    needs = ["gen"]
    after = ["last"]
    parent = "gen"
    depfile = "build/d"
    env = { A = "b" }
    cwd = "src"
    shell = ["sh", "-c"]
    priority = 7
    tags = ["t"]
    mutex = ["db"]
    resources = { memory = 1 }
    retries = 4
    retry_delay = "1s"
    no_retry_on = [2]
    verify = ["check $in"]
    timeout = "2s"
    on_failure = "skip"
    allow_failure = true
    interactive = true
    daemon = true
    manual = true
    keep_outputs = true
    cache = false
    [task.gen]
    argv = ["touch", "$out"]
    outputs = ["gen.c"]
    [task.last]
    run = "true"
    inputs = ["a/plain", "b"]
    outputs = ["c"]
    modifies = ["d/*"]
    [task.serving]
    run = "serve"
    service = { port = 8080 }
    """


@pytest.mark.parametrize("command", ['run = "cc ${x}"', 'argv = ["cc", "${x}"]', 'run = "cc $x"'])
def test_instances_run_in_the_folder_of_their_file_whatever_in_them_uses_an_axis(command: str) -> None:
    text = f'[task.t]\nmatrix = {{ x = ["1"] }}\n{command}\nconfirm = true'
    (instance,) = tasks({"exarp.toml": 'include = { a = "p/a" }', "p/a/exarp.toml": text}).values()
    assert (instance.cwd, instance.question) == ("p/a", "Run a:t@1?")


def test_an_included_task_is_the_same_but_for_its_names_and_paths() -> None:
    alone = {task.name: task for task in whole({"exarp.toml": EVERYTHING}).tasks}
    inside = tasks({"exarp.toml": 'include = { a = "p/a" }', "p/a/exarp.toml": EVERYTHING})
    plain = Task("plain")
    for name, task in alone.items():
        other = inside[f"a:{name}"]
        for field in Task.__struct_fields__:
            value, found = getattr(task, field), getattr(other, field)
            if name == "all" and field not in ELSEWHERE:
                assert value != getattr(plain, field), f"{field} is to be written in EVERYTHING"
            if field in USED:
                assert found == tuple(f"a:{each}" for each in value)
            elif field in USED_ALONE:
                assert found == (f"a:{value}" if value else "")
            elif field in PATHS:
                assert found == (None if value is None else tuple(normalise(path, "p/a") for path in value))
            elif field in ONE_PATH:
                assert found == (normalise(value, "p/a").rstrip("/") if value or field == "cwd" else "")
            elif field == "aliases":
                assert found == tuple(f"a:{each}" for each in value)
            else:
                assert field in SAME | {"name"}, f"say in this test what {field} becomes"
                assert found == (value if field != "name" else f"a:{value}")


def test_every_place_is_in_the_file_that_says_it() -> None:
    reading = read({"exarp.toml": 'include = { a = "p/a" }', "p/a/exarp.toml": EVERYTHING})
    entry = reading.locator.entry
    marks = {
        ("inputs", "p/a/src/*.c"): '"src/*.c"',
        ("inputs", "p/a/src/old.c"): '"!src/old.c"',
        ("inputs", "p/up/fast"): '"../up/${mode}"',
        ("inputs", "a:gen"): '{ from = "gen" }',
        ("outputs", "p/a/build/fast"): '"build/${mode}"',
        ("modifies", "p/a/b"): '"./a/../b"',
        ("needs", "a:gen"): '"gen"',
        ("mutex", "db"): '"db"',
    }
    for (field, wanted), text in marks.items():
        place = entry(("task", "a:all", field), wanted)
        assert place.file == "p/a/exarp.toml"
        assert place.text[place.column - 1 :][: place.length] == text


# -- names, against a plain oracle ----------------------------------------------------------------------------------

NAMES = st.sampled_from(["x", "y", "default"])
PREFIXES = st.sampled_from(["", "a:", "b:", "a:a:", "a:b:", "a:b:a:", "x:"])
USES = st.builds(
    lambda colon, prefix, name: f"{colon}{prefix}{name}", st.sampled_from(["", ":"]), PREFIXES, NAMES | PREFIXES
)


def meant(use: str, prefix: str, known: set[str]) -> str:
    """Go out file by file, from the innermost, and take the first task that could be meant."""
    where = [] if use.startswith(":") else prefix.split(":")[:-1]
    while True:
        full = ":".join([*where, use.removeprefix(":")])
        for candidate in (full, f"{full}:default"):
            if candidate in known:
                return candidate
        if not where:
            return use
        where.pop()


@given(st.dictionaries(PREFIXES, st.dictionaries(NAMES, st.lists(USES), min_size=1), min_size=1))
def test_names_are_looked_up_from_the_inside_out(files: dict[str, dict[str, list[str]]]) -> None:
    for prefix in list(files):
        while prefix:
            prefix = prefix[: prefix.rfind(":", 0, -1) + 1]
            files.setdefault(prefix, {})
    files.setdefault("", {})
    order = sorted(files)
    known = {prefix + name for prefix, names in files.items() for name in names}
    parts = [
        (
            Scope(prefix, known, ()),
            Manifest(
                "", tuple(Task(name, needs=tuple(needs), sources=tuple(needs)) for name, needs in files[prefix].items())
            ),
        )
        for prefix in order
    ]
    joined = join(parts, {})
    assert [task.name for task in joined.tasks] == [prefix + name for prefix in order for name in files[prefix]]
    for prefix in order:
        for name, needs in files[prefix].items():
            task = next(task for task in joined.tasks if task.name == prefix + name)
            assert task.needs == task.sources == tuple(meant(use, prefix, known) for use in needs)
