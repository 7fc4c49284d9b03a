"""Which descriptors can be read from, and who wants to know.

Knows the quick way of Linux (epoll(7), where ``selectors`` costs more than the system does), and ``selectors`` elsewhere. Does
not know what is read.
"""

from __future__ import annotations

import select
import selectors
import sys
from collections.abc import Callable, Iterable
from typing import Protocol

Call = Callable[[], object]
# So many are told of at once; the others in the next round.
_MOST = 64


class Readiness(Protocol):
    """Descriptors, each with what is to be called while there is something to be read from it, or its other end is closed."""

    def register(self, descriptor: int, call: Call) -> None:
        """Watch a descriptor that is not watched. Raises OSError."""

    def unregister(self, descriptor: int) -> None:
        """Watch it no longer; to be told before it is closed."""

    def wait(self, seconds: float | None) -> Iterable[Call]:
        """Wait until something can be read, for so long at most (None: without end); what is to be called.

        One that was unregistered in between, by an earlier call, may still be among them.
        """

    def is_any(self) -> bool:
        """Whether ``wait`` would give anything now."""

    def close(self) -> None:
        """Watch nothing any more."""


class Polled:
    """By epoll."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._calls: dict[int, Call] = {}

    def register(self, descriptor: int, call: Call) -> None:
        """See Readiness."""
        self._epoll.register(descriptor, select.EPOLLIN)
        self._calls[descriptor] = call

    def unregister(self, descriptor: int) -> None:
        """See Readiness."""
        del self._calls[descriptor]
        self._epoll.unregister(descriptor)

    def wait(self, seconds: float | None) -> Iterable[Call]:
        """See Readiness."""
        found = self._epoll.poll(seconds, _MOST)
        calls = self._calls
        return [calls[descriptor] for descriptor, _ in found]

    def is_any(self) -> bool:
        """See Readiness."""
        return bool(self._epoll.poll(0, 1))

    def close(self) -> None:
        """See Readiness."""
        self._epoll.close()


class Selected:
    """By whatever ``selectors`` finds best."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, descriptor: int, call: Call) -> None:
        """See Readiness."""
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def unregister(self, descriptor: int) -> None:
        """See Readiness."""
        self._selector.unregister(descriptor)

    def wait(self, seconds: float | None) -> Iterable[Call]:
        """See Readiness."""
        return [ready.data for ready, _ in self._selector.select(seconds)]

    def is_any(self) -> bool:
        """See Readiness."""
        return bool(self._selector.select(0))

    def close(self) -> None:
        """See Readiness."""
        self._selector.close()


def readiness() -> Readiness:
    """The best there is here."""
    return Polled() if sys.platform == "linux" else Selected()
