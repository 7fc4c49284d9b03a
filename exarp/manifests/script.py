"""What a script may not say: field syntax that a shell would misread.

Knows that variables reach a script as environment variables, never as text. Does not parse shell.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_FIELD_USE = re.compile(r"\$\{([A-Za-z_]\w*)\.(\w+)[^}]*\}", re.ASCII)


class ScriptFault(NamedTuple):
    """A fault in a script: slug, message, next step."""

    slug: str
    message: str
    step: str


def script_fault(script: str) -> ScriptFault | None:
    """``${src.stem}`` and ``${env.X}`` belong in fields; a shell would fail on them with "bad substitution"."""
    if "${" not in script:
        return None
    match = _FIELD_USE.search(script)
    if match is None:
        return None
    use = match[0]
    if match[1] == "env":
        step = f"in a script write ${match[2]}: the environment is there"
    else:
        step = f'give it a name in env, e.g. env = {{ {match[2].upper()} = "{use}" }}, and write ${match[2].upper()}'
    return ScriptFault("script-substitution", f"{use} is not filled in inside a script", step)
