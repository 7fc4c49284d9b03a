"""``exarp cache``. Parses, asks the artifact store or tidies it up, prints what came of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import click

from exarp.cli.invocation import Invocation, common_options, current, json_option, write, write_bytes

if TYPE_CHECKING:
    from exarp.app.cache import ArtifactUpkeep


@click.command("cache", short_help="Tell of kept artifacts, verify or remove them.")
@click.argument("action", required=False, default="info", type=click.Choice(["info", "gc", "verify", "clear"]))
@click.option("--max-size", metavar="SIZE", help="With gc: leave at most so much (default: max_size of [cache]).")
@json_option()
@common_options("verbose")
def command(action: str, max_size: str | None) -> int:
    """What tasks made is kept, so that it need not be made again: see what there is (info), make room (gc: what was used longest
    ago goes first), read all of it and remove what is damaged (verify, exit code 1 where anything was), or remove it (clear).

    \b
    Examples:
      exarp cache
      exarp cache gc --max-size 2GiB
      exarp cache verify
      exarp cache clear
    """
    from exarp.app.cache import ArtifactUpkeep

    invocation = current()
    if max_size is not None and action != "gc":
        raise click.UsageError(f"--max-size is for gc: leave it out, or say exarp cache gc, not {action}")
    limit = _size(max_size) if max_size is not None else None
    keeper = ArtifactUpkeep(invocation.project(), os.environ)
    match action:
        case "gc":
            return _collect(invocation, keeper, limit)
        case "verify":
            return _verify(invocation, keeper)
        case "clear":
            return _clear(invocation, keeper)
        case _:
            return _info(invocation, keeper)


def _size(text: str) -> int:
    from exarp.model.quantity import parse_size

    try:
        return int(parse_size(text))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a size such as 2GiB", param_hint="--max-size") from None


def _say(invocation: Invocation, document: bytes, lines: Iterable[str], always: bool = False) -> None:
    if invocation.json:
        write_bytes(document)
    elif invocation.verbosity >= 0 or always:
        write("".join(f"{line}\n" for line in lines))


def _info(invocation: Invocation, keeper: ArtifactUpkeep) -> int:
    from exarp.views.cache import info, info_document

    found = keeper.info()
    _say(invocation, info_document(found), info(found, datetime.now().astimezone()), always=True)
    return 0


def _collect(invocation: Invocation, keeper: ArtifactUpkeep, limit: int | None) -> int:
    from exarp.views.cache import collected, collected_document

    found = keeper.collect(limit)
    _say(invocation, collected_document(found), collected(found))
    return 0


def _verify(invocation: Invocation, keeper: ArtifactUpkeep) -> int:
    from exarp.views.cache import verified, verified_document

    found = keeper.verify()
    is_sound = not found.damaged and not found.incomplete
    _say(invocation, verified_document(found), verified(found), always=not is_sound)
    return 0 if is_sound else 1


def _clear(invocation: Invocation, keeper: ArtifactUpkeep) -> int:
    from exarp.views.cache import size
    from exarp.views.json_line import json_line

    freed = keeper.clear()
    _say(invocation, json_line({"version": 1, "freed_bytes": freed}), [f"removed all artifacts, {size(freed)}"])
    return 0
