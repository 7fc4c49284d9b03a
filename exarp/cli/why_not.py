"""``exarp why-not``. Parses, asks for the verdict, words it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from exarp.cli.invocation import common_options, current, json_option, locate_in, write, write_document
from exarp.cli.offers import complete_pairs
from exarp.cli.options import overrides_from, set_option


@click.command("why-not", short_help="Say whether two tasks or waves may run side by side.")
@click.argument("one", shell_complete=complete_pairs)
@click.argument("other", shell_complete=complete_pairs)
@set_option
@json_option()
@common_options("quiet", "verbose")
def command(one: str, other: str, variables: Sequence[str]) -> int:
    """Say whether ONE and OTHER, two tasks or two waves, may run side by side, with every reason.

    A derived wave is named by its number in `exarp plan`. Exit code 0: they may. 1: they may not.

    \b
    Examples:
      exarp why-not lint fmt
      exarp why-not backend frontend --json
      exarp why-not backend "wave 2"
    """
    from exarp.app.judge import judge

    invocation = current()
    project = invocation.project(overrides_from({"variables": variables}))
    verdict = judge(project, one, other)
    if invocation.json:
        from exarp.views.json_line import json_line
        from exarp.views.plan.document import verdict_fields

        write_document(json_line({"version": 1, "verdict": verdict_fields(verdict)}))
    else:
        from exarp.views.cells import wrap
        from exarp.views.plan.why_not import answer

        color, advise = invocation.wants_color(sys.stdout), project.locator.advice
        told = answer(verdict, project.manifest, locate_in(project), color, advise)
        write(wrap(told, invocation.columns(sys.stdout)) + "\n")
    return 0 if verdict.runs == "parallel" else 1
