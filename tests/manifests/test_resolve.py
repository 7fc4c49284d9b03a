"""From what is written to what is meant: the rules of the contract about single fields, and its defaults."""

from __future__ import annotations

import pytest

from exarp.model.manifest import Settings, WaveSpec
from exarp.model.task import Task
from tests.manifests.reading import MEMORY, manifest, marked, problems, read, slugs, task

# -- defaults ------------------------------------------------------------------------------------------------------


def test_an_empty_manifest_means_the_defaults() -> None:
    found = manifest("")
    assert found.settings == Settings()
    assert (found.tasks, found.waves, found.vars) == ((), (), {})
    assert found.resources == {"memory": MEMORY}
    assert found.file == "exarp.toml"


def test_an_empty_task_means_the_defaults() -> None:
    assert task("[task.t]") == Task("t")


def test_tasks_keep_the_order_of_the_file() -> None:
    names = ("z", "a", "m", "b")
    assert tuple(each.name for each in manifest("".join(f"[task.{name}]\n" for name in names)).tasks) == names


def test_settings_are_the_defaults_of_tasks() -> None:
    found = manifest("""
        [settings]
        retries = 2
        retry_delay = "1s"
        timeout = "1h30m"
        on_failure = "abort"
        shell = ["bash", "-c"]

        [task.plain]
        run = "plain"
        [task.own]
        run = "own"
        retries = 0
        retry_delay = "500ms"
        timeout = "0s"
        on_failure = "skip"
        shell = ["zsh"]
    """)
    plain, own = found.tasks
    assert (plain.retries, plain.retry_delay, plain.timeout, plain.on_failure) == (2, 1.0, 5400.0, "abort")
    assert plain.shell == ("bash", "-c")
    assert (own.retries, own.retry_delay, own.timeout, own.on_failure, own.shell) == (0, 0.5, 0.0, "skip", ("zsh",))


WAVE = """
[[wave]]
name = "w"
tasks = ["${first}", "b"]

[vars]
first = "a"

[task.a]
run = "a"
[task.b]
run = "b"
retries = 1
on_failure = "skip"
[task.free]
run = "free"
"""


def test_tasks_of_declared_waves_are_tried_three_times_more_and_then_ask() -> None:
    policies = {each.name: (each.retries, each.on_failure) for each in manifest(WAVE).tasks}
    assert policies == {"a": (3, "ask"), "b": (1, "skip"), "free": (0, "fail")}


def test_written_settings_hold_for_tasks_of_waves_too() -> None:
    policies = [
        (each.retries, each.on_failure)
        for each in manifest(f'{WAVE}\n[settings]\nretries = 0\non_failure = "fail"').tasks
    ]
    assert policies == [(0, "fail"), (1, "skip"), (0, "fail")]


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("", "flow"),
        ("[settings]\nmax_tasks_per_wave = 0", "flow"),
        ("[settings]\nmax_tasks_per_wave = 4", "waves"),
        ('[[wave]]\nname = "w"\ntasks = []', "waves"),
        ('[settings]\nschedule = "flow"\nmax_tasks_per_wave = 4', "flow"),
        ('[settings]\nschedule = "waves"', "waves"),
        ('[settings]\nschedule = ""', "flow"),
    ],
)
def test_the_schedule_follows_from_the_rest(text: str, schedule: str) -> None:
    assert manifest(text).settings.schedule == schedule


def test_a_written_schedule_is_told_from_a_default_one() -> None:
    assert read('[settings]\nschedule = "flow"').settings_written == {"schedule"}
    assert read("[settings]\njobs = 0").settings_written == {"jobs"}


@pytest.mark.parametrize(("written", "parallel"), [("true", True), ("false", False), ('["v"]', ("v",))])
def test_a_marking_is_all_none_or_some(written: str, parallel: object) -> None:
    found = manifest(f'[[wave]]\nname = "w"\ntasks = []\nparallel = {written}\n[[wave]]\nname = "v"\ntasks = []')
    assert found.waves[0].parallel == parallel
    assert found.waves[1].parallel is False


# -- fields --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "priority"),
    [('"critical"', 100), ('"high"', 50), ('"medium"', 0), ('"low"', -50), ("7", 7), ("-3", -3)],
)
def test_priorities_are_words_or_numbers(written: str, priority: int) -> None:
    assert task(f'run = "t"\npriority = {written}').priority == priority


@pytest.mark.parametrize(("written", "commands"), [('"a"', ("a",)), ('["a", "b"]', ("a", "b"))])
def test_a_script_is_one_or_several(written: str, commands: tuple[str, ...]) -> None:
    assert task(f"run = {written}").commands == commands


def test_a_script_is_left_as_it_is_written() -> None:
    script = "echo ${x} $${y} $in"
    assert task(f'run = "{script}"').commands == (script,)


