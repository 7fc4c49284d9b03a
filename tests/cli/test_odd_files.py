"""Files whose names or whose contents cannot be read."""

from __future__ import annotations

import os

from tests.cli.conftest import Workspace


def odd_file(workspace: Workspace, name: bytes) -> None:
    """A file whose name is not UTF-8."""
    path = os.fsencode(workspace.path) + b"/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w"):
        pass


def test_names_that_are_not_utf8_are_told_wherever_they_turn_up(workspace: Workspace) -> None:
    workspace.manifest(
        r"""
        [task.folder]
        inputs = ["in"]
        outputs = []
        run = "touch ran"
        [task.out]
        inputs = []
        outputs = ["out/"]
        run = 'touch "$(printf "out/\377")"'
        [task.glob]
        inputs = []
        outputs = ["made/*.o"]
        run = 'touch "$(printf "made/\377.o")"'
        [task.dep]
        inputs = []
        outputs = ["d.o"]
        depfile = "d.d"
        run = 'touch d.o; printf "d.o: h/\377\n" > d.d'
        """
    )
    odd_file(workspace, b"in/\xff")
    odd_file(workspace, b"h/\xff")
    for task, name in [("folder", r"in/\xff"), ("out", r"out/\xff"), ("glob", r"made/\xff.o")]:
        result = workspace.exarp(task)
        assert (result.code, f"the name of {name} is not UTF-8" in result.err) == (1, True), result.err
        assert workspace.exarp("run", "--touch", task).code == 1
    assert not workspace.exists("ran")
    result = workspace.exarp("dep")
    assert (result.code, r"the name of h/\xff is not UTF-8: the task will run again" in result.err) == (0, True)


def test_an_odd_name_that_turns_up_among_the_outputs_is_a_change(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["out/"]\nrun = "touch out/a"')
    assert workspace.exarp("t").code == 0
    odd_file(workspace, b"out/\xff")
    (task,) = workspace.exarp("t", "--json").json["tasks"]
    assert (task["outcome"], task["reason"]) == ("passed", "output-changed")
    assert workspace.exarp("t").err == "up to date (1 task)\n"


def test_variables_that_are_not_utf8_count_like_others(workspace: Workspace) -> None:
    workspace.manifest('[task.t]\ninputs = []\noutputs = ["o"]\nrun = "echo $ODD > o"')
    first, second = "x\udcff", "x\udcfe"
    assert workspace.exarp("t", env={"ODD": first}).code == 0
    assert workspace.exarp("t", env={"ODD": first}).err == "up to date (1 task)\n"
    (task,) = workspace.exarp("t", "--json", env={"ODD": second}).json["tasks"]
    assert (task["outcome"], task["reason"]) == ("passed", "variable-changed")


def test_dependents_of_an_allowed_failure_see_what_it_left(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [task.maker]
        inputs = ["in"]
        outputs = ["made"]
        allow_failure = true
        run = "cat in > made; test ! -e bad"
        [task.reader]
        needs = ["maker"]
        inputs = []
        outputs = ["copy"]
        run = "cp made copy"
        """
    )
    workspace.write("in", "1")
    assert workspace.exarp("reader").code == 0
    workspace.write("in", "2")
    workspace.write("bad", "")
    assert workspace.exarp("reader").code == 0
    assert workspace.read("copy") == "2"


def test_files_that_cannot_be_read_are_not_told_as_missing(workspace: Workspace) -> None:
    long = "x" * 300
    workspace.manifest(
        f"""
        [task.reads]
        inputs = ["{long}"]
        outputs = []
        run = "touch ran"
        [task.makes]
        inputs = []
        outputs = ["o"]
        run = "ln -s {long} o"
        [task.finds]
        inputs = []
        outputs = ["f"]
        depfile = "f.d"
        run = 'touch f; echo "f: {long}" > f.d'
        """
    )
    reads = workspace.exarp("reads")
    assert (reads.code, workspace.exists("ran")) == (1, False)
    assert f"input {long} cannot be read: File name too long" in reads.err
    makes = workspace.exarp("makes")
    assert makes.code == 1
    assert "output o cannot be read: File name too long" in makes.err
    finds = workspace.exarp("finds")
    assert finds.code == 0
    assert "cannot be read (File name too long): the task will run again" in finds.err
    assert workspace.exarp("finds", "--json").json["tasks"][0]["outcome"] == "passed"
    assert f"{long} cannot be read: File name too long" in workspace.exarp("run", "--touch", "reads").err


def test_a_parameter_that_is_not_utf8_reaches_every_place_as_it_is(workspace: Workspace) -> None:
    workspace.manifest(
        """
        [agents.default]
        run = "cp $EXARP_PROMPT_FILE prompt"
        [task.argv]
        params = { what = "" }
        argv = ["sh", "-c", 'printf %s "$0" > argv', "${what}"]
        [task.env]
        params = { what = "" }
        env = { E = "${what}" }
        run = 'printf %s "$E" > env'
        [task.prompt]
        params = { what = "" }
        prompt = "${what}"
        """
    )
    odd = os.fsdecode(b"a\xffb")

    ran = workspace.exarp("run", "argv", "env", "prompt", f"what={odd}")

    assert (ran.code, ran.err.count("ok  ")) == (0, 3), ran.err
    assert [(workspace.path / name).read_bytes() for name in ("argv", "env", "prompt")] == [b"a\xffb"] * 3
    assert workspace.exarp("show", "argv", f"what={odd}").code == 0
