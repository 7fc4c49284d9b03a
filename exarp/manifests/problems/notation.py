"""What the readers must know of a notation, such as TOML, to read a manifest that is written in it.

Knows the five functions of one. Does not know which there are (``discover``), or what keys mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import Positions


class Notation(Protocol):
    """A notation; a module of its own."""

    def parse(self, text: str, file: str) -> dict[str, Any]:
        """The document as plain dictionaries, lists and values (see ``document``), every error told of ``file`` by place.

        Raises ManifestError.
        """

    def scan(self, text: str) -> Positions:
        """Where every key and value of a text stands that ``parse`` accepts."""

    def element(self, text: str) -> Any:
        """One element of a list, from its own text as far as it stands in one line. Raises ValueError if it goes on."""

    def is_header(self, text: str) -> bool:
        """Whether a table that starts with ``text`` is written apart from its parent's."""

    def advice(self, text: str) -> str:
        """A message or next step that speaks of TOML (``[vars]``, ``needs = ["a"]``), in this notation's words."""
