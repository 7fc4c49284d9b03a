"""Manifests given as text, read without touching a disk."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from exarp.errors import ManifestError, Problem
from exarp.manifests.notations import toml
from exarp.manifests.reading import Reading, read_manifest
from exarp.model.manifest import Manifest
from exarp.model.task import Task

MEMORY = 8 * 1024**3


def read(
    text: str,
    environ: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    root: str = "",
) -> Reading:
    """What the reader makes of an (indented) text."""
    return read_manifest(textwrap.dedent(text).encode(), "exarp.toml", toml, environ or {}, MEMORY, variables, root)


def manifest(text: str, environ: Mapping[str, str] | None = None) -> Manifest:
    """The manifest that a text without faults means."""
    reading = read(text, environ)
    assert reading.problems == []
    return reading.manifest


def task(text: str, environ: Mapping[str, str] | None = None) -> Task:
    """The one task of a text, or its first; the text may leave out ``[task.t]``."""
    return manifest(text if "[task." in text else f"[task.t]\n{text}", environ).tasks[0]


def problems(text: str, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """What is wrong with a text."""
    try:
        return read(text, environ).problems
    except ManifestError as error:
        return list(error.problems)


def slugs(text: str) -> list[str]:
    """What is wrong with a text, as slugs."""
    return [problem.slug for problem in problems(text)]


def marked(problem: Problem) -> str:
    """The text that a problem points at."""
    place = problem.place
    assert place is not None
    return place.text[place.column - 1 :][: place.length]
