"""Reporting figures of a model, by the signatures that ClearML's users know."""

import inspect
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from autolog.config import Settings
from autolog.errors import BadName, BadValue, NotFound
from autolog.events import FileFacts, Saved, Started
from autolog.sdk._records import Records
from autolog.sdk.figures import SeriesInfo
from autolog.sdk.reporting import Reports
from autolog.store import Look, Writer

pytestmark = pytest.mark.core


class Reported(Reports):
    def __init__(self, records, id):
        self._records = records
        self.id = id


@pytest.fixture
def model(tmp_path):
    home = str(tmp_path / "home")
    records = Records(Settings(home=home, store=f"sqlite:///{home}/autolog.db"))
    writer = Writer(records.store)
    writer.started(Started("a" * 32, 1.0, "digits", "train", "/x/train.py"), 1.0)
    saved = Saved("e-1", 2.0, "PyTorch", "torch:save", "file", "/x/m.pt", FileFacts(1, 2, 3, 4, 5), 3)
    writer.saved("a" * 32, saved, Look("blake3:1", "/x/m.pt", key="/x/m.pt", stem="m"))
    yield Reported(records, records.store.models()[0].id)
    records.store.close()


def test_every_kind_of_report_is_kept(model):
    rows = [[1, 2], [3, 4]]
    model.report_histogram("h", "s", [1, 2], iteration=3, xlabels=["a", "b"], mode="stack")
    model.report_vector("v", "s", [1, 2])
    model.report_table("t", "s", table_plot=[["a"], [1]])
    model.report_line_plot("l", [SeriesInfo("a", rows)], "x", "y")
    model.report_scatter2d("s2", "s", rows, mode="markers")
    model.report_scatter3d("s3", "s", [[1, 2, 3]])
    model.report_confusion_matrix("c", "s", rows, comment="so", iteration=0)
    model.report_matrix("m", "s", rows)
    model.report_surface("su", "s", rows, camera=[1, 1, 1])
    model.report_figure("f", "s", {"data": [], "layout": {}}, iteration=1)
    found = {each.title: each for each in model.figures}
    assert {title: each.kind for title, each in found.items()} == {
        "h": "histogram",
        "v": "vector",
        "t": "table",
        "l": "line",
        "s2": "scatter2d",
        "s3": "scatter3d",
        "c": "confusion_matrix",
        "m": "matrix",
        "su": "surface",
        "f": "figure",
    }
    assert (found["h"].iteration, found["v"].iteration, found["c"].iteration) == (3, None, 0)
    assert found["l"].series == ""
    assert found["h"].figure["data"][0]["x"] == ["a", "b"]
    model.report_histogram("h", "s", [7], iteration=3)
    assert [each.figure["data"][0]["y"] for each in model.figures if each.title == "h"] == [[7]]


def test_tables_of_files_and_urls(model, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")

    class Serve(BaseHTTPRequestHandler):
        def do_GET(self):
            data = path.read_bytes() if self.path == "/t.csv" else b"x" * 11_000_000
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except OSError:
                pass  # nobody reads on

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        model.report_table("csv", "s", csv=str(path))
        model.report_table("url", "s", url=f"{base}/t.csv")
        with pytest.raises(BadValue, match="larger than"):
            model.report_table("url", "s", url=f"{base}/large.csv")
        server.shutdown()
    assert [each.figure["data"][0]["cells"]["values"] for each in model.figures] == [[["1"], ["2"]]] * 2
    with pytest.raises(NotFound):
        model.report_table("csv", "s", csv=str(tmp_path / "none.csv"))
    for given in ({}, {"csv": "a", "url": "b"}, {"csv": "a", "table_plot": [["a"]]}):
        with pytest.raises(BadValue, match="one of table_plot, csv and url"):
            model.report_table("t", "s", **given)


def test_what_can_not_be_reported(model):
    for iteration in (-1, 1.5, "3", 1 << 63, True):
        with pytest.raises(BadValue, match="iteration"):
            model.report_vector("v", "s", [1], iteration=iteration)
    with pytest.raises(BadName):
        model.report_vector("", "s", [1])
    with pytest.raises(BadName):
        model.report_vector("v", None, [1])
    with pytest.raises(NotFound):
        Reported(model._records, "0" * 32).report_vector("v", "s", [1])
    assert model.figures == []


def test_the_signatures_are_those_that_people_know():
    labels, end = "xlabels ylabels", "comment extra_layout"
    known = {
        "report_histogram": "values iteration labels xlabels xaxis yaxis mode data_args extra_layout",
        "report_vector": "values iteration labels xlabels xaxis yaxis mode extra_layout",
        "report_table": "iteration table_plot csv url extra_layout",
        "report_line_plot": f"xaxis yaxis mode iteration reverse_xaxis {end}",
        "report_scatter2d": f"scatter iteration xaxis yaxis labels mode {end}",
        "report_scatter3d": f"scatter iteration xaxis yaxis zaxis labels mode fill {end}",
        "report_confusion_matrix": f"matrix iteration xaxis yaxis {labels} yaxis_reversed {end}",
        "report_matrix": f"matrix iteration xaxis yaxis {labels} yaxis_reversed extra_layout",
        "report_surface": f"matrix iteration xaxis yaxis zaxis {labels} camera {end}",
    }
    for name, parameters in known.items():
        assert list(inspect.signature(getattr(Reports, name)).parameters)[1:] == [
            "title",
            "series",
            *parameters.split(),
        ]
