"""Series of scalars and their summaries, with both databases."""

import math
import sys
from pathlib import Path

import pytest

from autolog.store import marks_of, report, series_of, summaries_of

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
