"""What ``exarp import`` and ``exarp init`` say: how much was converted, and what was not.

Knows the words. Does not know how anything is converted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from exarp.app.import_manifest import Imported
from exarp.app.init import Begun
from exarp.model.call import Call
from exarp.model.leftover import Leftover
from exarp.views import escape
from exarp.views.words import tasks


def imported(found: Imported, shown: str, verbosity: int) -> str:
    """The lines for stderr; ``shown``: how the user named the manifest. Quiet: only what was not converted."""
    source = escape.name(found.source)
    lines = []
    if verbosity >= 0:
        wrote = f"wrote {escape.name(shown)}: " if found.path else ""
        lines.append(f"{wrote}{tasks(found.tasks)}, converted from {source}")
    lines += _leftovers(found.source, found.leftovers)
    if found.path and verbosity >= 0:
        named = "" if os.path.basename(found.path) == "exarp.toml" else f" -f {escape.name(shown)}"
        lines.append(f"look at it with: exarp{named} plan      run it with: exarp{named} run")
    return "".join(f"{line}\n" for line in lines)


def begun(found: Begun, call: Call, verbosity: int) -> str:
    """What ``init`` says, for stdout; nothing where it is to be quiet and all was converted."""
    lines = []
    if verbosity >= 0:
        source = escape.name(found.source)
        made = (
            f"converted from {source}"
            if found.converted
            else f"for {found.tool} ({source})"
            if source
            else "to begin with"
        )
        lines.append(f"wrote {escape.name(found.path)}: {tasks(found.tasks)}, {made}")
    lines += _leftovers(found.source, found.leftovers)
    if verbosity >= 0:
        lines.append(f"look at it with: {escape.name(call.of('plan'))}      run it with: {escape.name(call.run())}")
    return "".join(f"{line}\n" for line in lines)


def _leftovers(source: str, leftovers: Sequence[Leftover]) -> Iterator[str]:
    """Each reason once, with all that it holds for."""
    if leftovers:
        yield f"not converted, or not as it was ({len(leftovers)}):"
    by_reason: dict[str, list[Leftover]] = {}
    for left in leftovers:
        by_reason.setdefault(left.why, []).append(left)
    for why, alike in by_reason.items():
        yield f"  {escape.name(why)}"
        yield from (f"      {escape.name(left.place(source))}  {escape.name(left.text)}" for left in alike)
