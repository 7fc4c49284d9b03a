"""The glance answers what surely has nothing to do, and looks away from everything else.

Each change is one after which the command line must look for itself: a test per rule fails when the rule is taken out.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exarp import glance as glance_module
from exarp.glance import glance, understood
from exarp.index import in_memory
from exarp.manifests.discover import NAMES
from exarp.views.color import wants_color
from tests.cli.conftest import Workspace, environment

MANIFEST = """
[settings]
default = ["all"]

[task.copy]
inputs = ["a", "lib/*.txt"]
outputs = ["out/copy"]
tools = ["tool"]
run = "cat $in > $out; : ${FLAGS-}"
aliases = ["c"]

[task.use]
inputs = ["out/copy"]
outputs = ["out/use", "tree/"]
run = 'cp out/copy out/use; mkdir -p tree/sub; cp out/copy tree/sub/x'

[task.check]
inputs = ["a", "folder"]
run = "true"

[task.all]
needs = ["use", "check"]

[task.always]
run = "true"

[task.other]
inputs = []
outputs = ["out/other"]
run = "touch $out"
manual = true

[task.secret]
inputs = []
outputs = ["out/secret"]
run = "touch $out"
internal = true
"""


class Glancing:
    """A workspace in which everything is up to date, and the glance knows."""

    def __init__(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workspace = workspace
        self.path = workspace.path
        self.monkeypatch = monkeypatch

    def prepare(self, manifest: str = MANIFEST) -> None:
        self.workspace.manifest(manifest)
        for name in ("a", "lib/b.txt", "tool", "folder/x"):
            self.workspace.write(name, name)
        self.settle()
        assert self.sees()

    def settle(self, *arguments: str) -> None:
        """Run until there is an index: what shapes it may be too young for one at first."""
        for _ in range(5):
            assert self.workspace.exarp(*(arguments or ("run",))).code == 0
            if (self.path / ".exarp/index").exists():
                return
        raise AssertionError("no index")

    def sees(self, *arguments: str, cwd: str = "") -> bool:
        """Whether the glance has an answer."""
        with self.monkeypatch.context() as patch:
            patch.chdir(self.path / cwd)
            for name in set(os.environ) - set(environment()):
                patch.delenv(name)
            for name, value in environment().items():
                patch.setenv(name, value)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            asked = understood(arguments or ("run",))
            return asked is not None and glance(asked) is True

    environ: dict[str, str] = {}


@pytest.fixture
def glancing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Glancing]:
    yield Glancing(workspace, monkeypatch)


def test_what_is_up_to_date_is_told(glancing: Glancing, capsys: pytest.CaptureFixture[str]) -> None:
    glancing.prepare()
    capsys.readouterr()
    runs = glancing.workspace.exarp("history").out
    for arguments, told in [
        (("run",), "up to date (4 tasks)\n"),
        (("use",), "up to date (2 tasks)\n"),
        (("run", "copy"), "up to date (1 task)\n"),
        (("c",), "up to date (1 task)\n"),
        (("run", "check", "use", "-j4", "-k"), "up to date (3 tasks)\n"),
        (("-q", "run", "-j", "2", "all"), ""),
    ]:
        assert glancing.sees(*arguments)
        assert capsys.readouterr() == ("", told)
    assert glancing.sees(cwd="lib")
    assert glancing.workspace.exarp("history").out == runs
    assert glancing.workspace.exarp("run").err == "up to date (4 tasks)\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "", "-q", "--all", "run --all", "run always", "always", "run other", "other", "secret", "run secret", "nothing", "run -n",
        "run --force", "run all --set x=1", "run all level=2", "run -j0 all", "run -jx all", "run -j", "run --jobs=",
        "run -qk all", "run --output raw", "run -C . all", "-C . run", "run --json", "list", "plan", "run 'c*'", "run c*",
        "run --all use", "completion", "run --touch", "run -v", "run -- all", "all run", "run run",
    ],
)  # fmt: skip
def test_what_it_does_not_understand_it_leaves_alone(glancing: Glancing, arguments: str) -> None:
    glancing.prepare()
    assert not glancing.sees(*(arguments.split() or ["-q"]))


def test_a_command_is_no_task(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST + '\n[task.list]\ninputs = []\noutputs = ["l"]\nrun = "touch l"\n')
    glancing.settle("run", "list")
    assert glancing.sees("run", "list")
    assert not glancing.sees("list")


def touch(path: str) -> Callable[[Glancing], None]:
    return lambda given: os.utime(given.path / path, (1, 1))


def write(path: str, text: str = "new") -> Callable[[Glancing], None]:
    return lambda given: void(given.workspace.write(path, text))


def void(_: object) -> None:
    """Nothing is made of it."""


def remove(path: str) -> Callable[[Glancing], None]:
    return lambda given: (given.path / path).unlink()


def rename(old: str, new: str) -> Callable[[Glancing], None]:
    return lambda given: void((given.path / old).rename(given.path / new))


def replace_by_folder(path: str) -> Callable[[Glancing], None]:
    def do(given: Glancing) -> None:
        (given.path / path).unlink()
        (given.path / path).mkdir()

    return do


def replace_by_link(path: str, target: str) -> Callable[[Glancing], None]:
    def do(given: Glancing) -> None:
        old = given.path / path
        old.rename(given.path / target)
        old.symlink_to(given.path / target)

    return do


def same_size_and_time(path: str) -> Callable[[Glancing], None]:
    def do(given: Glancing) -> None:
        file = given.path / path
        before = file.stat()
        file.write_text(file.read_text()[:-1] + "~")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    return do


CHANGES: dict[str, Callable[[Glancing], None]] = {
    "the manifest is written again": touch("exarp.toml"),
    "the manifest is gone": remove("exarp.toml"),
    "an input has another content": write("a"),
    "another content, of the same size and time": same_size_and_time("a"),
    "an input is gone": remove("a"),
    "an input has another name": rename("a", "z"),
    "a tool has another content": write("tool"),
    "a file joins a glob": write("lib/new.txt"),
    "a file leaves a glob": remove("lib/b.txt"),
    "a file of a glob has another name": rename("lib/b.txt", "lib/c.txt"),
    "a file of a glob becomes a folder": replace_by_folder("lib/b.txt"),
    "a file joins an input folder": write("folder/deep/new"),
    "a file in an input folder has another content": write("folder/x"),
    "an input folder becomes a link": replace_by_link("folder", "elsewhere"),
    "an output is gone": remove("out/copy"),
    "an output was edited": write("out/use"),
    "an output became a folder": replace_by_folder("out/use"),
    "the folder of outputs becomes a link": replace_by_link("out", "elsewhere"),
    "a file joins an output folder": write("tree/sub/new"),
    "a file of an output folder is gone": remove("tree/sub/x"),
    "an output folder is gone": lambda given: shutil.rmtree(given.path / "tree"),
    "git ignores something": write(".gitignore", "*.txt"),
    "git ignores something further in": write("lib/.gitignore", "*.txt"),
    "git ignores something everywhere": write(".git/info/exclude", "*.txt"),
    "settings of the workspace appear": write(".exarp/config.yaml", "thresholds:\n  max_parallel_tasks: 1\n"),
    "a manifest that goes before it appears": write("exarp.toml", "[task.x]\nrun = 'true'\n"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_where_something_is_not_as_it_was_it_looks_away(glancing: Glancing, change: str) -> None:
    glancing.prepare()
    CHANGES[change](glancing)
    assert not glancing.sees()


@pytest.mark.parametrize("name", NAMES)
def test_a_nearer_manifest(glancing: Glancing, name: str) -> None:
    glancing.prepare()
    assert glancing.sees(cwd="lib")
    (glancing.path / "lib" / name).touch()
    # Not a file of the glob.
    assert not glancing.sees(cwd="lib")


def test_a_repository_further_in_has_no_manifest(glancing: Glancing) -> None:
    glancing.prepare()
    glancing.workspace.write("deep/er/x", "x")
    assert glancing.sees(cwd="deep/er")
    (glancing.path / "deep/.git").mkdir()
    assert not glancing.sees(cwd="deep/er")


def test_a_manifest_that_goes_before(glancing: Glancing) -> None:
    text = 'task: {a: {run: "cp x y", inputs: [x], outputs: [y]}}'
    glancing.workspace.write("exarp.yaml", text)
    glancing.workspace.write("x", "x")
    glancing.settle("a")
    assert glancing.sees("a")
    glancing.workspace.write("exarp.toml", "")
    assert not glancing.sees("a")


def test_a_variable_that_a_script_names(glancing: Glancing) -> None:
    glancing.prepare()
    glancing.environ = {"OTHER": "1"}
    assert glancing.sees()
    glancing.environ = {"FLAGS": ""}
    assert not glancing.sees()


def test_a_variable_that_a_field_names(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST + '\n[task.deep]\ninputs = ["${env.WHERE:-a}"]\noutputs = ["d"]\nrun = "touch d"\n')
    glancing.environ = {"WHERE": "tool"}
    assert not glancing.sees()


def test_variables_that_a_pattern_tracks(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST.replace("[task.copy]", '[task.copy]\ntrack_env = ["PY*"]'))
    glancing.environ = {"PY_NEW": "1"}
    assert not glancing.sees()


def test_a_dotenv_file(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST.replace("[settings]", '[settings]\ndotenv = [".env", ".env.local"]'))
    glancing.workspace.write(".env.local", "FLAGS=1")
    assert not glancing.sees()


def test_an_included_manifest(glancing: Glancing) -> None:
    glancing.workspace.write("packages/ui/exarp.toml", '[task.b]\ninputs = []\noutputs = ["o"]\nrun = "touch o"\n')
    glancing.workspace.manifest('include = { "*" = "packages/*" }\n[task.all]\nneeds = ["ui:b"]\n')
    glancing.settle("all")
    assert glancing.sees("all")
    glancing.workspace.write("packages/web/exarp.toml", "[task.b]\nrun = 'true'\n")
    assert not glancing.sees("all")
    shutil.rmtree(glancing.path / "packages/web")
    glancing.settle("all")
    assert glancing.sees("all")
    os.utime(glancing.path / "packages/ui/exarp.toml", (1, 1))
    assert not glancing.sees("all")


def test_a_matrix_over_files(glancing: Glancing) -> None:
    text = '[task.m]\nmatrix = { src = { glob = "lib/*.txt" } }\ninputs = ["${src}"]\n'
    text += 'outputs = ["o/${src.stem}"]\nrun = "cp $in $out"\n'
    glancing.workspace.write("lib/b.txt", "b")
    glancing.workspace.manifest(text)
    glancing.settle("m")
    assert glancing.sees("m")
    assert glancing.sees("m@lib/b.txt")
    glancing.workspace.write("lib/c.txt", "c")
    assert not glancing.sees("m")


def test_a_variable_that_a_command_prints_is_not_foreseen(glancing: Glancing) -> None:
    glancing.workspace.manifest(
        '[vars]\nv = { run = "cat version" }\n[task.a]\ninputs = ["x"]\noutputs = ["o"]\nrun = "echo $v > o"\n'
    )
    glancing.workspace.write("x", "x")
    glancing.workspace.write("version", "1")
    for _ in range(3):
        glancing.workspace.exarp("run", "a")
    assert not glancing.sees("a")


def test_a_link_that_is_retargeted(glancing: Glancing) -> None:
    glancing.workspace.write("one", "1")
    glancing.workspace.write("two", "2")
    (glancing.path / "a").symlink_to("one")
    (glancing.path / "tree").mkdir()
    (glancing.path / "tree/l").symlink_to("nowhere")
    glancing.workspace.manifest('[task.t]\ninputs = ["a", "tree/"]\noutputs = ["o"]\nrun = "cp a o"\n')
    glancing.settle("t")
    assert glancing.sees("t")
    glancing.workspace.write("tree/nowhere", "")
    assert not glancing.sees("t")
    (glancing.path / "tree/nowhere").unlink()
    assert glancing.sees("t")
    (glancing.path / "a").unlink()
    (glancing.path / "a").symlink_to("two")
    assert not glancing.sees("t")


def test_a_link_to_a_folder_that_is_retargeted(glancing: Glancing) -> None:
    for name in ("one/f", "two/f"):
        glancing.workspace.write(name, "same")
    (glancing.path / "dir").symlink_to("one")
    glancing.workspace.manifest('[task.t]\ninputs = ["dir/f"]\noutputs = ["o"]\nrun = "cp dir/f o"\n')
    glancing.settle("t")
    assert glancing.sees("t")
    (glancing.path / "dir").unlink()
    (glancing.path / "dir").symlink_to("two")
    assert not glancing.sees("t")


def test_what_a_depfile_lists(glancing: Glancing) -> None:
    glancing.workspace.write("h", "1")
    glancing.workspace.manifest(
        "[task.t]\ninputs = []\noutputs = ['o']\ndepfile = 'd'\nrun = 'cp h o; echo \"o: h\" > d'\n"
    )
    glancing.settle("t")
    assert glancing.sees("t")
    glancing.workspace.write("h", "2")
    assert not glancing.sees("t")


def test_touched_but_equal_is_up_to_date_and_looked_at_once(glancing: Glancing) -> None:
    glancing.prepare()
    before = (glancing.path / ".exarp/index").read_bytes()
    for name in ("a", "lib/b.txt", "out/copy", "tree/sub/x"):
        os.utime(glancing.path / name, (2, 2))
    assert glancing.sees()
    after = (glancing.path / ".exarp/index").read_bytes()
    assert before != after
    front = in_memory(after).front()
    assert front.mtimes[front.paths.index("a")] == 2_000_000_000


def test_what_declares_nothing_always_runs(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST + '\n[task.whole]\nneeds = ["always", "copy"]\n')
    glancing.settle("run", "always", "copy")
    assert glancing.sees("copy")
    assert not glancing.sees("always")
    assert not glancing.sees("whole")


def test_what_was_restored_is_known(glancing: Glancing, tmp_path: Path) -> None:
    glancing.prepare()
    env = {"EXARP_CACHE": str(tmp_path / "artifacts")}
    for text in ("one", "two", "one"):
        glancing.workspace.write("a", text)
        told = glancing.workspace.exarp("run", env=env).err
    assert "restored" in told
    assert glancing.sees()


def test_groups_alone_have_nothing_to_do(glancing: Glancing, capsys: pytest.CaptureFixture[str]) -> None:
    glancing.workspace.manifest('[task.a]\n[task.b]\nneeds = ["a"]\n')
    glancing.settle("b")
    capsys.readouterr()
    assert glancing.sees("b")
    assert capsys.readouterr().err == glancing.workspace.exarp("run", "b", "--no-wait").err


def test_a_condition_is_asked_each_time(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST + '\n[task.cond]\nwhen = "true"\ninputs = ["a"]\nrun = "true"\n')
    glancing.settle("run", "cond", "copy")
    assert glancing.sees("copy")
    assert not glancing.sees("cond")


def test_where_a_run_is_under_way_it_looks_away(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST + '\n[task.asks]\nrun = "echo begun; read x < pipe"\n')
    os.mkfifo(glancing.path / "pipe")
    running = glancing.workspace.start("run", "asks", "--output", "stream")
    assert running.stdout is not None
    assert running.stdout.readline() == b"begun\n"
    assert not glancing.sees()
    (glancing.path / "pipe").write_text("on\n")
    assert running.wait(30) == 0
    running.communicate()
    assert glancing.sees()


def test_another_task_run_between_does_not_make_it_forget(glancing: Glancing) -> None:
    glancing.prepare()
    glancing.settle("run", "other", "--force")
    assert glancing.sees("other")
    assert glancing.sees()
    glancing.workspace.write("tree/sub/new", "")
    assert not glancing.sees()
    assert glancing.sees("other")
    glancing.settle("run", "other", "--force")
    assert not glancing.sees()
    assert glancing.sees("run", "check")
    (glancing.path / "tree/sub/new").unlink()
    assert glancing.sees()


def test_a_recipe_of_the_command_line_is_none_of_the_manifest(glancing: Glancing) -> None:
    manifest = '[vars]\nlevel = "1"\n[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo $level > o"\n'
    glancing.workspace.manifest(manifest + '[task.u]\ninputs = []\noutputs = ["p"]\nrun = "touch p"\n')
    glancing.settle("run", "t", "u")
    assert glancing.sees("t")
    assert glancing.workspace.exarp("run", "t", "--set", "level=2").code == 0
    assert not glancing.sees("t")
    assert glancing.sees("u")


def test_who_needs_what_ran_again_is_looked_at(glancing: Glancing) -> None:
    glancing.workspace.manifest(
        """
        [task.gen]
        inputs = ["a"]
        outputs = ["g"]
        run = "cp a g"

        [task.use]
        needs = ["gen"]
        inputs = []
        outputs = ["u"]
        run = "date > u"
        """
    )
    glancing.workspace.write("a", "1")
    glancing.settle("use")
    assert glancing.sees("use")
    glancing.workspace.write("a", "2")
    glancing.settle("gen")
    assert glancing.sees("gen")
    assert not glancing.sees("use")


def test_warnings_of_every_run_are_told(glancing: Glancing, capsys: pytest.CaptureFixture[str]) -> None:
    glancing.workspace.manifest(
        """
        [task.a]
        inputs = []
        outputs = ["x"]
        run = "touch x"
        [task.b]
        needs = ["a"]
        inputs = []
        outputs = ["y"]
        run = "touch y"
        [[wave]]
        name = "late"
        tasks = ["b"]
        [[wave]]
        name = "early"
        tasks = ["a"]
        """
    )
    glancing.settle("run")
    told = glancing.workspace.exarp("run", "--no-wait").err
    assert "(wave-order)" in told
    capsys.readouterr()
    assert glancing.sees()
    assert capsys.readouterr().err == told
    assert not glancing.sees("run", "a"), "what is told rests on what is asked for"


def test_a_moved_workspace(glancing: Glancing, tmp_path: Path) -> None:
    glancing.prepare()
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in os.listdir(glancing.path):
        if name not in (".git", "moved"):
            (glancing.path / name).rename(moved / name)
    assert not glancing.sees(cwd="moved")


@pytest.mark.parametrize("what", ["version", "python", "executable"])
def test_another_exarp_or_python(glancing: Glancing, what: str) -> None:
    glancing.prepare()
    if what == "version":
        glancing.monkeypatch.setattr("exarp.__version__", "0")
    elif what == "python":
        glancing.monkeypatch.setattr(sys, "version", "4.0")
    else:
        glancing.monkeypatch.setattr(sys, "executable", "/other/python")
    assert not glancing.sees()


def test_a_damaged_index_is_made_again(glancing: Glancing) -> None:
    glancing.prepare()
    index = glancing.path / ".exarp/index"
    data = bytearray(index.read_bytes())
    data[len(data) // 3] ^= 1
    index.write_bytes(data)
    assert not glancing.sees()
    assert glancing.workspace.exarp("run").err == "up to date (4 tasks)\n"
    assert glancing.sees()


def test_an_index_that_others_may_write_is_not_read(glancing: Glancing) -> None:
    glancing.prepare()
    (glancing.path / ".exarp/index").chmod(0o666)
    assert not glancing.sees()


def test_failed_tasks_are_not_up_to_date(glancing: Glancing) -> None:
    glancing.prepare(MANIFEST + '\n[task.bad]\ninputs = ["a"]\noutputs = ["bad"]\nrun = "cp a bad; test ! -e broken"\n')
    glancing.settle("bad")
    assert glancing.sees("bad")
    glancing.workspace.write("broken", "")
    assert glancing.workspace.exarp("run", "bad", "--force").code == 1
    assert not glancing.sees("bad")
    assert glancing.sees("copy")
    assert glancing.workspace.exarp("run", "bad").code == 1


def test_completion_is_not_for_it(glancing: Glancing) -> None:
    glancing.prepare()
    glancing.environ = {"_EXARP_COMPLETE": "bash_complete"}
    assert not glancing.sees()


@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR", "CI", "TERM"])
@pytest.mark.parametrize("value", ["", "0", "1", "no", "false", "dumb", "xterm"])
@pytest.mark.parametrize("terminal", [True, False])
def test_colours_are_wanted_as_ever(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, terminal: bool) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert glance_module._wants_color() is wants_color("auto", os.environ, terminal)


def test_it_knows_what_a_manifest_is_called() -> None:
    assert glance_module.MANIFESTS == NAMES


def test_what_is_understood() -> None:
    asked = understood(["run", "-j4", "a", "-q", "b", "--keep-going", "--jobs", "3"])
    assert asked is not None
    assert (asked.names, asked.quiet, asked.every, asked.bare) == (["a", "b"], True, False, False)
    bare = understood(["a", "b"])
    assert bare is not None
    assert bare.bare


@pytest.mark.skipif(sys.platform != "linux", reason="the machine does not tell when it was started")
def test_an_index_of_before_the_machine_was_started(glancing: Glancing) -> None:
    glancing.prepare()
    assert glancing.sees()
    os.utime(glancing.path / ".exarp/index", (1, 1))
    assert not glancing.sees()

    # Nobody takes a part of it for granted either; the next run looks at everything, and leaves another one.
    assert "up to date" in glancing.workspace.exarp("run").err
    assert (glancing.path / ".exarp/index").stat().st_mtime > 1
    assert glancing.sees()
