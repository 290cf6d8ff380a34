"""Where two sequences of lines differ: in time that hardly more than grows with their length.

Lines that both have once are the fixed points between which the rest is compared (Bram Cohen's patience
diff); between two of them by Myers' algorithm, as long as that takes few steps. `difflib` takes the square of
the length, and minutes for a network of fifty thousand lines.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Stretch", "stretches", "unified"]

#: `(is_same, i, j, k, m)`: lines i to j of one are lines k to m of the other, or are in their place.
Stretch = tuple[bool, int, int, int, int]

#: Differences that are looked for at once, and steps in all; beyond these the rest counts as replaced.
_MOST_EDITS, _MOST_STEPS = 200, 2_000_000


class _Block(NamedTuple):
    """Lines i to j of one text and k to m of the other, which are compared."""

    one: Sequence[str]
    other: Sequence[str]
    i: int
    j: int
    k: int
    m: int


def stretches(one: Sequence[str], other: Sequence[str], steps: int = _MOST_STEPS) -> list[Stretch]:
    """What is the same in both and what isn't, by turns and in order; after so many steps with less care."""
    budget = [steps]
    found: list[Stretch] = []
    waiting = [(0, len(one), 0, len(other))]
    while waiting:
        i, j, k, m = waiting.pop()
        start = i
        while i < j and k < m and one[i] == other[k]:
            i, k = i + 1, k + 1
        _add(found, (True, start, i, k - (i - start), k))
        end = j
        while i < j and k < m and one[j - 1] == other[m - 1]:
            j, m = j - 1, m - 1
        tail = (j, end, m, m + end - j)
        if i == j or k == m:
            _add(found, (False, i, j, k, m))
            _add(found, (True, *tail))
            continue
        block = _Block(one, other, i, j, k, m)
        anchors = _anchors(block)
        if not anchors:
            for each in _edits(block, budget):
                _add(found, each)
            _add(found, (True, *tail))
            continue
        # The last of them first: what is popped next comes first. Anchors are the same, and found to be.
        starts = [(i, k), *anchors]
        ends = [*anchors, (j, m)]
        waiting.append(tail)
        for (a, b), (c, d) in reversed(list(zip(starts, ends, strict=True))):
            waiting.append((a, c, b, d))
    return found


def unified(one: Sequence[str], other: Sequence[str], around: int = 1) -> Iterator[str]:
    """The difference as `diff -u` tells it, without its two first lines."""
    found = stretches(one, other)
    at = 0
    while at < len(found):
        if found[at][0]:
            at += 1
            continue
        end = at
        # Stretches with little between them stand in one piece.
        while end + 2 < len(found) and found[end + 1][2] - found[end + 1][1] <= 2 * around:
            end += 2
        lead = min(around, found[at][1])
        trail = min(around, len(one) - found[end][2])
        i, j = found[at][1] - lead, found[end][2] + trail
        k, m = found[at][3] - lead, found[end][4] + trail
        yield f"@@ -{i + 1},{j - i} +{k + 1},{m - k} @@"
        yield from (f" {line}" for line in one[i : i + lead])
        for is_same, a, b, c, d in found[at : end + 1]:
            yield from (f"{' ' if is_same else '-'}{line}" for line in one[a:b])
            yield from (f"+{line}" for line in (() if is_same else other[c:d]))
        yield from (f" {line}" for line in one[j - trail : j])
        at = end + 1


def _add(found: list[Stretch], new: Stretch) -> None:
    if new[1] == new[2] and new[3] == new[4]:
        return
    if found and found[-1][0] == new[0]:
        is_same, i, _, k, _ = found.pop()
        new = (is_same, i, new[2], k, new[4])
    found.append(new)


def _anchors(block: _Block) -> list[tuple[int, int]]:
    """The places of lines that both have once, as many as are in the same order in both."""
    one, other, i, j, k, m = block
    first: dict[str, int] = {}
    for at in range(i, j):
        first[one[at]] = -1 if one[at] in first else at
    second: dict[str, int] = {}
    for at in range(k, m):
        second[other[at]] = -1 if other[at] in second else at
    pairs = [(at, second[line]) for line, at in first.items() if at >= 0 and second.get(line, -1) >= 0]
    # The longest that rises, by sorting them into piles.
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, at) in enumerate(pairs):
        pile = bisect_left(tops, at)
        before.append(last[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(at)
            last.append(number)
        else:
            tops[pile], last[pile] = at, number
    found = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _edits(block: _Block, budget: list[int]) -> list[Stretch]:
    """Few lines to take out and put in (Myers 1986), piece by piece; all of them where it takes too long."""
    _, _, i, j, k, m = block
    found: list[Stretch] = []
    while i < j and k < m and budget[0] > 0:
        trace, x, y = _furthest(block._replace(i=i, k=k), budget)
        if not x + y:
            break
        for each in _back(trace, x, y, i, k):
            _add(found, each)
        i, k = i + x, k + y
    _add(found, (False, i, j, k, m))
    return found


def _furthest(block: _Block, budget: list[int]) -> tuple[list[dict[int, int]], int, int]:
    """How far the allowed edits lead, at best to the end of both, and what was reached by each of them."""
    one, other, i, j, k, m = block
    width, height = j - i, m - k
    reached = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(width + height, _MOST_EDITS) + 1):
        trace.append(dict(reached))
        budget[0] -= edits + 1
        best = (0, 0, 0)
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1])
            x = reached[diagonal + 1] if down else reached[diagonal - 1] + 1
            y = x - diagonal
            start = x
            while x < width and y < height and one[i + x] == other[k + y]:
                x, y = x + 1, y + 1
            budget[0] -= x - start
            reached[diagonal] = x
            if x >= width and y >= height:
                return trace, width, height
            if x <= width and y <= height:
                best = max(best, (x + y, x, y))
    return trace, best[1], best[2]


def _back(trace: list[dict[int, int]], x: int, y: int, i: int, k: int) -> list[Stretch]:
    """The way that Myers' algorithm has come, from its end."""
    found: list[Stretch] = []
    for edits in range(len(trace) - 1, -1, -1):
        reached, diagonal = trace[edits], x - y
        down = diagonal == -edits or (diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1])
        from_x = reached[diagonal + 1] if down else reached[diagonal - 1]
        from_y = from_x - (diagonal + 1 if down else diagonal - 1)
        # Along the diagonal back to where this step had come out.
        out_x, out_y = (from_x, from_y + 1) if down else (from_x + 1, from_y)
        if edits == 0:
            out_x = out_y = 0
        found.append((True, i + out_x, i + x, k + out_y, k + y))
        if edits:
            found.append((False, i + from_x, i + out_x, k + from_y, k + out_y))
        x, y = from_x, from_y
    joined: list[Stretch] = []
    for each in reversed(found):
        _add(joined, each)
    return joined
