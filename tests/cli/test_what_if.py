from __future__ import annotations

import click
import pytest

from exarp.app.what_if import Change
from exarp.cli.what_if import changes_from


def test_each_option_is_a_change_of_several_settings():
    assert changes_from(["jobs=4,max_tasks_per_wave=8,schedule=flow", "max_parallel_waves=1, packing=tight"]) == [
        Change(jobs=4, max_tasks_per_wave=8, schedule="flow"),
        Change(max_parallel_waves=1, packing="tight"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("job=4", "'job' is no setting that can be varied; did you mean 'jobs'?"),
        ("", "a setting is missing; use jobs, max_parallel_waves, max_tasks_per_wave, packing, schedule"),
        ("jobs", "'jobs' has no value; write jobs=2"),
        ("jobs=-1", "jobs must be a number from 0 on, not '-1'"),
        ("jobs=²", "jobs must be a number from 0 on, not '²'"),
        ("max_parallel_waves=0", "max_parallel_waves must be a number from 1 on, not '0'"),
        ("schedule=wave", "schedule must be waves or flow, not 'wave'; did you mean 'waves'?"),
        ("jobs=1,jobs=2", "'jobs' is given twice; repeat --what-if to compare both"),
    ],
)
def test_what_cannot_be_varied_is_refused_with_what_to_write(text, message):
    with pytest.raises(click.BadParameter) as refusal:
        changes_from([text])
    assert refusal.value.message == message
