"""Places for the boxes of a directed graph, layer by layer from left to right, and routes for its edges.

An edge over several layers is given a place of its own in each of those between (a virtual node), so that it
runs past the boxes and never behind one. An edge that would close a cycle is laid out backwards. The same
graph always looks the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Box", "Drawing", "Point", "Sizes", "lay_out"]

#: How often layers are sorted anew, and how often boxes are moved to where their neighbours are; of a graph
#: with a huge number of virtual nodes less often, so that it comes to an end.
_SORTINGS = 8
_MOVES = 12
_MANY = 20_000


class Point(NamedTuple):
    """In pixels, from the top left."""

    x: float
    y: float


class Box(NamedTuple):
    """Where a node is: its top left corner, its size, and which layer it is in."""

    x: float
    y: float
    width: float
    height: float
    layer: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of every box, and the least room between boxes, below each other and beside; of an edge's place."""

    width: float = 190
    height: float = 46
    below: float = 14
    beside: float = 58
    lane: float = 12
    margin: float = 12


@dataclass(frozen=True, slots=True)
class Drawing:
    """The boxes by node, and for each edge the points it runs through, from its source to its target.

    Between two points at the same height it runs straight; else it may bend as it likes between them, which
    is always between two layers.
    """

    width: float
    height: float
    boxes: Mapping[str, Box]
    routes: Mapping[tuple[str, str], tuple[Point, ...]]
    #: Those that run from right to left.
    backward: frozenset[tuple[str, str]]


def lay_out(nodes: Sequence[str], edges: Iterable[tuple[str, str]], sizes: Sizes | None = None) -> Drawing:
    """Lay out a graph.

    Edges from a node to itself, between nodes that aren't there, or given twice don't count. Of edges both
    ways between two nodes one is `backward`.
    """
    sizes = sizes or Sizes()
    names = list(dict.fromkeys(nodes))
    number = {name: place for place, name in enumerate(names)}
    given = [
        (number[source], number[target])
        for source, target in dict.fromkeys(edges)
        if source in number and target in number and source != target
    ]
    turned = _turned(len(names), given)
    forward = [
        (target, source) if (source, target) in turned else (source, target) for source, target in given
    ]
    layers = _layers(len(names), forward)
    graph = _Graph(layers, forward)
    graph.sort()
    heights = graph.place(sizes)
    step = sizes.width + sizes.beside
    boxes = {
        name: Box(
            sizes.margin + layers[place] * step,
            heights[place] - sizes.height / 2,
            sizes.width,
            sizes.height,
            layers[place],
        )
        for name, place in number.items()
    }
    routes, backward = {}, set()
    ports = graph.ports(heights, sizes.height)
    for (source, target), chain, ends in zip(given, graph.chains, ports, strict=True):
        points = _route(chain, ends, graph.layer, heights, sizes)
        key = (names[source], names[target])
        if (source, target) in turned:
            points.reverse()
            backward.add(key)
        routes[key] = tuple(points)
    depth = max(layers, default=-1) + 1
    bottom = max((heights[each] + graph.half(each, sizes) for each in range(len(heights))), default=0)
    width = 2 * sizes.margin + depth * step - sizes.beside if depth else 2 * sizes.margin
    return Drawing(width, bottom + sizes.margin, boxes, routes, frozenset(backward))


