from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.manifests.problems.variable_fault import VariableFault
from exarp.manifests.variables.definitions import (
    MAX_LENGTH,
    MAX_TOTAL,
    BrokenVariable,
    Command,
    CommandFailed,
    Definition,
    Variables,
)

ENVIRON = {"HOME": "/home/me", "EMPTY": "", "BROKEN": "\udcff"}


def expand(text: str, **raw: str) -> str:
    return Variables(raw, ENVIRON).expand(text)


def fault(text: str, **raw: str) -> VariableFault:
    with pytest.raises(VariableFault) as raised:
        expand(text, **raw)
    return raised.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${a}", "x"),
        ("<${a}${a}>", "<xx>"),
        ("$a $$ $", "$a $$ $"),
        ("$${a}", "${a}"),
        ("$$${a}", "$${a}"),
        ("${env.HOME}", "/home/me"),
        ("${env.HOME:-other}", "/home/me"),
        ("${env.NOPE:-other}", "other"),
        ("${env.NOPE:-}", ""),
        ("${env.NOPE:-a b:-c}", "a b:-c"),
        ("${env.NOPE:-two\nlines}", "two\nlines"),
        ("${env.EMPTY}", ""),
        ("${env.EMPTY:-other}", "other"),
        ("${b}", "x/y"),
        ("{a} a} $a}", "{a} a} $a}"),
    ],
)
def test_uses_are_filled_in(text: str, expected: str) -> None:
    assert expand(text, a="x", b="${a}/y") == expected


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert expand("${a}", a="$${b}", b="x") == "${b}"


def test_a_variable_may_use_one_that_is_defined_later() -> None:
    assert expand("${a}", a="${b}!", b="${c}?", c="x") == "x?!"


def test_a_long_chain_of_variables_needs_no_stack() -> None:
    chain = {f"v{number}": f"${{v{number + 1}}}" for number in range(5000)} | {"v5000": "end"}
    assert expand("${v0}", **chain) == "end"


