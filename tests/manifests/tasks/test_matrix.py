"""Tasks that are written once and meant many times: what instances are called, and what each of them is."""

from __future__ import annotations

import itertools
import json
import textwrap
from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.manifests.document import TaskDocument
from exarp.manifests.notations import toml
from exarp.manifests.reading import Reading, read_manifest
from exarp.manifests.tasks.task import BECOMES
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from tests.manifests.reading import manifest, marked, problems, slugs, task

FILES = ("gen/t.c", "src/a.c", "src/b.tar.gz", "src/deep/.hidden", "src/my file.c", "top")


class Files:
    """A workspace with some files, as the readers see it."""

    def __init__(self, files: Sequence[str] = FILES) -> None:
        self._files = files

    def files(self, pattern: str, excluded: Sequence[str]) -> Sequence[str]:
        from exarp.model.path import matches

        return [
            file for file in self._files if matches(pattern, file) and not any(matches(out, file) for out in excluded)
        ]

    def printed(self, script: str, shell: Sequence[str], variables: Mapping[str, str], folder: str = "") -> str:
        return script


def reading(text: str, files: Sequence[str] = FILES, variables: Mapping[str, str] | None = None) -> Reading:
    data = textwrap.dedent(text).encode()
    return read_manifest(data, "exarp.toml", toml, {}, 8 * 1024**3, variables, outside=Files(files))


def of_files(text: str, files: Sequence[str] = FILES) -> Manifest:
    found = reading(text, files)
    assert found.problems == []
    return found.manifest


def names(found: Manifest) -> list[str]:
    return [each.name for each in found.tasks]


# -- against a plain oracle ----------------------------------------------------------------------------------------

VALUES = st.lists(st.text("abc./-_1é", min_size=1, max_size=3), min_size=1, max_size=3, unique=True)
AXES = st.dictionaries(st.sampled_from(["a", "b", "arch"]), VALUES, min_size=1, max_size=3)


@given(AXES, st.booleans())
def test_an_instance_is_the_task_that_would_have_been_written_out(axes: dict[str, list[str]], listed: bool) -> None:
    fields = {
        "description": "of {}",
        "inputs": ["in/{}", "!no/{}"],
        "outputs": ["out/{}/o"],
        "needs": ["plain"],
        "argv": ["cp", "{}", "x"],
        "env": {"V": "{}", "W": "w"},
        "tags": ["{}", "t"],
        "retries": 2,
        "timeout": "5s",
    }
    use = "-".join(f"${{{axis}}}" for axis in axes)
    if listed:
        head = "[vars]\n" + "".join(f"l{axis} = {json.dumps(values)}\n" for axis, values in axes.items())
        matrix = ", ".join(f'{axis} = "${{l{axis}}}"' for axis in axes)
    else:
        head, matrix = "", ", ".join(f"{axis} = {json.dumps(values)}" for axis, values in axes.items())
    short = f"{head}[task.plain]\n[task.t]\nmatrix = {{ {matrix} }}\n{_toml(fields, use)}"
    long = "[task.plain]\n"
    combinations = list(itertools.product(*axes.values()))
    for number, values in enumerate(combinations):
        long += f"[task.i{number}]\n{_toml(fields, '-'.join(values))}"
    found, wanted = manifest(short), manifest(long)
    assert names(found) == ["plain", *(f"t@{','.join(values)}" for values in combinations)]
    for instance, plain, values in zip(found.tasks[1:], wanted.tasks[1:], combinations, strict=True):
        assert instance.variables == dict(zip(axes, values, strict=True))
        assert msgspec.structs.replace(instance, name="", variables={}) == msgspec.structs.replace(plain, name="")
    assert found.instances == {"t": tuple(names(found)[1:])}


def _toml(fields: Mapping[str, object], value: str) -> str:
    return "".join(f"{field} = {_value(written, value)}\n" for field, written in fields.items())


def _value(written: object, value: str) -> str:
    if isinstance(written, dict):
        return "{ " + ", ".join(f"{key} = {_value(each, value)}" for key, each in written.items()) + " }"
    return json.dumps(written, ensure_ascii=False).replace("{}", value)


def test_each_key_of_a_task_becomes_fields_that_there_are() -> None:
    """Else an instance would lose what a key says that uses an axis."""
    fields = set(Task.__struct_fields__)
    lost = [key for key in TaskDocument.__struct_fields__ if not set(BECOMES.get(key, (key,))) <= fields]
    assert lost == []


def test_a_service_whose_fields_differ_is_still_a_service() -> None:
    found = manifest("""
        [settings]
        retries = 2
        timeout = "1m"
        [task.db]
        matrix = { v = [{ name = "a", wait = "3s", port = "8080" }] }
        service = { ready = "true", timeout = "${v.wait}", port = "${v.port}" }
        run = "serve"
    """)
    (db,) = found.tasks
    assert db.service is not None and (db.service.timeout, db.service.port) == (3.0, 8080)
    assert (db.retries, db.timeout) == (0, 0.0)


