"""How a run ended that this process did not carry out, as ``wait`` and ``stop`` tell it.

Knows the words of ``exarp status`` and its document. Does not know how to await an end.
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from exarp.cli.invocation import Invocation, write, write_bytes

if TYPE_CHECKING:
    from exarp.store.runs import RunRow


def tell_ended(invocation: Invocation, row: RunRow | None) -> None:
    """A run that ended, if there was any: as ``exarp status`` tells it, on stdout."""
    if invocation.json:
        from exarp.views.history.document import status_document

        write_bytes(status_document([row] if row is not None else []))
        return
    if row is None or invocation.verbosity < 0:
        return
    from exarp.app.history import has_log
    from exarp.views.cells import wrap
    from exarp.views.history import status

    kept = partial(has_log, invocation.root())
    now = datetime.now().astimezone()
    told = status.status([row], now, {}, invocation.wants_color(sys.stdout), invocation.call(), kept)
    write(wrap(told, invocation.columns(sys.stdout)) + "\n")