@pytest.mark.parametrize(
    ("text", "slug", "message", "use"),
    [
        ("a ${nope} b", "unknown-variable", "variable 'nope' is not defined", "${nope}"),
        ("${env.NOPE}", "missing-variable", "the environment variable NOPE is not set", "${env.NOPE}"),
        ("${env.BROKEN}", "bad-environment", "the environment variable BROKEN is not valid UTF-8", "${env.BROKEN}"),
        (
            "${env.BROKEN:-x}",
            "bad-environment",
            "the environment variable BROKEN is not valid UTF-8",
            "${env.BROKEN:-x}",
        ),
        ("${env.}", "bad-substitution", "${env.} is not understood", "${env.}"),
        ("${env.A B}", "bad-substitution", "${env.A B} is not understood", "${env.A B}"),
        ("${}", "bad-substitution", "${} names no variable", "${}"),
        ("${ }", "bad-substitution", "${ } names no variable", "${ }"),
        ("x ${a", "bad-substitution", "${a has no closing brace", "${a"),
        ("${a b", "bad-substitution", "${a has no closing brace", "${a"),
        ("${env.A:-${a}}", "bad-substitution", "a ${…} cannot hold another", "${env.A:-$"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(text: str, slug: str, message: str, use: str) -> None:
    found = fault(text, a="x")
    assert (found.slug, str(found), found.use) == (slug, message, use)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("arhc", "did you mean 'arch'?"),
        ("out", "only commands know the task's files: write $out there, without braces"),
        ("CC:-gcc", "only the environment has defaults: ${env.CC:-gcc}"),
        ("HOME", "define it in [vars], or write ${env.HOME} for the environment's"),
    ],
)
def test_an_unknown_variable_says_what_may_be_meant(name: str, step: str) -> None:
    assert fault(f"${{{name}}}", arch="x").step == step


def test_all_faults_of_a_text_are_found_each_once() -> None:
    faults = Variables({"a": "x"}, {}).faults_in("${b} ${a} ${c} ${b} ${env.D}")
    assert [found.use for found in faults] == ["${b}", "${c}", "${env.D}"]


def test_a_fault_of_a_variable_belongs_to_its_definition_alone() -> None:
    variables = Variables({"a": "${nope}", "b": "${a}", "c": "${b}"}, {})
    assert [found.use for found in variables.faults["a"]] == ["${nope}"]
    assert variables.faults["b"] == variables.faults["c"] == []
    assert variables.faults_in("${a} ${b} ${c}") == []
    with pytest.raises(BrokenVariable):
        variables.expand("${c}")


def test_a_variable_whose_definition_was_refused_before_is_not_told_again() -> None:
    variables = Variables({}, {}, broken={"version"})
    assert variables.faults_in("${version} ${other}")[0].use == "${other}"
    assert len(variables.faults_in("${version} ${other}")) == 1


def test_cycles_are_found_whole_and_told_once() -> None:
    raw = {"a": "1", "b": "${c}", "c": "${a}${d}", "d": "${b}", "e": "${b}", "f": "${f}"}
    variables = Variables(raw, {})
    assert variables.cycles == [("b", "c", "d"), ("f",)]
    assert variables.values == {"a": "1"}
    assert variables.faults_in("${b} ${e} ${f}") == []


def test_each_variable_of_a_cycle_uses_the_next() -> None:
    raw = {"a": "${c}", "b": "${a}", "c": "${b}"}
    (cycle,) = Variables(raw, {}).cycles
    assert all(f"${{{used}}}" in raw[name] for name, used in zip(cycle, (*cycle[1:], cycle[0]), strict=True))


def test_variables_that_double_do_not_fill_the_memory() -> None:
    raw = {"v0": "x" * 100} | {f"v{number + 1}": f"${{v{number}}}" * 10 for number in range(50)}
    variables = Variables(raw, {})
    (told,) = [name for name, faults in variables.faults.items() if faults]
    assert variables.faults[told][0].slug == "too-long"
    assert max(len(value) for value in variables.values.values()) <= MAX_LENGTH


def test_long_variables_used_often_do_not_fill_the_memory() -> None:
    variables = Variables({"a": "x" * (MAX_LENGTH // 2)}, {})
    with pytest.raises(VariableFault, match="the manifest is too long"):
        for _ in range(2 * MAX_TOTAL // MAX_LENGTH + 1):
            variables.expand("${a}")


@given(st.text(alphabet="${}env.ab:- \n", max_size=60))
def test_any_text_is_filled_in_or_refused(text: str) -> None:
    variables = Variables({"a": "x", "b": text}, ENVIRON)
    try:
        assert isinstance(variables.expand(text), str)
    except VariableFault as error:
        assert not isinstance(error, BrokenVariable) or "${b}" in text
        assert [fault.use for fault in variables.faults_in(text)] or isinstance(error, BrokenVariable)


@given(st.text(max_size=60))
def test_a_text_is_literal_where_its_dollars_are_doubled(text: str) -> None:
    assert expand(text.replace("${", "$${")) == text


# -- lists ---------------------------------------------------------------------------------------------------------


def test_a_list_is_no_text_but_the_whole_of_an_element() -> None:
    known = Variables({"l": ("a", "${b}"), "all": ("${l}", "c"), "b": "x"})
    assert known.items("${l}") == ("a", "x")
    assert known.items("${all}") == ("a", "x", "c")
    assert (known.items("${b}"), known.items("p${l}"), known.items("${nope}")) == (None, None, None)
    with pytest.raises(VariableFault) as raised:
        known.expand("p/${l}")
    assert (raised.value.slug, raised.value.step[-8:]) == ("list-in-text", '["${l}"]')


def test_faults_of_a_list_are_told_where_it_is_defined_and_nowhere_else() -> None:
    known = Variables({"l": ("${nope}",), "m": ("${l}",)})
    assert [each.slug for each in known.faults["l"]] == ["unknown-variable"]
    assert known.faults.get("m", []) == []
    with pytest.raises(BrokenVariable):
        known.items("${m}")


def test_what_stands_beside_comes_first() -> None:
    known = Variables({"l": ("a",), "b": "x"})
    beside = known.beside({"l": "one", "l.stem": "two"})
    assert (beside.items("${l}"), beside.expand("${l}${l.stem}${b}")) == (None, "onetwox")
    assert known.items("${l}") == ("a",)


# -- commands ------------------------------------------------------------------------------------------------------


class Shell:
    """Runs nothing, and remembers what it was asked to run."""

    def __init__(self, failing: str = "") -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._failing = failing

    def run(self, script: str, variables: Mapping[str, str]) -> str:
        self.asked.append((script, dict(variables)))
        if script == self._failing:
            raise CommandFailed("ended with exit 1", "mend it")
        return f"<{script}>"


RAW: dict[str, Definition] = {
    "version": Command("git $tag $in ${#other}"),
    "tag": "${prefix}1",
    "prefix": "v",
    "other": Command("x"),
    "label": "at ${version}",
    "list": ("${label}", "b"),
}


def test_a_command_runs_once_and_only_when_somebody_asks() -> None:
    shell = Shell()
    known = Variables(RAW, evaluate=shell.run)
    assert (shell.asked, known.faults) == ([], {})
    assert known.expand("${tag}") == "v1"
    assert shell.asked == []
    assert known.expand("${label} ${version}") == "at <git $tag $in ${#other}> <git $tag $in ${#other}>"
    assert known.items("${list}") == ("at <git $tag $in ${#other}>", "b")
    assert known.exported("list") == "at <git $tag $in ${#other}> b"
    assert shell.asked == [("x", {}), ("git $tag $in ${#other}", {"other": "<x>", "tag": "v1"})]


def test_a_command_that_fails_is_one_failure_whoever_asks() -> None:
    shell = Shell("x")
    known = Variables({"a": Command("x"), "b": "${a}", "c": ("${b}",)}, evaluate=shell.run)
    for text in ("${a}", "${b}", "${a}"):
        with pytest.raises(BrokenVariable):
            known.expand(text)
    with pytest.raises(BrokenVariable):
        known.items("${c}")
    assert known.exported("b") == ""
    assert {name: str(fault) for name, fault in known.failures.items()} == {
        "a": "the command of variable 'a' ended with exit 1"
    }
    assert len(shell.asked) == 1


def test_what_uses_a_command_is_checked_without_running_it() -> None:
    shell = Shell()
    known = Variables(
        {"a": Command("x"), "b": "${a}${nope}", "c": ("${a}${b}",), "d": Command("${e.f}")}, {}, (), shell.run
    )
    assert {name: [each.slug for each in faults] for name, faults in known.faults.items()} == {
        "b": ["unknown-variable"],
        "d": ["script-substitution"],
    }
    assert shell.asked == []


def test_commands_are_part_of_cycles() -> None:
    known = Variables({"a": Command("echo $b"), "b": "${a}"})
    assert [set(cycle) for cycle in known.cycles] == [{"a", "b"}]


@given(st.dictionaries(st.sampled_from("abcde"), st.lists(st.sampled_from(["x", "${a}", "${b}", "${c}"]), max_size=3)))
def test_late_variables_are_what_they_would_be_at_once(parts: dict[str, list[str]]) -> None:
    """A command that prints a text, and that text itself, are the same to all that use them."""
    texts = {name: "".join(uses) for name, uses in parts.items()}
    late = Variables({**texts, "a": Command("print")}, evaluate=lambda script, named: "printed")
    early = Variables({**texts, "a": "printed"})
    assert late.cycles == early.cycles
    for name in texts:
        one, other = _told(late, name), _told(early, name)
        assert one == other


def _told(known: Variables, name: str) -> str | None:
    try:
        return known.expand(f"${{{name}}}")
    except VariableFault:
        return None