def _turned(count: int, edges: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The edges that close a cycle, found depth first (and without recursion: graphs may be deep)."""
    after = _neighbours(count, edges)
    state = [0] * count
    found = set()
    # Those that nothing leads to first: a cycle is then cut where it comes back, and not in its middle.
    led_to = {target for _, target in edges}
    for start in sorted(range(count), key=lambda node: (node in led_to, node)):
        if state[start]:
            continue
        state[start] = 1
        stack = [(start, iter(after[start]))]
        while stack:
            node, rest = stack[-1]
            for other in rest:
                if state[other] == 1:
                    found.add((node, other))
                elif not state[other]:
                    state[other] = 1
                    stack.append((other, iter(after[other])))
                    break
            else:
                state[node] = 2
                stack.pop()
    return found


def _neighbours(count: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        found[source].append(target)
    return found


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: behind all that lead to it; sources close to where they lead."""
    after = _neighbours(count, edges)
    waits = [0] * count
    for _, target in edges:
        waits[target] += 1
    order = [node for node in range(count) if not waits[node]]
    sources = set(order)
    layers = [0] * count
    for node in order:  # grows
        for other in after[node]:
            layers[other] = max(layers[other], layers[node] + 1)
            waits[other] -= 1
            if not waits[other]:
                order.append(other)
    for node in sources:
        if after[node]:
            layers[node] = min(layers[other] for other in after[node]) - 1
    return layers


class _Graph:
    """The graph with its virtual nodes: those from `count` on."""

    def __init__(self, layers: Sequence[int], edges: Sequence[tuple[int, int]]) -> None:
        self.count = len(layers)
        self.layer = list(layers)
        #: For each edge its nodes, one in each layer.
        self.chains: list[list[int]] = []
        for source, target in edges:
            virtual = range(len(self.layer), len(self.layer) + layers[target] - layers[source] - 1)
            self.layer += range(layers[source] + 1, layers[target])
            self.chains.append([source, *virtual, target])
        self.before: list[list[int]] = [[] for _ in self.layer]
        self.after: list[list[int]] = [[] for _ in self.layer]
        for chain in self.chains:
            for left, right in pairwise(chain):
                self.after[left].append(right)
                self.before[right].append(left)
        self.rows: list[list[int]] = [[] for _ in range(max(layers, default=-1) + 1)]
        for node, at in enumerate(self.layer):
            self.rows[at].append(node)

    def _rounds(self, most: int) -> int:
        return max(2, min(most, most * _MANY // max(1, len(self.layer))))

    def sort(self) -> None:
        """Put the nodes of each layer into an order with few crossings: near their neighbours' middle."""
        place = [0.0] * len(self.layer)
        for row in self.rows:
            self._note(row, place)
        best, fewest = [list(row) for row in self.rows], self._crossings(place)
        for turn in range(self._rounds(_SORTINGS)):
            if not fewest:
                break
            rightwards = turn % 2 == 0
            for row in self.rows if rightwards else reversed(self.rows):
                near = self.before if rightwards else self.after
                row.sort(key=lambda node: _middle([place[each] for each in near[node]], place[node]))
                self._note(row, place)
            if (now := self._crossings(place)) < fewest:
                best, fewest = [list(row) for row in self.rows], now
        self.rows = best

    @staticmethod
    def _note(row: Sequence[int], place: list[float]) -> None:
        for at, node in enumerate(row):
            place[node] = at

    def _crossings(self, place: Sequence[float]) -> int:
        """How many pairs of edges cross, counted by insertion into a sorted order (a Fenwick tree)."""
        found = 0
        for row, following in pairwise(self.rows):
            ends = [
                int(end)
                for node in sorted(row, key=place.__getitem__)
                for end in sorted(place[each] for each in self.after[node])
            ]
            tree = [0] * (len(following) + 1)
            for seen, end in enumerate(ends):
                at, until = end + 1, 0
                while at:
                    until += tree[at]
                    at -= at & -at
                found += seen - until
                at = end + 1
                while at <= len(following):
                    tree[at] += 1
                    at += at & -at
        return found

    def half(self, node: int, sizes: Sizes) -> float:
        """Half the height that a node takes."""
        return (sizes.height if node < self.count else sizes.lane) / 2

    def place(self, sizes: Sizes) -> list[float]:
        """The height of every node's middle: as near to its neighbours' as the others in its layer allow."""
        heights = [0.0] * len(self.layer)
        gaps = []
        for row in self.rows:
            room = [0.0]
            for above, under in pairwise(row):
                is_box = above < self.count or under < self.count
                between = sizes.below if is_box else 0.0
                room.append(self.half(above, sizes) + between + self.half(under, sizes))
            gaps.append(room)
            at = 0.0
            for node, each in zip(row, room, strict=True):
                at += each
                heights[node] = at
        moves = self._rounds(_MOVES)
        for turn in range(moves):
            rightwards = turn % 2 == 0
            for at in range(len(self.rows)) if rightwards else reversed(range(len(self.rows))):
                row = self.rows[at]
                wanted, weights = [], []
                for node in row:
                    near = self.before[node] if rightwards else self.after[node]
                    # At the end they see both sides, so that a node stands between what it joins.
                    if turn >= moves - 4 or not near:
                        near = self.before[node] + self.after[node]
                    wanted.append(sum(heights[each] for each in near) / len(near) if near else heights[node])
                    # What is virtual is kept straight rather.
                    weights.append(1.0 if node < self.count else 4.0)
                for node, height in zip(row, _spread(wanted, weights, gaps[at]), strict=True):
                    heights[node] = height
        if not heights:
            return heights
        top = min(heights[node] - self.half(node, sizes) for node in range(len(heights)))
        return [height - top + sizes.margin for height in heights]

    def ports(self, heights: Sequence[float], height: float) -> list[tuple[float, float]]:
        """For each edge at which height it leaves its box, and at which it enters the other."""
        found = [[0.0, 0.0] for _ in self.chains]
        for end, inner in ((0, 1), (-1, -2)):
            at: dict[int, list[int]] = {}
            for number, chain in enumerate(self.chains):
                at.setdefault(chain[end], []).append(number)
            for node, numbers in at.items():
                numbers.sort(key=lambda number: (heights[self.chains[number][inner]], number))
                gap = min(7.0, (height - 14) / len(numbers))
                for place, number in enumerate(numbers):
                    found[number][end] = heights[node] + (place - (len(numbers) - 1) / 2) * gap
        return [(left, right) for left, right in found]


def _middle(places: Sequence[float], own: float) -> float:
    return sum(places) / len(places) if places else own


def _spread(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to those wanted (by weighted squares) that keep the order and these gaps.

    Less the gaps it is a regression that must not fall; neighbours that would are pooled.
    """
    offsets, at = [], 0.0
    for gap in gaps:
        at += gap
        offsets.append(at)
    pools: list[tuple[float, float, int]] = []
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, mass, size = want - offset, weight, 1
        while pools and pools[-1][0] >= mean:
            other, much, many = pools.pop()
            mean = (mean * mass + other * much) / (mass + much)
            mass, size = mass + much, size + many
        pools.append((mean, mass, size))
    means = [mean for mean, _, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _route(
    chain: Sequence[int],
    ends: tuple[float, float],
    layers: Sequence[int],
    heights: Sequence[float],
    sizes: Sizes,
) -> list[Point]:
    """The points of an edge: out of a box, straight through each layer between, into the other box."""

    def left(node: int) -> float:
        return sizes.margin + layers[node] * (sizes.width + sizes.beside)

    points = [Point(left(chain[0]) + sizes.width, ends[0])]
    for node in chain[1:-1]:
        points += [Point(left(node), heights[node]), Point(left(node) + sizes.width, heights[node])]
    return [*points, Point(left(chain[-1]), ends[1])]
