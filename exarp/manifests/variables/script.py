"""What a script may not say: field syntax that a shell would misread.

Knows that variables reach a script as environment variables, never as text. Does not parse shell.
"""

from __future__ import annotations

import re

import msgspec

from exarp.model.expression import late

_FIELD_USE = late(r"\$\{([A-Za-z_]\w*)\.(\w+)([^}\n]*)\}", re.ASCII)


class ScriptFault(msgspec.Struct, frozen=True):
    """A fault in a script: slug, message, next step, and the text that is at fault."""

    slug: str
    message: str
    step: str
    use: str


def script_faults(script: str) -> list[ScriptFault]:
    """``${src.stem}`` and ``${env.X}`` belong in fields; a shell would fail on them with "bad substitution"."""
    if "${" not in script:
        return []
    found = {use[0]: use for use in _FIELD_USE.finditer(script)}
    return [
        ScriptFault("script-substitution", f"a shell cannot read {use[0]}", _step(use), use[0])
        for use in found.values()
    ]


def _step(use: re.Match[str]) -> str:
    if use[1] == "env":
        return "a script has the environment: write " + (f"${{{use[2]}{use[3]}}}" if use[3] else f"${use[2]}")
    name = f"{use[1]}_{use[2]}".upper()
    return f'name it in env = {{ {name} = "{use[0]}" }}, and write ${name} here'