def test_a_question_names_the_instance_that_it_is_about() -> None:
    found = manifest('[task.t]\nmatrix = { x = ["a", "b"] }\nrun = "t"\nconfirm = true')
    assert [each.question for each in found.tasks] == ["Run t@a?", "Run t@b?"]


# -- axes ----------------------------------------------------------------------------------------------------------


def test_the_last_axis_goes_round_fastest() -> None:
    found = manifest('[task.t]\nmatrix = { arch = ["arm64", "x86"], n = [1, 2.5] }\nrun = "t"')
    assert names(found) == ["t@arm64,1", "t@arm64,2.5", "t@x86,1", "t@x86,2.5"]


def test_a_table_is_called_by_its_name_and_gives_what_else_it_has() -> None:
    found = task("""
        matrix = { ds = [{ name = "es", memory = "1GiB", text = "two words" }] }
        run = "train $ds"
        resources = { memory = "${ds.memory}" }
        env = { T = "${ds.text} of ${ds} ${ds.name}" }
    """)
    assert (found.name, found.variables) == ("t@es", {"ds": "es"})
    assert found.resources == {"memory": 1024**3}
    assert found.env == {"T": "two words of es es"}


def test_a_glob_gives_an_instance_a_file_and_the_parts_of_its_path() -> None:
    found = of_files("""
        [task.t]
        matrix = { f = { glob = ["src/**/*", "src/**/.*", "top", "!src/my*"] } }
        env = { P = "${f}|${f.path}|${f.dir}|${f.name}|${f.stem}|${f.suffix}" }
        run = "t"
    """)
    assert [each.env["P"] for each in found.tasks] == [
        "src/a.c|src/a|src|a.c|a|.c",
        "src/b.tar.gz|src/b.tar|src|b.tar.gz|b.tar|.gz",
        "src/deep/.hidden|src/deep/.hidden|src/deep|.hidden|.hidden|",
        "top|top|.|top|top|",
    ]


def test_a_file_that_no_instance_can_be_called_by_is_refused() -> None:
    (problem,) = reading('[task.t]\nmatrix = { f = { glob = "src/*.c" } }\nrun = "t"').problems
    assert (problem.slug, problem.next) == ("bad-axis", 'rename the file, or take it away: "!src/my file.c"')


def test_all_files_that_no_instance_can_be_called_by_are_one_fault() -> None:
    files = ["a b", "c d", "e", "f\tg"]
    (problem,) = reading('[task.t]\nmatrix = { f = { glob = "*" } }\nrun = "t"', files).problems
    assert problem.message.endswith("'a b': a name cannot contain white space (2 more of the files are like that)")


def test_a_file_that_is_called_like_a_pattern_is_refused_where_it_would_be_one() -> None:
    text = '[task.t]\nmatrix = { f = { glob = "*.tsx" } }\nrun = "t $f"\n'
    files = ["[id].tsx", "x.tsx"]
    assert names(of_files(text, files)) == ["t@[id].tsx", "t@x.tsx"]
    (problem,) = reading(text + 'inputs = ["${f}"]', files).problems
    assert (problem.slug, problem.next) == ("bad-axis", 'take it away: "![[]id].tsx"')
    away = text.replace('"*.tsx"', '["*.tsx", "![[]id].tsx"]') + 'inputs = ["${f}"]'
    assert names(of_files(away, files)) == ["t@x.tsx"]


def test_an_axis_comes_before_a_variable_of_its_name_and_leaves_it_to_others() -> None:
    found = manifest("""
        [vars]
        arch = "var"
        [task.t]
        matrix = { arch = ["axis"] }
        outputs = ["${arch}"]
        run = "t"
        [task.u]
        outputs = ["${arch}"]
        run = "u"
    """)
    assert [each.outputs for each in found.tasks] == [("axis",), ("var",)]


def test_a_list_that_is_empty_gives_no_instances_where_the_task_says_that_it_may() -> None:
    text = '[task.t]\nmatrix = { f = { glob = "no/*" } }\nrun = "t"\n%s\n[task.u]\nneeds = ["t"]\nrun = "u"'
    assert [each.slug for each in reading(text % "").problems] == ["empty-matrix"]
    found = of_files(text % "allow_empty = true")
    assert (names(found), found.tasks[0].needs, found.instances) == (["u"], (), {"t": ()})


def test_set_gives_a_list_its_items_separated_by_commas() -> None:
    text = '[vars]\nds = ["x"]\n[task.t]\nmatrix = { d = "${ds}" }\nrun = "t"'
    assert names(reading(text, variables={"ds": "es,fr"}).manifest) == ["t@es", "t@fr"]
    assert [each.slug for each in reading(text, variables={"ds": ""}).problems] == ["empty-matrix"]


# -- names -----------------------------------------------------------------------------------------------------------

