"""Figures made of what people have at hand."""

import json
import math
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from autolog.errors import BadValue, NotFound
from autolog.sdk import figures
from autolog.sdk._plain import LIMIT, plain
from autolog.sdk.figures import Frame, SeriesInfo

pytestmark = pytest.mark.core

SOURCE = Path(__file__).resolve().parents[2] / "src"
FRAME = Frame("T", "x", "y", "z")
NAN = float("nan")


class Tensor:
    """As a framework's, on this or another device: nothing but a list of numbers is to be had of it."""

    def __init__(self, values):
        self._values = values

    def tolist(self):
        return self._values

    @property
    def shape(self):
        return (len(self._values),)


def is_plain(value):
    """Whether it is of JSON's own types throughout, and JSON has words for its numbers."""
    json.dumps(value, allow_nan=False)
    if type(value) is dict:
        return all(type(key) is str and is_plain(each) for key, each in value.items())
    if type(value) is list:
        return all(map(is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def test_a_histogram_has_a_bar_for_each_value():
    figure = figures.histogram([1, 2.5, NAN, True, Decimal("0.5"), Fraction(1, 4)], FRAME, "s")
    (bars,) = figure["data"]
    assert bars == {"type": "bar", "name": "s", "x": list(range(6)), "y": [1, 2.5, None, 1, 0.5, 0.25]}
    assert figure["layout"]["title"] == {"text": "T"}
    assert figure["layout"]["xaxis"]["title"] == {"text": "x"}
    assert figure["layout"]["barmode"] == "group"
    assert is_plain(figure)


def test_a_histogram_of_groups():
    figure = figures.histogram(
        ((1, 2), [3, 4]),
        FRAME,
        "s",
        labels=["a", "b"],
        xlabels=["007", "8"],
        mode="stack",
        data_args={"orientation": "h", "opacity": 0.5},
    )
    assert [each["name"] for each in figure["data"]] == ["a", "b"]
    assert figure["data"][1]["x"] == [3, 4]
    assert figure["data"][1]["y"] == ["007", "8"]
    assert figure["data"][1]["opacity"] == 0.5
    assert figure["layout"]["yaxis"]["type"] == "category"
    assert figure["layout"]["barmode"] == "stack"
    assert [each["name"] for each in figures.histogram([[1], [2]], FRAME, "s")["data"]] == ["s 0", "s 1"]


def test_a_vector_is_drawn_as_bars():
    assert figures.vector(range(3), FRAME, "s")["data"][0]["y"] == [0, 1, 2]
    assert figures.vector(Tensor([1.5]), FRAME, "s")["data"][0]["y"] == [1.5]
    assert figures.vector((each for each in (1, 2)), FRAME, "s")["data"][0]["y"] == [1, 2]
    assert figures.vector([], FRAME, "s")["data"][0]["y"] == []


def test_what_is_wrong_with_values_is_named():
    bad = {
        "values is None": lambda: figures.histogram(None, FRAME, "s"),
        "the text 'abc'": lambda: figures.vector("abc", FRAME, "s"),
        "has None at place 1": lambda: figures.histogram([1, None], FRAME, "s"),
        "at place 1 it has the text 'x'": lambda: figures.histogram([1, "x"], FRAME, "s"),
        "at place 0 it has a complex": lambda: figures.histogram([1j], FRAME, "s"),
        "not an int": lambda: figures.histogram(5, FRAME, "s"),
        "not a dict": lambda: figures.histogram({"a": 1}, FRAME, "s"),
        "the first has 2 numbers, row 1 1": lambda: figures.histogram([[1, 2], [3]], FRAME, "s"),
        "labels has 2 entries and needs 1": lambda: figures.histogram([1, 2], FRAME, "s", labels=["a", "b"]),
        "xlabels has 1 entries and needs 2": lambda: figures.histogram([1, 2], FRAME, "s", xlabels=["a"]),
        "mode is 'pile'": lambda: figures.histogram([1], FRAME, "s", mode="pile"),
        "data_args has to be": lambda: figures.histogram([1], FRAME, "s", data_args=[1]),
        "data_args holds an object": lambda: figures.histogram([1], FRAME, "s", data_args={"a": object()}),
        "extra_layout has to be": lambda: figures.histogram([1], Frame("T", extra="wide"), "s"),
        "needs 2 numbers for each point, and point 1 has 3": lambda: figures.scatter2d(
            [(1, 2), (1, 2, 3)], FRAME, "s"
        ),
        "has one dimension and needs two": lambda: figures.scatter2d([1, 2], FRAME, "s"),
        "needs 3 numbers": lambda: figures.scatter3d([(1, 2)], FRAME, "s"),
        "labels has 1 entries and needs 2": lambda: figures.scatter2d([(1, 2)] * 2, FRAME, "s", labels=["a"]),
        "mode is 'dots'": lambda: figures.scatter2d([(1, 2)], FRAME, "s", mode="dots"),
        "matrix is empty": lambda: figures.matrix([], FRAME, "s"),
        "matrix has one dimension": lambda: figures.surface([1, 2], FRAME, "s"),
        "rows of matrix differ": lambda: figures.confusion_matrix([[1, 2], [1]], FRAME, "s"),
        "ylabels has 1 entries and needs 2": lambda: figures.matrix([[1], [2]], FRAME, "s", ylabels=["a"]),
        "camera has 2 numbers": lambda: figures.surface([[1]], FRAME, "s", camera=(1, 2)),
        "table_plot is None": lambda: figures.table(None, FRAME),
        "row 1 has 1": lambda: figures.table([["a", "b"], [1]], FRAME),
        "the table is empty": lambda: figures.table([], FRAME),
        "not a float": lambda: figures.line_plot(5.0, FRAME),
        "has the text 'a' in it": lambda: figures.line_plot(["a"], FRAME),
        "the data of 'a' has one dimension": lambda: figures.line_plot([SeriesInfo("a", [1, 2])], FRAME),
        "one of Plotly or Matplotlib": lambda: figures.figure_of(object(), "T"),
        "under 'data'": lambda: figures.figure_of({"layout": {}}, "T"),
    }
    for message, call in bad.items():
        with pytest.raises(BadValue) as caught:
            call()
        assert message in str(caught.value)
        assert isinstance(caught.value, ValueError)


def test_a_line_plot_has_a_line_for_each_series():
    series = [SeriesInfo("a", [(0, 1), (1, math.inf)], labels=["p", "q"]), {"name": "b", "data": [[0, 2]]}]
    frame = Frame("T", "x", "y", comment="1 < 2", extra={"height": 300})
    figure = figures.line_plot(series, frame, mode="lines+markers", reverse_xaxis=True)
    assert figure["data"] == [
        {
            "type": "scatter",
            "name": "a",
            "mode": "lines+markers",
            "x": [0, 1],
            "y": [1, None],
            "text": ["p", "q"],
        },
        {"type": "scatter", "name": "b", "mode": "lines+markers", "x": [0], "y": [2]},
    ]
    assert figure["layout"]["xaxis"]["autorange"] == "reversed"
    assert figure["layout"]["title"] == {"text": "T<br><sup>1 &lt; 2</sup>"}
    assert figure["layout"]["height"] == 300
    assert figures.line_plot(SeriesInfo("a", []), FRAME)["data"][0]["x"] == []


def test_scatter_plots():
    flat = figures.scatter2d([(1, 2), (3, NAN)], FRAME, "s", labels=["a", "b"])["data"][0]
    assert (flat["x"], flat["y"], flat["mode"], flat["text"]) == ([1, 3], [2, None], "lines", ["a", "b"])
    deep = figures.scatter3d([(1, 2, 3)], FRAME, "s", fill=True)
    assert deep["data"][0]["type"] == "scatter3d"
    assert (deep["data"][0]["z"], deep["data"][0]["mode"], deep["data"][0]["surfaceaxis"]) == (
        [3],
        "markers",
        1,
    )
    assert deep["layout"]["scene"]["zaxis"] == {"title": {"text": "z"}}


def test_matrices_and_surfaces():
    rows = [[1, 2, NAN], [4, 5, 6]]
    figure = figures.confusion_matrix(
        rows, FRAME, "s", xlabels=["1", "2", "3"], ylabels=["a", "b"], yaxis_reversed=True
    )
    heat = figure["data"][0]
    assert heat["z"] == [[1, 2, None], [4, 5, 6]]
    assert (heat["x"], heat["y"], heat["texttemplate"]) == (["1", "2", "3"], ["a", "b"], "%{z}")
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"
    assert figure["layout"]["xaxis"]["type"] == "category"
    assert "texttemplate" not in figures.matrix(rows, FRAME, "s")["data"][0]
    assert "texttemplate" not in figures.confusion_matrix([[0] * 50] * 50, FRAME, "s")["data"][0]
    hill = figures.surface(rows, FRAME, "s", xlabels=["p", "q", "r"], camera=(1, 2, 0.5))
    assert hill["data"][0]["type"] == "surface"
    assert hill["layout"]["scene"]["xaxis"]["ticktext"] == ["p", "q", "r"]
    assert hill["layout"]["scene"]["camera"] == {"eye": {"x": 1, "y": 2, "z": 0.5}}


def test_a_table_of_rows_has_a_head():
    figure = figures.table([["a", "b"], [1, None], ["x", NAN], [date(2026, 1, 2), [1, 2]]], FRAME)
    (shown,) = figure["data"]
    assert shown["header"]["values"] == ["a", "b"]
    assert shown["cells"]["values"] == [[1, "x", "2026-01-02"], [None, None, "[1, 2]"]]


def test_a_table_of_a_csv_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes('\ufeffname,"of, it"\nä,"1\n2"\n\nb,007\n'.encode())
    (shown,) = figures.table_of_csv(path, FRAME)["data"]
    assert shown["header"]["values"] == ["name", "of, it"]
    assert shown["cells"]["values"] == [["ä", "b"], ["1\n2", "007"]]
    with pytest.raises(NotFound):
        figures.table_of_csv(tmp_path / "none.csv", FRAME)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadValue, match="can't be read as CSV"):
        figures.table_of_csv(path, FRAME)
    path.write_bytes(b"a\n" * LIMIT)
    with pytest.raises(BadValue, match="larger than the 10 MB"):
        figures.table_of_csv(path, FRAME)


def test_a_figure_that_is_too_large_says_how_to_reduce_it():
    with pytest.raises(BadValue, match="a figure may have 10 MB: give fewer points"):
        figures.vector([0.123456789012345678] * 600_000, FRAME, "s")

    class Huge:
        size = 10**12

        def tolist(self):
            raise AssertionError("nobody may make a list of that")

    with pytest.raises(BadValue, match="1,000,000,000,000 items"):
        figures.vector(Huge(), FRAME, "s")
    with pytest.raises(BadValue, match="MB of JSON"):
        figures.figure_of({"data": [{"text": "x" * LIMIT}]}, "T")


def test_plain_values():
    assert plain({"a": (1, NAN, {2})}, "it") == {"a": [1, None, [2]]}
    assert plain([datetime(2026, 1, 2, 3), date(2026, 1, 2), True], "it") == [
        "2026-01-02T03:00:00",
        "2026-01-02",
        True,
    ]
    assert plain({1: "a"}, "it") == {"1": "a"}
    circle = []
    circle.append(circle)
    for value in (circle, object(), b"bytes", {(1, 2): 3}, {"a": 1j}):
        with pytest.raises(BadValue):
            plain(value, "it")


def test_typed_arrays_of_plotly_become_numbers():
    found = plain(
        {"x": {"dtype": "i1", "bdata": "AAEC"}, "z": {"dtype": "f8", "bdata": "AAAAAAAA+H8="}}, "it"
    )
    assert found == {"x": [0, 1, 2], "z": [None]}
    assert plain({"dtype": "u1", "bdata": "AAECAwQF", "shape": "2, 3"}, "it") == [[0, 1, 2], [3, 4, 5]]
    for bad in ({"dtype": "f2", "bdata": ""}, {"dtype": "f8", "bdata": "AAA"}, {"dtype": "i4", "bdata": 3}):
        with pytest.raises(BadValue):
            plain(bad, "it")


def test_arrays_of_numpy():
    np = pytest.importorskip("numpy")
    values = np.array([1, np.nan, 3], dtype=np.float32)
    assert figures.vector(values, FRAME, "s")["data"][0]["y"] == [1.0, None, 3.0]
    assert figures.vector([np.float32(0.5), np.int64(2), np.bool_(True)], FRAME, "s")["data"][0]["y"] == [
        0.5,
        2,
        1,
    ]
    assert is_plain(figures.matrix(np.eye(3, dtype=np.int8), FRAME, "s"))
    assert is_plain(figures.scatter2d(np.zeros((0, 2)), FRAME, "s"))
    assert plain({"a": np.arange(2), "b": np.float16(1)}, "it") == {"a": [0, 1], "b": 1.0}
    times = np.array(["2026-01-02T03:04:05", "NaT"], dtype="datetime64[ns]")
    assert plain([times, times[0]], "it") == [["2026-01-02T03:04:05", None], "2026-01-02T03:04:05"]
    for bad in (np.zeros((2, 2, 2)), np.array(5.0), np.array(["a"]), np.zeros(0)):
        with pytest.raises(BadValue):
            figures.matrix(bad, FRAME, "s")


def test_a_table_of_a_data_frame():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"n": [1, 2], "t": ["a", None], "d": pd.to_datetime(["2026-01-02", None])})
    (shown,) = figures.table(frame, FRAME)["data"]
    assert shown["header"]["values"] == ["n", "t", "d"]
    assert shown["cells"]["values"] == [[1, 2], ["a", None], ["2026-01-02T00:00:00", None]]
    indexed = frame.set_index([pd.Index(["p", "q"], name="row"), pd.Index([1, 2])])
    (shown,) = figures.table(indexed, FRAME)["data"]
    assert shown["header"]["values"] == ["row", "", "n", "t", "d"]
    assert shown["cells"]["values"][:3] == [["p", "q"], [1, 2], [1, 2]]
    assert figures.vector(frame["n"], FRAME, "s")["data"][0]["y"] == [1, 2]
    wide = pd.DataFrame(0, index=range(10_000), columns=range(1000))
    with pytest.raises(BadValue, match="10,000 x 1000 cells"):
        figures.table(wide, FRAME)


