from __future__ import annotations

import pytest

from exarp.manifests.variables.script import ScriptFault, script_faults


@pytest.mark.parametrize(
    "script",
    [
        "cc $in -o $out",
        "echo ${name} ${name:-x} ${#name} ${name%.c} ${name/a/b}",
        "echo $${src.stem",
        "${1.x}",
        "${a.b\n}",
        "",
    ],
)
def test_what_a_shell_can_read_is_left_to_it(script: str) -> None:
    assert script_faults(script) == []


def test_a_field_of_a_value_is_refused_and_named_in_env() -> None:
    (fault,) = script_faults("cc ${src.path} -o x")
    assert fault == ScriptFault(
        "script-substitution",
        "a shell cannot read ${src.path}",
        'name it in env = { SRC_PATH = "${src.path}" }, and write $SRC_PATH here',
        "${src.path}",
    )


@pytest.mark.parametrize(("use", "shell"), [("${env.CC}", "$CC"), ("${env.CC:-gcc}", "${CC:-gcc}")])
def test_the_environment_is_there_already(use: str, shell: str) -> None:
    (fault,) = script_faults(f"echo {use}")
    assert fault.step == f"a script has the environment: write {shell}"


def test_each_use_is_told_once() -> None:
    assert [fault.use for fault in script_faults("${a.b} ${c.d} ${a.b}")] == ["${a.b}", "${c.d}"]
