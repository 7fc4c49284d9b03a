"""``.exarp/config.yaml``: what it says, and every fault of it with its place and next step."""

from __future__ import annotations

import pytest

from exarp.manifests.config import MAX_BYTES, read_config

FILE = ".exarp/config.yaml"


def told(text: str) -> list[tuple[str, str, str, str]]:
    found = read_config(text.encode(), FILE)[1]
    assert all(problem.place and problem.place.file == FILE and problem.next for problem in found)
    return [(p.severity, p.slug, str(p.place).removeprefix(f"{FILE}:"), p.next) for p in found]


def test_limits_have_the_names_of_the_settings() -> None:
    text = "thresholds:\n  max_tasks_per_wave: 8\n  max_parallel_tasks: 0\n"
    assert read_config(text.encode(), FILE) == ({"max_tasks_per_wave": 8, "jobs": 0}, [])


@pytest.mark.parametrize("text", ["", "# later\n", "thresholds: {}\n"])
def test_a_file_may_say_nothing(text: str) -> None:
    assert read_config(text.encode(), FILE) == ({}, [])


@pytest.mark.parametrize(
    ("text", "place", "step"),
    [
        ("threshold: {}", "1:1", "did you mean 'thresholds'?"),
        ("agents: {}", "1:1", "known keys: thresholds"),
        ("max_tasks_per_wave: 3", "1:1", "'max_tasks_per_wave' belongs in thresholds"),
        ("thresholds:\n  max_task_per_wave: 3", "2:3", "did you mean 'max_tasks_per_wave'?"),
        ("thresholds: { jobs: 3 }", "1:15", "did you mean 'max_parallel_tasks'?"),
        ("thresholds: { schedule: flow }", "1:15", "'schedule' belongs in the settings of the manifest"),
    ],
)
def test_an_unknown_key_is_a_warning(text: str, place: str, step: str) -> None:
    assert told(text) == [("warning", "unknown-key", place, step)]
    assert read_config(text.encode(), FILE)[0] == {}


@pytest.mark.parametrize(
    ("text", "slug", "place", "step"),
    [
        ("thresholds: 3", "wrong-type", "1:13", "write thresholds: { max_tasks_per_wave: 8 }"),
        ("thresholds:", "no-value", "1:1", "give it one, or leave the key out"),
        ('thresholds: { max_tasks_per_wave: "8" }', "wrong-type", "1:35", "write 8, without quotes"),
        ("thresholds: { max_tasks_per_wave: -1 }", "wrong-type", "1:35", "write a whole number, 0 or more"),
        ("thresholds: { max_tasks_per_wave: true }", "wrong-type", "1:35", "write a whole number, 0 or more"),
        ("thresholds: { max_parallel_tasks: 2147483648 }", "wrong-type", "1:35", "write 2147483647 or less"),
        ("thresholds: [", "syntax", "1:13", "close it with ]"),
        ("#" * MAX_BYTES + "\n", "too-large", "1:1", "keep only the limits there"),
    ],
)
def test_what_is_no_limit_is_an_error(text: str, slug: str, place: str, step: str) -> None:
    assert told(text) == [("error", slug, place, step)]


def test_what_is_sound_beside_a_fault_is_kept_and_all_is_told_at_once() -> None:
    text = "thresholds: { max_tasks_per_wave: 8, max_parallel_tasks: x, other: 1 }"
    assert read_config(text.encode(), FILE)[0] == {"max_tasks_per_wave": 8}
    assert [severity for severity, *_ in told(text)] == ["warning", "error"]
    assert [problem.slug for problem in read_config(b"\xff", FILE)[1]] == ["not-utf8"]
