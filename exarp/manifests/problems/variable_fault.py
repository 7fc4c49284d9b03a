"""What is wrong with the use of a variable, before anybody knows where it stands.

Knows the words and the use. Does not know variables (``variables.definitions``), or places (``place``).
"""

from __future__ import annotations


class VariableFault(Exception):
    """A text uses a variable that cannot be filled in. ``slug`` and ``step`` as in a Problem; ``use`` as written."""

    def __init__(self, slug: str, message: str, step: str, use: str) -> None:
        super().__init__(message)
        self.slug = slug
        self.step = step
        self.use = use
