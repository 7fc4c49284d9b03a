"""``plan --what-if``: scenarios side by side, for a person and for a program.

Knows the columns and fields. Does not know how a scenario is played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from exarp.app.what_if import Change, Scenario, WhatIf
from exarp.views import words
from exarp.views.cells import pad, width, wrap

_HEAD = ("", "makespan", "critical path", "lost to barriers", "waves")


def table(found: WhatIf, columns: int | None) -> str:
    """A line on what is assumed, and a row for each scenario, without a newline at its end."""
    rows = [_HEAD, *(_row(scenario) for scenario in found.scenarios)]
    widths = [max(width(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_assumed(found), ""]
    for row in rows:
        numbers = [cell.rjust(size) for cell, size in zip(row[1:], widths[1:], strict=True)]
        lines.append("    ".join([" " + pad(row[0], widths[0]), *numbers]).rstrip())
    return wrap("\n".join(lines), columns)


def _assumed(found: WhatIf) -> str:
    every = found.measured + found.assumed
    said = f"if {'all ' if every > 1 else ''}{words.tasks(every)} {'run' if every > 1 else 'runs'}"
    if not found.assumed:
        return f"{said}, each as long as it last did"
    if not found.measured:
        return f"{said}, 1s each: none was ever measured"
    return (
        f"{said}: {found.measured} as long as they last did, {found.assumed} never measured, {_took(found.usual)} each"
    )


def _row(scenario: Scenario) -> tuple[str, ...]:
    lost = _took(scenario.barriers) if scenario.settings.schedule == "waves" else "-"
    return (
        _label(scenario),
        _took(scenario.makespan),
        _took(scenario.critical_path),
        lost,
        str(scenario.waves),
    )


def _label(scenario: Scenario) -> str:
    settings = scenario.settings
    given = _given(scenario.change)
    if given:
        return ", ".join(f"{name}={value}" for name, value in given.items())
    return f"as it is: jobs={settings.jobs}, schedule={settings.schedule}"


def _given(change: Change) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}


def _took(seconds: float) -> str:
    return words.took(round(seconds * 1000))


def fields(found: WhatIf) -> Sequence[Mapping[str, object]]:
    """The scenarios as the document has them. ``change`` of the first, the settings as they are, is empty."""
    return [
        {
            "change": _given(scenario.change),
            "jobs": scenario.settings.jobs,
            "max_parallel_waves": scenario.settings.max_parallel_waves,
            "max_tasks_per_wave": scenario.settings.max_tasks_per_wave,
            "packing": scenario.settings.packing,
            "schedule": scenario.settings.schedule,
            "waves": scenario.waves,
            "makespan_ms": round(scenario.makespan * 1000),
            "critical_path_ms": round(scenario.critical_path * 1000),
            "barriers_ms": round(scenario.barriers * 1000),
            "measured": found.measured,
            "assumed": found.assumed,
        }
        for scenario in found.scenarios
    ]
