"""Tasks that say what most say are read in a shorter way: it must give what the long one gives, faults included."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.errors import Problem
from exarp.manifests.notations import json as notation
from exarp.manifests.reading import Reading, read_manifest
from exarp.manifests.tasks.task import FREQUENT
from tests.effort import tries
from tests.manifests.reading import MEMORY

TEXTS = st.sampled_from(
    [
        "a",
        "b",
        "t",
        "",
        "${v}",
        "${list}",
        "${nothing}",
        "$${v}",
        "\0",
        "../a",
        "a//b",
        "!a",
        "*.c",
        "./",
        "out/",
        ".git/x",
        "@",
    ]
)
NAMES = st.sampled_from(["a", "b", "t", "x y"])
LISTS = st.lists(TEXTS, max_size=3)
TASKS = st.fixed_dictionaries(
    {},
    optional={
        "description": TEXTS,
        "run": st.sampled_from(["a", "${src.stem}", "\0", "${v}"]) | LISTS,
        "inputs": st.lists(TEXTS | st.fixed_dictionaries({"from": TEXTS}), max_size=3),
        "outputs": LISTS,
        "needs": LISTS,
    },
)
SETTINGS = st.fixed_dictionaries({}, optional={"retries": st.just(2), "shell": st.just(["bash", "${v}"])})


def read(tasks: dict[str, Any], defaults: dict[str, Any], waves: list[Any]) -> Reading:
    document = {"vars": {"v": "x", "list": ["x", "y"]}, "settings": defaults, "task": tasks, "wave": waves}
    return read_manifest(json.dumps(document).encode(), "exarp.json", notation, {}, MEMORY)


@settings(max_examples=tries(200))
@given(st.dictionaries(NAMES, TASKS, min_size=1, max_size=4), SETTINGS, st.booleans())
def test_a_task_of_frequent_keys_means_the_same_with_a_key_more(
    tasks: dict[str, dict[str, Any]], defaults: dict[str, Any], is_planned: bool
) -> None:
    assert all(FREQUENT.issuperset(keys) for keys in tasks.values())
    waves = [{"name": "w", "tasks": ["a"]}] if is_planned and "a" in tasks else []
    short = read(tasks, defaults, waves)
    long = read({name: {**keys, "interactive": False} for name, keys in tasks.items()}, defaults, waves)
    assert short.manifest.tasks == long.manifest.tasks
    # They come in the order of their places only later, and places are others in another text.
    assert sorted(map(told, short.problems)) == sorted(map(told, long.problems))


def told(problem: Problem) -> tuple[str, str]:
    return problem.slug, problem.message
