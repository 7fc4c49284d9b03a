from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.event import FreshnessReason
from exarp.model.task import Task
from exarp.planning.freshness import MISSING, Record, decide, differences, variable_digests
from exarp.planning.recipe import recipe_of
from tests.effort import tries

SOME = settings(max_examples=tries(300), deadline=None, derandomize=True)
TASK = Task("a", commands=("true",), inputs=("x",), outputs=("y",))
DIGESTS = st.sampled_from([b"1", b"2"])
FILES = st.dictionaries(st.sampled_from(["x", "y", "z"]), DIGESTS | st.just(MISSING), max_size=3)
RECORDS = st.builds(
    Record, DIGESTS, FILES, FILES, FILES, st.dictionaries(st.sampled_from(["b", "c"]), DIGESTS, max_size=2)
)
THEN = Record(b"r", {"x": b"1", "w": b"2"}, {"h": b"3"}, {"y": b"4"}, {"b": b"5"})


def now(**fields):
    return msgspec.structs.replace(THEN, **fields)


@SOME
@given(RECORDS)
def test_what_is_as_it_was_is_up_to_date(record):
    assert decide(TASK, record, record) is None


@SOME
@given(RECORDS, RECORDS)
def test_a_task_runs_where_anything_is_not_as_it_was(then, there):
    reason = decide(TASK, then, there)

    assert (reason is None) == (then == there)


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (now(recipe=b"s"), FreshnessReason("recipe-changed")),
        (now(inputs={"x": b"9", "w": b"2"}), FreshnessReason("input-changed", "x")),
        (now(inputs={"x": b"1"}), FreshnessReason("input-removed", "w")),
        (now(inputs={**THEN.inputs, "v": b"0"}), FreshnessReason("input-added", "v")),
        (now(inputs={"x": b"1", "w": MISSING}), FreshnessReason("input-removed", "w")),
        (now(found={"h": b"9"}), FreshnessReason("input-changed", "h")),
        (now(found={"h": MISSING}), FreshnessReason("input-removed", "h")),
        (now(outputs={"y": MISSING}), FreshnessReason("output-missing", "y")),
        (now(outputs={}), FreshnessReason("output-missing", "y")),
        (now(outputs={"y": b"9"}), FreshnessReason("output-changed", "y")),
        (now(outputs={"y": b"4", "z": b"1"}), FreshnessReason("output-changed", "z")),
        (now(needs={"b": b"9"}), FreshnessReason("need-changed", "b")),
        (now(needs={"b": b"5", "c": b"1"}), FreshnessReason("need-changed", "c")),
        (now(needs={}), FreshnessReason("recipe-changed", "needs")),
    ],
)
def test_the_reason_names_what_changed(there, reason):
    assert decide(TASK, THEN, there) == reason


@SOME
@given(RECORDS, RECORDS)
def test_the_first_difference_is_what_decides_and_no_file_or_need_is_left_out_or_told_twice(then, there):
    found = list(differences(TASK, then, there))

    assert next(iter(found), None) == decide(TASK, then, there)
    if all(record.inputs.keys().isdisjoint(other.found) for record in (then, there) for other in (then, there)):
        assert len(set(found)) == len(found)
    for what, subjects in (
        ("input", [path for files in ("inputs", "found") for path in _differing(then, there, files)]),
        ("output", _differing(then, there, "outputs")),
        ("need", [name for name in _differing(then, there, "needs") if name in there.needs]),
    ):
        told = [reason.subject for reason in found if reason.code.startswith(what)]
        # No record says that an output is missing; if one did, it would be told.
        assert set(told) - {path for path, digest in then.outputs.items() if not digest} <= set(subjects) <= set(told)
    gone = FreshnessReason("recipe-changed", "needs")
    assert (gone in found) == (not then.needs.keys() <= there.needs.keys())


def _differing(then, there, field):
    one, other = getattr(then, field), getattr(there, field)
    return [path for path in one.keys() | other.keys() if one.get(path) != other.get(path)]


def test_a_doubt_hides_no_difference():
    there = now(inputs={"x": b"9", "w": b"2"})

    doubted = now(doubt="failed-since")
    assert [reason.code for reason in differences(TASK, doubted, there)] == ["failed-since", "input-changed"]


def _made_of(task, **variables):
    return now(recipe=repr((task, variables)).encode(), parts=recipe_of(task, {}).parts, variables=variables)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"commands": ("false",)}, ["command"]),
        ({"argv": ("x",)}, ["command"]),
        ({"shell": ("bash", "-c")}, ["shell"]),
        ({"cwd": "sub"}, ["cwd"]),
        ({"inputs": ("z",)}, ["declared inputs"]),
        ({"tools": ("z",)}, ["declared inputs"]),
        ({"depfile": "z"}, ["declared outputs"]),
        ({"commands": ("false",), "outputs": ()}, ["command", "declared outputs"]),
    ],
)
def test_the_parts_of_a_recipe_that_changed_are_named(fields, told):
    changed = msgspec.structs.replace(TASK, **fields)

    found = list(differences(TASK, _made_of(TASK), _made_of(changed)))
    assert found == [FreshnessReason("recipe-changed", part) for part in told]


