"""Graphs of N tasks of three shapes: flat, layered, phony.

Knows which task reads and makes what, and what the files that nobody makes say. Does not know how a tool is told of it, and
touches no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

LAYERS = 10


@dataclass(frozen=True)
class Job:
    """One task. ``needs``: names of the tasks that make its inputs, or that it only waits for; ``output`` may be empty."""

    name: str
    inputs: tuple[str, ...] = ()
    output: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """Tasks, those before that they need, and what is there from the start: a path and its content each.

    ``program``: ``cp`` (one input), ``cat`` (all inputs, in order, into the output), or nothing: tasks that only need others.
    """

    shape: str
    program: str
    jobs: tuple[Job, ...]
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def outputs(self) -> list[str]:
        return [job.output for job in self.jobs if job.output]

    @property
    def goals(self) -> list[Job]:
        """Tasks that no other needs."""
        needed = {need for job in self.jobs for need in job.needs}
        return [job for job in self.jobs if job.name not in needed]


def flat(count: int) -> Graph:
    """N times one file copied to another."""
    jobs = tuple(Job(f"t{number}", (f"in/{number}",), f"out/{number}") for number in range(count))
    return Graph("flat", "cp", jobs, tuple((f"in/{number}", f"source {number}\n") for number in range(count)))


def layered(count: int) -> Graph:
    """Ten layers of a tenth of ``count`` each; the lowest reads one source each, every other three outputs of the one below.

    A file is three times as long as those it is made of, so sources are as short as can be: of 10,000 tasks the highest
    thousand make 60 kB each, and the mean is 9 kB.
    """
    width = max(count // LAYERS, 1)
    digits = len(f"{width - 1:x}")
    sources = tuple((f"in/{place}", f"{place:0{digits}x}") for place in range(width))
    lowest = [Job(f"t0-{place}", (f"in/{place}",), f"out/0-{place}") for place in range(width)]
    return Graph("layered", "cat", (*lowest, *_upper_layers(width)), sources)


def _upper_layers(width: int) -> Iterator[Job]:
    for layer in range(1, LAYERS):
        for place in range(width):
            below = [f"{layer - 1}-{other}" for other in _three(place, width)]
            yield Job(
                f"t{layer}-{place}",
                tuple(f"out/{each}" for each in below),
                f"out/{layer}-{place}",
                tuple(f"t{each}" for each in below),
            )


def phony(count: int) -> Graph:
    """Ten layers of tasks without files and commands, and on top of them one that needs the highest."""
    width, spare = divmod(max(count - 1, LAYERS), LAYERS)
    jobs = [Job(f"t0-{place}") for place in range(width + spare)]
    for layer in range(1, LAYERS):
        for place in range(width):
            below = tuple(f"t{layer - 1}-{other}" for other in _three(place, width))
            jobs.append(Job(f"t{layer}-{place}", needs=below))
    highest = [f"t{LAYERS - 1}-{place}" for place in range(width)]
    jobs.append(Job("goal", needs=(*highest, *(f"t0-{place}" for place in range(width, width + spare)))))
    return Graph("phony", "", tuple(jobs))


def _three(place: int, width: int) -> list[int]:
    """Places of the layer below: the one right below, its neighbour, and one far away."""
    return list(dict.fromkeys((place, (place + 1) % width, (place + width // 2) % width)))


SHAPES: dict[str, Callable[[int], Graph]] = {"flat": flat, "layered": layered, "phony": phony}