def test_a_figure_of_plotly():
    graph = pytest.importorskip("plotly.graph_objects")
    np = pytest.importorskip("numpy")
    made = graph.Figure(
        data=[graph.Scatter(x=np.arange(3), y=[1, NAN, 2], name="a")], layout={"title": {"text": "mine"}}
    )
    before = made.to_json()
    found = figures.figure_of(made, "T")
    assert found["data"][0]["x"] == [0, 1, 2]
    assert found["data"][0]["y"] == [1, None, 2]
    assert found["layout"]["title"] == {"text": "mine"}
    assert is_plain(found)
    assert made.to_json() == before


def test_a_figure_of_matplotlib_is_an_image_and_stays_as_it_was(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.chdir(tmp_path)
    # In a process of its own: pyplot has one state for all of it.
    code = """
import base64, io, os, sys
from autolog.sdk import figures
assert not any(name.partition(".")[0] in ("matplotlib", "plotly", "numpy") for name in sys.modules)
import matplotlib, matplotlib.pyplot as plt
kept = plt.figure(figsize=(4, 3), dpi=50)
drawn, (left, right) = plt.subplots(1, 2, figsize=(4, 3), dpi=50)
left.plot([1, 2, 3])
plt.figure(kept)
files = os.listdir()
state = (plt.gcf().number, plt.get_fignums(), matplotlib.get_backend(), drawn.canvas, drawn.dpi, drawn.stale,
         tuple(drawn.get_size_inches()), drawn.get_facecolor(), dict(matplotlib.rcParams))
for each in (drawn, left):
    found = figures.figure_of(each, "T")
    source = found["layout"]["images"][0]["source"]
    assert source.startswith("data:image/png;base64,")
    png = base64.b64decode(source.partition(",")[2])
    assert png[:8] == bytes([137, 80, 78, 71, 13, 10, 26, 10])
    assert (found["layout"]["width"], found["layout"]["height"]) == (200, 150)
    assert found["data"] == []
assert state == (plt.gcf().number, plt.get_fignums(), matplotlib.get_backend(), drawn.canvas, drawn.dpi,
                 drawn.stale, tuple(drawn.get_size_inches()), drawn.get_facecolor(),
                 dict(matplotlib.rcParams))
assert os.listdir() == files
from autolog.errors import BadValue
try:
    figures.figure_of(plt.Line2D([0], [0]), "T")
except BadValue as error:
    print(error)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "figure or axes of Matplotlib, and not a Line2D" in answer.stdout


def test_a_tensor_of_pytorch():
    torch = pytest.importorskip("torch")
    weights = torch.tensor([1.0, float("nan")], requires_grad=True)
    assert figures.vector(weights, FRAME, "s")["data"][0]["y"] == [1.0, None]
    losses = [torch.tensor(0.5), torch.tensor(2)]
    assert figures.vector(losses, FRAME, "s")["data"][0]["y"] == [0.5, 2]
    assert figures.matrix(torch.eye(2), FRAME, "s")["data"][0]["z"] == [[1.0, 0.0], [0.0, 1.0]]
