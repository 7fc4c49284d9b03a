"""Both ways of waiting for descriptors behave alike."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from exarp.hosts.readiness import Polled, Readiness, Selected, readiness

WAYS = [pytest.param(Selected, id="selectors")]
if sys.platform == "linux":
    WAYS.append(pytest.param(Polled, id="epoll"))


@pytest.fixture(params=WAYS)
def ready(request: pytest.FixtureRequest) -> Iterator[Readiness]:
    found = request.param()
    yield found
    found.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def called(ready: Readiness, seconds: float | None) -> list[object]:
    return [call() for call in ready.wait(seconds)]


def test_what_can_be_read_is_told_until_it_is_read(ready: Readiness, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    ready.register(reader, lambda: "it")
    assert called(ready, 0) == []
    assert not ready.is_any()
    os.write(writer, b"xy")
    assert ready.is_any()
    assert called(ready, None) == ["it"]
    assert called(ready, 60) == ["it"]
    os.read(reader, 2)
    assert called(ready, 0.001) == []


def test_the_end_of_the_other_side_is_told(ready: Readiness) -> None:
    reader, writer = os.pipe()
    ready.register(reader, lambda: "end")
    os.close(writer)
    assert called(ready, None) == ["end"]
    ready.unregister(reader)
    os.close(reader)


def test_many_are_all_told_by_and_by(ready: Readiness) -> None:
    ends = [os.pipe() for _ in range(150)]
    told: set[int] = set()

    def take(reader: int) -> Callable[[], None]:
        def call() -> None:
            os.read(reader, 1)
            told.add(reader)

        return call

    for reader, writer in ends:
        ready.register(reader, take(reader))
        os.write(writer, b"x")
    rounds = 0
    while len(told) < len(ends):
        assert called(ready, 0)
        rounds += 1
    assert rounds <= 3
    for reader, writer in ends:
        ready.unregister(reader)
        os.close(reader)
        os.close(writer)


def test_who_was_unregistered_is_told_no_longer_and_its_number_may_be_anothers(ready: Readiness) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"x")
    ready.register(reader, lambda: "old")
    ready.unregister(reader)
    assert called(ready, 0) == []
    ready.register(reader, lambda: "new")
    assert called(ready, 0) == ["new"]
    ready.unregister(reader)
    os.close(reader)
    os.close(writer)


def test_the_quick_way_is_taken_where_there_is_one() -> None:
    found = readiness()
    assert type(found).__name__ == ("Polled" if sys.platform == "linux" else "Selected")
    found.close()