def test_argv_has_its_variables_filled_in_and_keeps_its_placeholders() -> None:
    found = task('[vars]\nx = "1"\n[task.t]\nargv = ["cc", "$in", "-D${x}", "$out", "$${x}"]')
    assert found.argv == ("cc", "$in", "-D1", "$out", "${x}")


def test_inputs_are_paths_paths_taken_away_and_tasks() -> None:
    found = task('[task.t]\nrun = "t"\ninputs = ["./a//b", "!c/", { from = "g" }, "/abs", "../up", "src/**"]\n[task.g]')
    assert found.inputs == ("a/b", "/abs", "../up", "src/**")
    assert (found.excluded, found.sources) == (("c/",), ("g",))


@pytest.mark.parametrize("key", ["inputs", "outputs"])
def test_nothing_declared_is_told_from_nothing_at_all(key: str) -> None:
    assert getattr(task("[task.t]"), key) is None
    assert getattr(task(f"{key} = []"), key) == ()


def test_inputs_that_are_only_taken_away_leave_an_empty_list() -> None:
    assert task('run = "t"\ninputs = ["!a"]').inputs == ()


def test_paths_are_normalised_and_keep_the_slash_of_a_folder() -> None:
    found = task(
        'run = "t"\noutputs = ["./a", "b//c/", "d/../e"]\nmodifies = ["./x/*.c"]\ndepfile = "./a.d"\ncwd = "./sub/"'
    )
    assert found.outputs == ("a", "b/c/", "e")
    assert (found.modifies, found.depfile, found.cwd) == (("x/*.c",), "a.d", "sub")


@pytest.mark.parametrize("written", ["", ".", "./", "a/.."])
def test_the_workspace_root_as_a_working_directory_is_the_default(written: str) -> None:
    assert task(f'run = "t"\ncwd = "{written}"').cwd == ""


@pytest.mark.parametrize("path", ["inside/../../out", "..", "/abs", "../x"])
@pytest.mark.parametrize("field", ["outputs = [{}]", "modifies = [{}]", "cwd = {}"])
def test_what_a_task_changes_lies_inside(field: str, path: str) -> None:
    assert slugs('[task.t]\nrun = "t"\n' + field.format(f'"{path}"')) == ["outside-workspace"]


def test_a_depfile_and_inputs_may_lie_outside() -> None:
    assert slugs('[task.t]\nrun = "t"\ninputs = ["../x", "/usr/include/", "!../y"]\ndepfile = "/tmp/d"') == []


@pytest.mark.parametrize("written", [".", "./", "a/..", "${root}"])
def test_the_whole_workspace_is_no_output(written: str) -> None:
    assert slugs(f'[vars]\nroot = "./"\n[task.t]\nrun = "t"\noutputs = ["{written}"]') == ["bad-path"]


def test_variables_are_filled_in_everywhere_but_in_scripts() -> None:
    found = task(
        """
        [vars]
        x = "v"
        n = 3
        [task.t]
        inputs = ["in/${x}", "!no/${x}", { from = "${x}" }]
        outputs = ["out/${x}"]
        modifies = ["mod/${x}"]
        needs = ["${x}"]
        after = ["${x}"]
        depfile = "${x}.d"
        cwd = "${x}"
        env = { A = "${x}${n}", B = 2, C = 1.5, D = "${env.HOME}" }
        mutex = ["${x}"]
        timeout = "${n}s"
        shell = ["${x}"]
        run = "${x}"
        description = "${x}"
        tags = ["${x}"]
        [task.v]
        """,
        {"HOME": "/h"},
    )
    assert (found.inputs, found.excluded, found.sources) == (("in/v",), ("no/v",), ("v",))
    assert (found.outputs, found.modifies, found.needs, found.after) == (("out/v",), ("mod/v",), ("v",), ("v",))
    assert (found.depfile, found.cwd, found.mutex, found.timeout, found.shell) == ("v.d", "v", ("v",), 3.0, ("v",))
    assert found.env == {"A": "v3", "B": "2", "C": "1.5", "D": "/h"}
    assert (found.commands, found.description, found.tags) == (("${x}",), "v", ("v",))


def test_variables_are_filled_in_in_waves() -> None:
    text = '[vars]\nx = "v"\n[task.v]\n[[wave]]\nname = "w-${x}"\ntasks = ["${x}"]\nparallel = ["${x}2"]\n'
    found = manifest(f'{text}[[wave]]\nname = "v2"\ntasks = []\n')
    assert found.waves[0] == WaveSpec("w-v", ("v",), parallel=("v2",))


