"""Series of scalars and their summaries, with both databases."""

import math
import sys
from pathlib import Path

import pytest

from autolog.store import extremes_of, lines, lines_of, marks_of, report, schema, series_of, summaries_of

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

pytestmark = pytest.mark.core


@pytest.fixture
def model_id(store):
    from histories import History

    return History(store).model("net", None, 2)


def test_summaries_and_series(store, model_id):
    for step, value in enumerate((3.0, math.nan, 1.0)):
        report(store, model_id, "loss/val", value, step * 10)
    report(store, model_id, "loss/val", 0.5)  # of the whole, too
    report(store, model_id, "nothing", math.nan, 7)
    report(store, model_id, 'odd \ud800 %_"', 2.0)
    found = {(each.name, each.last.iteration): each for each in summaries_of(store, model_id)}
    val = found["loss/val", 20]
    assert (val.size, val.low, val.high, val.last.value, val.title) == (3, 1.0, 3.0, 1.0, "loss")
    assert found["loss/val", -1].last.value == 0.5
    assert (found["nothing", 7].low, found["nothing", 7].last.value) == (None, None)
    assert len(found) == 4
    series = series_of(store, [model_id], ["loss/val"])
    assert [each.is_single for each in series] == [True, False]
    assert [each.value for each in series[1].points] == [3.0, None, 1.0]


def test_many_metrics(store, model_id):
    for number in range(450):
        report(store, model_id, f"m{number}", number, number)
    found = summaries_of(store, model_id)
    assert len(found) == 450
    assert all(each.last.iteration == each.last.value == each.low for each in found)


def test_versions_are_marked(store, model_id):
    assert [(each.version, each.iteration) for each in marks_of(store, [model_id])] == [(1, 100), (2, 200)]
    assert summaries_of(store, model_id) == series_of(store, [model_id]) == []


def fill(store, model_id, name, values):
    with store._writing() as connection:
        rows = [{"model_id": model_id, "name": name, "iteration": at, "value": value, "time": 0.0}
                for at, value in enumerate(values)]  # fmt: skip
        connection.execute(schema.metrics.insert(), rows)


def test_many_points_are_thinned(store, model_id):
    values = [None if step == 7_000 else math.sin(step) for step in range(10_000)]
    values[5_001] = 99.0
    fill(store, model_id, "long", values)
    fill(store, model_id, "short", [3.0, None, 1.0])
    report(store, model_id, "single", 5.0)
    long, short = lines_of(store, [model_id], ["long", "short"], 300).lines
    assert [(each.iteration, each.value) for each in short.points] == [(0, 3.0), (1, None), (2, 1.0)]
    assert (long.size, len(long.points) <= 310) == (10_000, True)
    places = [each.iteration for each in long.points]
    assert places == sorted(set(places))
    assert {0, 5_001, 7_000, 9_999} <= set(places)
    assert all(each.value == values[each.iteration] for each in long.points)
    found = {each.name: each for each in extremes_of(store, [model_id])}
    assert (found["long"].size, found["long"].highest) == (10_000, (99.0, 5_001))
    assert found["long"].last[:2] == (9_999, values[-1])
    assert (found["short"].lowest, found["short"].last[:2]) == ((1.0, 2), (2, 1.0))
    assert (found["single"].size, found["single"].last[:2]) == (1, (-1, 5.0))


def test_few_points_of_a_long_training(store, model_id):
    for step in (0, 5_000_000, 9_000_000):
        report(store, model_id, "loss", 1.0 / (step + 1), iteration=step)
    (found,) = extremes_of(store, [model_id])
    assert (found.size, found.lowest[1], found.highest) == (3, 9_000_000, (1.0, 0))


def test_more_points_than_are_read(store, model_id, monkeypatch):
    fill(store, model_id, "loss", [3.0, 1.0, 2.0])
    monkeypatch.setattr(lines, "_MOST_READ", 2)
    assert lines_of(store, [model_id], None, 300) == ([], [model_id])
    found = next(each for each in extremes_of(store, [model_id]) if each.name == "loss")
    assert (found.size, found.lowest, found.highest) == (None, (1.0, None), (3.0, None))
    assert found.last[:2] == (2, 2.0)
