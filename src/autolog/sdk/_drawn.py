"""Figures that Plotly or Matplotlib has made; neither is imported, what they can do is enough."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

from autolog.errors import BadValue

from ._plain import kind_of, limited, plain

__all__ = ["figure_of"]


def figure_of(figure: Any, title: str) -> dict[str, Any]:
    """What a figure of Plotly or Matplotlib shows: the first as it is, the second as an image.

    A dictionary `{"data": [...], "layout": {...}}` will do, too. Neither the figure nor what is current is
    changed. Raises BadValue.
    """
    if callable(getattr(figure, "to_plotly_json", None)):
        figure = figure.to_plotly_json()
    if isinstance(figure, Mapping):
        if not isinstance(figure.get("data"), (list, tuple)):
            raise BadValue("a figure has to have a list of what it draws under 'data'")
        layout = figure.get("layout") or {}
        found = {"data": plain(figure["data"], "the figure"), "layout": plain(layout, "the figure's layout")}
        return limited(found, title)
    if any(each.__module__.startswith("matplotlib.") for each in type(figure).__mro__):
        return limited(_image_of(figure, title), title)
    raise BadValue(f"figure has to be one of Plotly or Matplotlib, and not {kind_of(figure)}")


def _image_of(figure: Any, title: str) -> dict[str, Any]:
    drawn = figure if callable(getattr(figure, "savefig", None)) else getattr(figure, "figure", None)
    if not callable(getattr(drawn, "savefig", None)):
        raise BadValue(f"figure has to be a figure or axes of Matplotlib, and not {kind_of(figure)}")
    assert drawn is not None  # it has a method
    was_stale = drawn.stale
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi="figure")
    if was_stale:
        drawn.stale = True  # what is to be shown on a screen is still to be drawn there
    source = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    width, height = (round(inches * drawn.dpi) for inches in drawn.get_size_inches())
    image = {"source": source, "xref": "paper", "yref": "paper", "x": 0, "y": 1, "sizex": 1, "sizey": 1}
    hidden = {"visible": False}
    layout = {
        "title": {"text": title},
        "images": [{**image, "sizing": "contain", "layer": "below"}],
        "xaxis": hidden,
        "yaxis": dict(hidden),
        "width": width,
        "height": height,
    }
    return {"data": [], "layout": layout}