def test_variables_are_told_beside_the_parts_and_one_that_is_no_longer_set_for_the_same_script_by_its_name():
    changed = msgspec.structs.replace(TASK, commands=("$CC",))
    found = differences(changed, _made_of(TASK, CC=b"1", OLD=b"1"), _made_of(changed, CC=b"2"))
    assert list(found) == [FreshnessReason("variable-changed", "CC"), FreshnessReason("recipe-changed", "command")]
    found = differences(TASK, _made_of(TASK, CC=b"1", OLD=b"1"), _made_of(TASK, CC=b"1"))
    assert list(found) == [FreshnessReason("recipe-changed", "OLD")]


def test_the_recipe_is_told_before_inputs_and_those_before_outputs():
    everything = Record(b"s", {"x": b"9"}, {}, {}, {})

    assert decide(TASK, THEN, everything) == FreshnessReason("recipe-changed")
    assert decide(TASK, THEN, msgspec.structs.replace(everything, recipe=b"r")).code == "input-changed"
    assert decide(TASK, THEN, now(outputs={}, needs={})) == FreshnessReason("output-missing", "y")


@pytest.mark.parametrize(
    ("then", "there", "reason"),
    [
        ({"CC": b"1", "X": b"1"}, {"X": b"1", "CC": b"2"}, FreshnessReason("variable-changed", "CC")),
        ({"CC": b"1"}, {"CC": MISSING}, FreshnessReason("variable-changed", "CC")),
        ({"X": b"1"}, {"Y": b"1"}, FreshnessReason("recipe-changed")),
        ({"X": b"1"}, {"X": b"1", "AWS_1": b"1"}, FreshnessReason("variable-changed", "AWS_1")),
        ({"AWS_1": b"1"}, {}, FreshnessReason("variable-changed", "AWS_1")),
        ({}, {"OWN": b"1"}, FreshnessReason("variable-changed", "OWN")),
        ({"OWN": b"1"}, {"OWN": b"2"}, FreshnessReason("variable-changed", "OWN")),
        ({"@": b"1"}, {"@": b"2"}, FreshnessReason("arguments-changed")),
        ({"@": b"1"}, {}, FreshnessReason("arguments-changed")),
        ({}, {"@": b"1"}, FreshnessReason("arguments-changed")),
        ({"@": b"1"}, {"@": b"1"}, FreshnessReason("recipe-changed")),
    ],
)
def test_a_variable_that_changed_the_recipe_is_named(then, there, reason):
    task = msgspec.structs.replace(TASK, track_env=("AWS_*",), env={"OWN": "1"})

    assert decide(task, now(variables=then), now(recipe=b"s", variables=there)) == reason
    assert decide(task, now(variables=then), now(variables=there)) is None


def test_records_hold_no_values_of_variables():
    digests = variable_digests({"TOKEN": b"secret", "NONE": None, "EMPTY": b""})

    assert digests["NONE"] == MISSING != digests["EMPTY"]
    assert b"secret" not in msgspec.msgpack.encode(digests)
    assert digests["TOKEN"] == variable_digests({"TOKEN": b"secret"})["TOKEN"]


def test_a_task_that_never_succeeded_runs():
    assert decide(TASK, None, THEN) == FreshnessReason("never-ran")


@pytest.mark.parametrize(
    ("inputs", "outputs", "runs"), [(None, None, True), ((), None, False), (None, (), False), (("x",), ("y",), False)]
)
def test_a_task_that_declares_neither_side_always_runs(inputs, outputs, runs):
    task = Task("a", commands=("true",), inputs=inputs, outputs=outputs)

    assert decide(task, THEN, THEN) == (FreshnessReason("undeclared") if runs else None)
    # In a run that goes on with the one in which it succeeded it is done, if nothing is other.
    assert decide(task, THEN, THEN, done=True) is None
    doubtful = msgspec.structs.replace(THEN, doubt="failed-since")
    changed = msgspec.structs.replace(THEN, recipe=b"another")
    assert None not in (decide(task, doubtful, THEN, done=True), decide(task, THEN, changed, done=True))


@SOME
@given(RECORDS, RECORDS)
def test_what_dependents_see_is_the_outputs_else_the_recipe(one, other):
    same = one.outputs == other.outputs and (bool(one.outputs) or one.recipe == other.recipe)

    assert (one.contribution() == other.contribution()) == same
    if not one.outputs:
        assert one.contribution() == one.recipe


def test_the_order_of_outputs_is_not_seen():
    assert now(outputs={"y": b"4", "z": b"5"}).contribution() == now(outputs={"z": b"5", "y": b"4"}).contribution()
