"""Which waves run beside which, and which wait for which.

Knows rules 4 and 5 of the contract under "Waves". Does not find evidence (``wave_verdicts``): it is told which pairs may
overlap as far as markings and evidence go, and adds what order-only edges imply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec


class Relations(msgspec.Struct, frozen=True):
    """Per wave (by index in manifest order): the nearest waves it waits for, and those it may overlap with.

    ``through[(i, j)]``: a third wave that orders two waves which could otherwise overlap.
    """

    after: tuple[tuple[int, ...], ...]
    beside: tuple[tuple[int, ...], ...]
    through: dict[tuple[int, int], int]


def relate(declared: Sequence[bool], overlapping: Callable[[int], int], barriers: bool) -> Relations:
    """Relations of waves ``0 … n-1`` in manifest order.

    ``declared[i]``: a declared wave; a derived one runs beside nothing. ``overlapping(i)``: as bits, the declared waves that
    may overlap with it, as far as only the two are looked at. ``barriers`` False (flow): derived waves order nothing and
    wait for nothing, only declared waves are related to each other.
    """
    after: list[tuple[int, ...]] = []
    beside: list[list[int]] = [[] for _ in declared]
    through: dict[tuple[int, int], int] = {}
    # As bits: waves since the last barrier (a derived wave); bit w of reach[v]: v waits for w, directly or not.
    segment = 0
    reach: dict[int, int] = {}
    barrier = -1
    for wave, is_declared in enumerate(declared):
        if not is_declared:
            after.append(_ends(segment, reach, barrier) if barriers else ())
            if barriers:
                for earlier in _members(segment):
                    _record_through(through, earlier, wave, declared)
                segment, reach, barrier = 0, {}, wave
            continue
        rest = segment & overlapping(wave)
        direct = segment & ~rest
        nearest, reach[wave] = _nearest(direct, reach)
        for other in _members(direct) if rest & reach[wave] else ():
            for earlier in _members(reach[other] & rest):
                through[earlier, wave] = other
            rest &= ~reach[other]
        for earlier in _members(rest):
            beside[wave].append(earlier)
            beside[earlier].append(wave)
        after.append(nearest or ((barrier,) if barrier >= 0 else ()))
        segment |= 1 << wave
    return Relations(tuple(after), tuple(tuple(sorted(waves)) for waves in beside), through)


def _members(bits: int) -> Iterator[int]:
    """Waves whose bits are set, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _nearest(direct: int, reach: Mapping[int, int]) -> tuple[tuple[int, ...], int]:
    """Those of ``direct`` (bits) that no other of them waits for, and the bits of all that any waits for or is."""
    nearest = []
    bits = direct
    while direct:
        latest = direct.bit_length() - 1
        nearest.append(latest)
        bits |= reach[latest]
        direct &= ~(reach[latest] | 1 << latest)
    return tuple(reversed(nearest)), bits


def _ends(segment: int, reach: Mapping[int, int], barrier: int) -> tuple[int, ...]:
    """Waves of a segment that no other of it waits for; the barrier before it where the segment is empty."""
    return _nearest(segment, reach)[0] or ((barrier,) if barrier >= 0 else ())


def _record_through(through: dict[tuple[int, int], int], earlier: int, barrier: int, declared: Sequence[bool]) -> None:
    for later in range(barrier + 1, len(declared)):
        if declared[later]:
            through.setdefault((earlier, later), barrier)
