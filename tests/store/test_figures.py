"""Figures in the records."""

import pytest
from sqlalchemy import select

from autolog.errors import BadName, NotFound
from autolog.store import NewFigure, figures_of, remove, report_figure
from autolog.store.schema import figures

pytestmark = pytest.mark.core


@pytest.fixture
def model(store, task):
    run = task()
    run.save("/x/m.pt", "blake3:1")
    (found,) = store.models()
    return found.id


def test_figures_come_back_by_title_series_and_iteration(store, model):
    shown = {"data": [{"type": "bar", "y": [1, 2.5, None]}], "layout": {"title": {"text": "ä"}}}
    for title, series, iteration in (("b", "s", 2), ("b", "s", 10), ("b", "r", 3), ("a", "", None)):
        report_figure(store, model, NewFigure(title, series, "histogram", shown, iteration))
    found = figures_of(store, model)
    assert [(each.title, each.series, each.iteration) for each in found] == [
        ("a", "", None),
        ("b", "r", 3),
        ("b", "s", 2),
        ("b", "s", 10),
    ]
    assert all(each.figure == shown and each.kind == "histogram" for each in found)
    assert all(each.model_id == model and each.created > 0 for each in found)
    assert [each.figure for each in figures_of(store, model, drawn=False)] == [{}] * 4
    for iteration in (-1, *range(5)):
        assert figures_of(store, model, iteration=iteration) == [
            each for each in found if each.iteration == iteration
        ]


def test_the_same_figure_again_replaces_it(store, model):
    first = report_figure(store, model, NewFigure("t", "s\0\ud800", "table", {"data": [1]}, 0))
    other = report_figure(store, model, NewFigure("t", "s\0\ud800", "table", {"data": [1]}))
    again = report_figure(store, model, NewFigure("t", "s\0\ud800", "vector", {"data": [2]}, 0))
    assert (again.id, again.kind, again.figure) == (first.id, "vector", {"data": [2]})
    assert again.series == "s\\x00\\ud800"
    assert figures_of(store, model) == [other, again]


def test_figures_of_nothing_and_without_a_title(store, model):
    assert figures_of(store, "0" * 32) == []
    with pytest.raises(NotFound):
        report_figure(store, "0" * 32, NewFigure("t", "s", "table", {}))
    for title, series in (("", "s"), (" ", "s"), ("t", " "), (None, "s"), ("t", 3), ("t" * 5000, "s")):
        with pytest.raises(BadName):
            report_figure(store, model, NewFigure(title, series, "table", {}))
    assert figures_of(store, model) == []


def test_a_model_that_is_removed_leaves_no_figures(store, model):
    report_figure(store, model, NewFigure("t", "s", "table", {"data": []}))
    assert remove(store, (), [model]) == [model]
    with store._reading() as connection:
        assert connection.execute(select(figures.c.id)).all() == []