def test_variables_of_the_command_line_replace_those_of_the_manifest() -> None:
    reading = read('[vars]\na = "1"\nb = "${a}"\nc = ["a list"]', variables={"a": "2", "c": "3"})
    assert reading.problems == []
    assert reading.manifest.vars == {"a": "2", "b": "2", "c": "3"}


def test_sizes_and_pools() -> None:
    found = manifest("""
        [resources]
        gpu = 2
        memory = "4GiB"
        disk = "1KB"
        [settings]
        log_limit = "1MiB"
        [task.t]
        run = "t"
        resources = { gpu = 1, memory = "512MiB", disk = "1000" }
    """)
    assert found.resources == {"gpu": 2, "memory": 4 * 1024**3, "disk": 1000}
    assert found.tasks[0].resources == {"gpu": 1, "memory": 512 * 1024**2, "disk": 1000}
    assert found.settings.log_limit == 1024**2


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("-1", "-1 is below zero"),
        ('"-1"', "-1 is below zero"),
        ('""', "'' is not a size"),
        ('"8 gigs"', "'8 gigs' is not a size"),
        ('"8192PiB"', "'8192PiB' is larger than any machine can count"),
        (f'"{"9" * 20}"', f"'{'9' * 20}' is larger than any machine can count"),
    ],
)
def test_what_is_no_size_is_refused(written: str, message: str) -> None:
    assert [problem.message for problem in problems(f"[resources]\ngpu = {written}")] == [message]


def test_the_largest_whole_number_is_a_size() -> None:
    assert manifest(f"[resources]\ngpu = {2**63 - 1}").resources["gpu"] == 2**63 - 1


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("5", "'5' is not a duration"),
        ("", "'' is not a duration"),
        ("1h 30m", "'1h 30m' is not a duration"),
        ("-1s", "'-1s' is not a duration"),
        ("36501d", "'36501d' is longer than a hundred years"),
        ("9" * 20 + "ms", f"'{'9' * 20}ms' is longer than a hundred years"),
    ],
)
def test_what_is_no_duration_is_refused(written: str, message: str) -> None:
    assert [problem.message for problem in problems(f'[settings]\ntimeout = "{written}"')] == [message]


def test_memory_that_is_not_known_is_not_held_against_a_task() -> None:
    from exarp.manifests.notations import toml
    from exarp.manifests.reading import read_manifest

    found = read_manifest(b'[task.t]\nrun = "t"\nresources = { memory = "64GiB" }\n[task.u]', "m.toml", toml, {})
    assert found.problems == []
    assert found.manifest.resources == {"memory": 64 * 1024**3}


def test_a_pool_whose_size_is_refused_is_not_held_against_a_task() -> None:
    assert slugs('[resources]\ngpu = "two"\n[task.t]\nrun = "t"\nresources = { gpu = 9 }') == ["bad-size"]


def test_cache_folders_are_folders() -> None:
    assert manifest('[settings]\ncache_dirs = ["~/.cache", "./.ccache/"]').settings.cache_dirs == (
        "~/.cache/",
        ".ccache/",
    )


@pytest.mark.parametrize("field", ["run", 'run = "x"\ncwd', 'run = "x"\ndepfile'])
def test_no_text_holds_a_nul_character(field: str) -> None:
    (problem,) = problems(f'[task.t]\n{field} = "a\\u0000b"')
    assert (problem.slug, marked(problem)) == ("nul-character", '"a\\u0000b"')


def test_a_fault_of_a_variable_is_told_once_however_often_it_is_used() -> None:
    text = '[vars]\na = "${nope}"\n' + "".join(
        f'[task.t{n}]\nrun = "t"\noutputs = ["out/${{a}}"]\nneeds = ["${{a}}"]\n' for n in range(5)
    )
    (problem,) = problems(text)
    assert (problem.slug, marked(problem)) == ("unknown-variable", "${nope}")


def test_a_faulty_output_is_not_also_told_as_a_double_one() -> None:
    text = "".join(f'[task.t{n}]\nrun = "t"\noutputs = ["${{nope}}"]\n' for n in range(3))
    assert slugs(text) == ["unknown-variable"] * 3


@pytest.mark.parametrize(
    "field",
    [
        "timeout = {}",
        "retry_delay = {}",
        "cwd = {}",
        "depfile = {}",
        "resources = {{ memory = {} }}",
        "env = {{ A = {} }}",
    ],
)
def test_a_field_that_cannot_be_filled_in_is_told_once(field: str) -> None:
    assert slugs('[task.t]\nrun = "t"\n' + field.format('"${nope}"')) == ["unknown-variable"]


def test_one_output_twice_in_one_task_is_refused_but_for_globs() -> None:
    found = problems('[task.t]\noutputs = [\n  "a",\n  "*.o", "*.o",\n  "./a",\n  "a/",\n]\nrun = "t"')
    assert [(each.slug, marked(each)) for each in found] == [
        ("duplicate-output", '"./a"'),
        ("duplicate-output", '"a/"'),
    ]
    assert all(each.related[0].place.line == 3 for each in found)


