"""What ``exarp import`` says: how much was converted, and what was not.

Knows the words. Does not know how anything is converted.
"""

from __future__ import annotations

import os

from exarp.app.import_manifest import Imported
from exarp.views import escape
from exarp.views.words import tasks


def imported(found: Imported, shown: str, verbosity: int) -> str:
    """The lines for stderr; ``shown``: how the user named the manifest. Quiet: only what was not converted."""
    source = escape.name(found.source)
    lines = []
    if verbosity >= 0:
        wrote = f"wrote {escape.name(shown)}: " if found.path else ""
        lines.append(f"{wrote}{tasks(found.tasks)}, converted from {source}")
    if found.leftovers:
        lines.append(f"not converted, or not as it was ({len(found.leftovers)}):")
    for left in found.leftovers:
        lines.append(f"  {source}:{left.line}: {escape.name(left.text)}")
        lines.append(f"      {escape.name(left.why)}")
    if found.path and verbosity >= 0:
        named = "" if os.path.basename(found.path) == "exarp.toml" else f" -f {escape.name(shown)}"
        lines.append(f"look at it with: exarp{named} plan      run it with: exarp{named} run")
    return "".join(f"{line}\n" for line in lines)
