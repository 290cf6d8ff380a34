"""Where the boxes of a graph are, and that its edges run past them."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog.web.layering import Sizes, lay_out

pytestmark = [pytest.mark.core, pytest.mark.slow]

SIZES = Sizes()


@st.composite
def graphs(draw):
    count = draw(st.integers(0, 24))
    nodes = [f"n{number}" for number in range(count)]
    if not nodes:
        return nodes, []
    return nodes, draw(
        st.lists(
            st.tuples(st.sampled_from(nodes), st.sampled_from(nodes)), min_size=min(count, 8), max_size=60
        )
    )


def drawn(points):
    """Points along a route as it is drawn: straight, or a curve between two layers (see lineage.html)."""
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        for step in range(41):
            t, u = step / 40, 1 - step / 40
            x = u**3 * x0 + 3 * u * u * t * middle + 3 * u * t * t * middle + t**3 * x1
            y = u**3 * y0 + 3 * u * u * t * y0 + 3 * u * t * t * y1 + t**3 * y1
            yield x, y


def check(nodes, edges):
    found = lay_out(nodes, edges)
    assert list(found.boxes) == nodes
    real = {(a, b) for a, b in edges if a != b}
    assert found.routes.keys() == real
    for box in found.boxes.values():
        assert min(box.x, box.y) >= 0
        assert box.x + box.width <= found.width
        assert box.y + box.height <= found.height
    for one, other in combinations(found.boxes.values(), 2):
        if one.layer == other.layer:
            assert abs(one.y - other.y) >= one.height + SIZES.below - 0.001
    for (source, target), points in found.routes.items():
        start, end = found.boxes[source], found.boxes[target]
        if (source, target) in found.backward:
            start, end, points = end, start, points[::-1]
        assert start.layer < end.layer
        assert points[0].x == start.x + start.width
        assert start.y < points[0].y < start.y + start.height
        assert points[-1].x == end.x
        assert end.y < points[-1].y < end.y + end.height
        for x, y in drawn(points):
            assert 0 <= y <= found.height
            for box in found.boxes.values():
                inside = box.x + 0.01 < x < box.x + box.width - 0.01 and box.y < y < box.y + box.height
                assert not inside, (source, target)
    assert lay_out(nodes, edges) == found
    return found


@given(graphs())
@settings(max_examples=120, deadline=None)
def test_boxes_stand_apart_and_no_edge_crosses_one(graph):
    check(*graph)


def test_nothing_and_one():
    assert lay_out([], []).boxes == {}
    assert check(["a"], [("a", "a")]).routes == {}


def test_a_chain_is_straight():
    nodes = [f"n{number}" for number in range(6)]
    found = check(nodes, list(pairwise(nodes)))
    assert [box.layer for box in found.boxes.values()] == list(range(6))
    assert len({round(box.y, 3) for box in found.boxes.values()}) == 1


def test_a_long_edge_runs_past_what_is_between():
    found = check(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    assert len(found.routes["a", "d"]) == 6


def test_what_is_loaded_late_stands_near_its_task():
    found = check(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert found.boxes["late"].layer == found.boxes["b"].layer == 1


def test_cycles():
    found = check(["task", "v1", "v2"], [("task", "v1"), ("v1", "task"), ("task", "v2"), ("v2", "v2")])
    assert found.backward == {("v1", "task")}
    check(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")])


def test_few_crossings():
    """Two halves that could be drawn without any crossing are."""
    found = lay_out(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    assert (found.boxes["a"].y < found.boxes["b"].y) == (found.boxes["y"].y < found.boxes["x"].y)


@pytest.mark.timeout(60)
def test_a_thousand_nodes():
    nodes = [str(number) for number in range(1000)]
    edges = [(str(number), str(number // 3)) for number in range(1, 1000)]
    edges += [(str(number), str(number * 7 % 1000)) for number in range(0, 1000, 4)]
    assert len(lay_out(nodes, edges).boxes) == 1000
    fan = lay_out(nodes, [("0", each) for each in nodes[1:]])
    assert fan.boxes["1"].layer == 1
    deep = lay_out(nodes, list(pairwise(nodes)))
    assert deep.boxes["999"].layer == 999