NAMED = """
[settings]
default = ["t"]
[task.t]
matrix = { n = [1, 2] }
outputs = ["o/${n}"]
run = "t"
[task.same]
matrix = { n = [1, 2] }
needs = ["t@${n}"]
inputs = [{ from = "t@${n}" }]
run = "same"
[task.all]
needs = ["t"]
after = ["same"]
inputs = [{ from = "t" }, "!o/2"]
run = "all"
[task.part]
parent = "t"
run = "part"
[[wave]]
name = "w"
tasks = ["t", "same@2"]
"""


def test_the_name_of_a_matrix_stands_for_its_tasks_wherever_tasks_are_named() -> None:
    found = manifest(NAMED)
    tasks = {each.name: each for each in found.tasks}
    assert found.settings.default == ("t@1", "t@2")
    assert (tasks["same@1"].needs, tasks["same@1"].inputs) == (("t@1",), ("o/1",))
    assert (tasks["all"].needs, tasks["all"].after) == (("t@1", "t@2"), ("same@1", "same@2"))
    assert (tasks["all"].inputs, tasks["all"].excluded) == (("o/1", "o/2"), ("o/2",))
    assert (tasks["part"].needs, tasks["part"].parent) == (("t@1", "t@2"), "")
    assert found.waves[0].tasks == ("t@1", "t@2", "same@2")


def test_tasks_of_waves_have_their_defaults_one_by_one() -> None:
    assert {each.name: each.retries for each in manifest(NAMED).tasks} == {
        "t@1": 3,
        "t@2": 3,
        "same@1": 0,
        "same@2": 3,
        "all": 0,
        "part": 0,
    }


def test_tasks_that_need_the_same_matrix_share_its_names() -> None:
    """A thousand tasks that need a thousand others must not hold a million names."""
    text = '[task.t]\nmatrix = { n = [1, 2] }\nrun = "t"\n'
    found = manifest(text + "".join(f'[task.u{n}]\nneeds = ["t"]\nrun = "u"\n' for n in range(2)))
    assert found.tasks[2].needs is found.tasks[3].needs


# -- what is wrong ---------------------------------------------------------------------------------------------------


def test_a_fault_of_many_instances_is_told_once() -> None:
    axis = json.dumps([f"v{n}" for n in range(500)])
    text = f"""
        [task.t]
        matrix = {{ v = {axis} }}
        inputs = ["${{nope}}", "${{v}}/${{nope}}"]
        outputs = ["same", "/abs/${{v}}"]
        needs = ["x", "y@${{v}}", "t"]
        run = "t ${{v.stem}}"
    """
    assert sorted(slugs(textwrap.dedent(text))) == sorted(
        ["unknown-variable"] * 2 + ["outside-workspace", "script-substitution"] + ["unknown-task"] * 2 + ["self-need"]
    )


def test_what_an_axis_that_is_at_fault_would_have_given_is_not_missed() -> None:
    text = (
        '[task.t]\nmatrix = { n = ["a b"] }\noutputs = ["${n}"]\nrun = "t"\n[task.u]\nneeds = ["t", "t@x"]\nrun = "u"'
    )
    assert slugs(text) == ["bad-axis"]


def test_places_of_instances_are_those_of_their_matrix() -> None:
    found = reading(NAMED)
    entry = found.locator.entry
    assert entry(("task", "same@2", "needs"), "t@2").text == 'needs = ["t@${n}"]'
    assert entry(("task", "all", "needs"), "t@2").column == 10
    assert entry(("wave", 0, "tasks"), "t@2").column == 10
    assert entry(("task", "t@2", "outputs"), "o/2").text == 'outputs = ["o/${n}"]'
    assert found.locator.key("task", "t@2").text == "[task.t]"


@pytest.mark.parametrize(
    ("outputs", "glob", "seen"),
    [
        ('["src/t.c"]', '"src/*.c"', True),
        ('["src/t.c"]', '["src/*.c", "!src/t.c"]', False),
        ('["src/t.h"]', '"src/*.c"', False),
        ('["src/gen/"]', '"src/**/*.c"', True),
        ('["src/gen/"]', '["src/**/*.c", "!src/gen/**"]', False),
        ('["src/"]', '"src/deep/*.c"', True),
        ('["src/*.o"]', '"src/*.c"', False),
    ],
)
def test_a_glob_that_would_see_what_a_task_makes_is_refused(outputs: str, glob: str, seen: bool) -> None:
    text = f'[task.gen]\noutputs = {outputs}\nrun = "g"\n[task.t]\nmatrix = {{ f = {{ glob = {glob} }} }}\nallow_empty = true\n'
    found = reading(text, ["src/deep/x.c"]).problems
    assert [each.slug for each in found] == ["glob-of-outputs"] * seen


def test_more_instances_than_memory_holds_are_refused_before_they_are_made() -> None:
    digits = json.dumps(list(range(100)))
    (problem,) = problems(f'[task.t]\nmatrix = {{ a = {digits}, b = {digits}, c = {digits}, d = {digits} }}\nrun = "t"')
    assert (problem.slug, marked(problem)) == ("too-many-instances", "matrix")
    assert "100000000 instances of task 't' (100 × 100 × 100 × 100)" in problem.message