def test_a_path_that_leads_back_into_the_workspace_is_the_file_that_it_leads_to() -> None:
    text = '[task.t]\ninputs = ["/work/src/a.c", "../work/b.c", "/works/c"]\noutputs = ["/work/x"]\nrun = "t"'
    reading = read(text, root="/work")
    assert reading.problems == []
    assert reading.manifest.tasks[0].inputs == ("src/a.c", "b.c", "/works/c")
    assert reading.manifest.tasks[0].outputs == ("x",)
    assert reading.locator.entry(("task", "t", "inputs"), "b.c").column == 28


@pytest.mark.parametrize("written", ["/work", "/work/", "../work"])
def test_the_workspace_by_another_name_is_no_output(written: str) -> None:
    reading = read(f'[task.t]\noutputs = ["{written}"]\nrun = "t"', root="/work")
    assert [problem.slug for problem in reading.problems] == ["bad-path"]


# -- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "a.b", "a/b", "a-b", "a_b", "1", "é", "日本", "a+b", "a(b)"])
def test_names_that_print_are_fine(name: str) -> None:
    assert manifest(f'[task."{name}"]').tasks[0].name == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a@b", "a:b", "a,b", "-a", ".a", "a\\tb", "a\\u0000", "a\\u202eb", "a\\u00a0b"]
)
def test_other_names_are_refused(name: str) -> None:
    (problem,) = problems(f'[task."{name}"]')
    assert (problem.slug, marked(problem)) == ("bad-name", f'"{name}"')


@pytest.mark.parametrize("name", ["in", "out", "depfile", "in_file", "PATH", "EXARP_", "EXARP_RUN"])
def test_reserved_names_are_refused_as_variables(name: str) -> None:
    assert slugs(f'[vars]\n{name} = "x"\n[task.t]\nrun = "t"\nenv = {{ {name} = "x" }}') == ["reserved-name"] * 2


def test_names_that_no_environment_takes_are_refused_there_and_not_in_vars() -> None:
    assert (
        slugs('[vars]\n"my-var" = "x"\n[task.t]\nrun = "t"\nenv = { "my-var" = "x", "1" = "x", "é" = "x" }')
        == ["bad-variable"] * 3
    )


# -- references ----------------------------------------------------------------------------------------------------


def test_a_name_that_is_unknown_in_many_places_of_one_list_is_told_once() -> None:
    assert slugs('[task.t]\nneeds = ["x", "x", "y"]') == ["unknown-task"] * 2


def test_the_place_of_a_name_is_found_behind_its_variable() -> None:
    (problem,) = problems('[vars]\nx = "nope"\n[task.t]\nneeds = ["t2", "${x}"]\n[task.t2]')
    assert (problem.slug, marked(problem)) == ("unknown-task", '"${x}"')


def test_many_unknown_names_among_many_tasks_take_no_time() -> None:
    """Without a limit the comparisons alone would take minutes."""
    text = "".join(f'[task.t{n}]\nneeds = ["x{n}"]\n' for n in range(3000))
    found = problems(text)
    assert len(found) == 3000
    assert found[0].next == "define it, or take the name out" or found[0].next.startswith("did you mean")
    assert found[-1].next == "define it, or take the name out"


def test_many_faults_in_one_long_line_take_little_memory() -> None:
    """Each problem shows its line; a line of a megabyte must not be copied for each."""
    found = problems("[task.t]\nneeds = [" + ", ".join(f'"x{n}"' for n in range(2000)) + "]")
    assert len(found) == 2000
    assert len({id(each.place.text) for each in found if each.place}) == 1


def test_unknown_variables_of_the_command_line_are_wrong_usage() -> None:
    from exarp.errors import UsageError

    with pytest.raises(UsageError) as raised:
        read('[vars]\narch = "x"', variables={"arhc": "1", "arch": "2", "zzz": "3"})
    assert [(each.slug, each.next) for each in raised.value.problems] == [
        ("unknown-variable", "did you mean 'arch'?"),
        ("unknown-variable", "define it in [vars]"),
    ]


def test_what_another_task_makes_is_an_input_where_it_is_asked_for() -> None:
    made = '[task.g]\nrun = "g"\noutputs = ["a.o", "gen/", "x/*.c"]'
    found = manifest(
        f'[task.t]\nrun = "t"\ninputs = ["a.o", {{ from = "g" }}, "b", {{ from = "t2" }}]\n{made}\n[task.t2]'
    )
    assert found.tasks[0].inputs == ("a.o", "b", "gen/", "x/*.c")
    assert found.tasks[0].sources == ("g", "t2")
