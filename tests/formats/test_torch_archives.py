"""Archives of torch.export, torch.package and torch.distributed.checkpoint, and skops beside them."""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore")


class Exploit:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.fixture(scope="module")
def net():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).eval()


def rows(state, prefix=""):
    return sorted(
        (prefix + key, tuple(value.shape), str(value.dtype).removeprefix("torch."))
        for key, value in state.items()
    )


def named(contents):
    return sorted((row.name, row.shape, row.dtype) for row in contents.tensors)


@pytest.fixture(scope="module")
def exported(net):
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(net, (torch.zeros(2, 3),)), out)
    return out.getvalue()


@pytest.mark.parametrize("name", ["m.pt2", "", "m.h5"])
def test_export(look, exported, net, name):
    found = look(exported, name)
    assert found.format == "torch.export"
    assert named(found) == rows(net.state_dict())
    assert found.parameters == sum(value.numel() for value in net.state_dict().values())
    design = json.loads(found.design)
    assert design["operations"]["aten.linear.default"] == 2
    assert len(design["inputs"]) == 1
    assert found.dangerous == ()


def added(data, path, content):
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(archive.namelist()[0].split("/")[0] + "/" + path, content)
    return out.getvalue()


def test_pickles_inside_an_export_are_looked_into(look, exported):
    inner = io.BytesIO()
    torch.save({"x": Exploit()}, inner)
    found = look(added(exported, "data/sample_inputs/other.pt", inner.getvalue()))
    assert found.dangerous == ("posix.system",)


def test_the_older_layout_of_exports(look, net):
    state, out = io.BytesIO(), io.BytesIO()
    torch.save(net.state_dict(), state)
    graph = {"graph_module": {"graph": {"nodes": [{"target": "torch.ops.aten.relu.default"}]}}}
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("version", "8.1")
        archive.writestr("serialized_exported_program.json", json.dumps(graph))
        archive.writestr("serialized_state_dict.pt", state.getvalue())
    found = look(out.getvalue())
    assert named(found) == rows(net.state_dict())
    assert json.loads(found.design)["operations"] == {"aten.relu.default": 1}


def test_a_compressed_archive_inside_another(look, net):
    state, packed, out = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save(net.state_dict(), state)
    with zipfile.ZipFile(state) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, old.read(entry))
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", packed.getvalue())
    found = look(out.getvalue())
    assert named(found) == rows(net.state_dict())
    assert found.regions == ()


def test_package(look, net):
    from torch.package import PackageExporter

    out = io.BytesIO()
    with PackageExporter(out) as exporter:
        exporter.extern("torch.**")
        exporter.save_pickle("model", "model.pkl", net)
        exporter.save_source_string("helper", "print('runs on loading')")
    found = look(out.getvalue())
    assert found.format == "torch.package"
    assert named(found) == rows(net.state_dict())
    assert found.dangerous == ("source helper.py",)
    assert found.details["pickles"] == ["model/model.pkl"]


def test_several_pickles_in_a_package(look):
    from torch.package import PackageExporter

    out = io.BytesIO()
    with PackageExporter(out) as exporter:
        exporter.extern("**")
        exporter.save_pickle("a", "x.pkl", {"w": torch.zeros(3)})
        exporter.save_pickle("b", "y.pkl", {"w": torch.zeros(4), "x": Exploit()})
    found = look(out.getvalue())
    assert {row.shape for row in found.tensors} == {(3,), (4,)}
    assert "posix.system" in found.dangerous


def test_script_tells_its_source(look, net):
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(net), out)
    found = look(out.getvalue())
    assert found.format == "TorchScript"
    assert "def forward" in found.design


@pytest.fixture
def distributed(tmp_path, net):
    import torch.distributed.checkpoint as dcp

    state = {"model": net.state_dict(), "optimizer": {"state": {"m": torch.zeros(9)}}, "epoch": 3}
    dcp.save(state, checkpoint_id=str(tmp_path / "dcp"))
    return tmp_path / "dcp"


def test_distributed(look, distributed, net):
    found = look((distributed / ".metadata").read_bytes(), ".metadata")
    assert found.format == "torch.distributed checkpoint"
    expected = rows(net.state_dict(), "model.")
    assert [row for row in named(found) if not row[0].startswith("optimizer")] == expected
    assert found.parameters == sum(value.numel() for value in net.state_dict().values())
    assert found.details["files"] == ["__0_0.distcp"]
    assert found.dangerous == ()


def test_a_data_file_alone(look, distributed):
    found = look((distributed / "__0_0.distcp").read_bytes(), "__0_0.distcp")
    assert found.format == "torch.distributed data"
    assert "incomplete" in found.details


@pytest.mark.parametrize("kind", ["export", "metadata"])
def test_truncated(any_outcome, exported, distributed, kind):
    data = exported if kind == "export" else (distributed / ".metadata").read_bytes()
    for length in range(4, len(data), 53):
        assert isinstance(any_outcome(data[:length]), str), length


def test_skops(look):
    io_module = pytest.importorskip("skops.io")
    pytest.importorskip("sklearn")
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    X = np.random.RandomState(0).rand(50, 3)
    steps = FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression()
    made = make_pipeline(*steps).fit(X, X[:, 0] > 0.5)
    data = io_module.dumps(made)
    found = look(data, "model.bin")
    assert found.format == "skops"
    arrays = {row.name: (row.shape, row.dtype) for row in found.tensors}
    assert arrays["steps.1.1.mean_"] == ((3,), "float64")
    assert arrays["steps.2.1.coef_"] == ((1, 3), "float64")
    assert found.details["class"] == "sklearn.pipeline.Pipeline"
    assert "sklearn.linear_model._logistic.LogisticRegression" in found.details["types"]
    assert set(io_module.get_untrusted_types(data=data)) <= set(found.details["types"])
    assert found.dangerous == ()


def test_skops_types_that_could_run_code(look):
    schema = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    assert look(out.getvalue()).dangerous == ("os.system",)


def npy(header):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    "array",
    [
        b"", b"\x93NUMPY\x01\x00\xff\xff", npy(b"{" * 500), npy(b"__import__('os')"), npy(b"{'shape': 3}"),
        npy(b"{'shape': (-1,), 'descr': '<f4'}"), npy(b"{'shape': (1e9,), 'descr': '<f4'}"),
        npy(b"{'shape': (9223372036854775807, 9), 'descr': '<f4'}"), npy(b"(" * 60_000), None,
    ],
)  # fmt: skip
def test_skops_arrays_that_cannot_be(any_outcome, array):
    schema = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "file": "1.npy"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
        if array is not None:
            archive.writestr("1.npy", array)
    assert isinstance(any_outcome(out.getvalue()), str)


def test_megengine(look):
    """MegEngine isn't to be had for every Python: its pickles are made by hand, as `mge.save` makes them."""
    import pickle
    import sys
    import types

    import numpy as np

    class Tensor:
        def __init__(self, data=None):
            self.data = data

        def __new__(cls, data=None, dtype=None, device=None):
            return super().__new__(cls)

        def __getnewargs__(self):
            return self.data, self.data.dtype, "xpux"

        def __getstate__(self):
            return {"qdict": {"mode": None, "scale": None}}

    Tensor.__module__, Tensor.__qualname__ = "megengine.tensor", "Tensor"
    module = types.ModuleType("megengine.tensor")
    module.Tensor = Tensor
    package = types.ModuleType("megengine")
    package.tensor = module
    sys.modules |= {"megengine": package, "megengine.tensor": module}
    try:
        state = {"a": np.zeros((3, 4), "f4"), "b": np.zeros(3, "f2")}
        plain = pickle.dumps({"epoch": 2, "state_dict": state}, pickle.HIGHEST_PROTOCOL)
        objects = pickle.dumps({key: Tensor(value) for key, value in state.items()}, pickle.HIGHEST_PROTOCOL)
    finally:
        del sys.modules["megengine.tensor"], sys.modules["megengine"]
    found = look(plain, "m.mge")
    assert named(found) == [("state_dict.a", (3, 4), "float32"), ("state_dict.b", (3,), "float16")]
    assert found.details["epoch"] == 2
    assert named(look(objects)) == [("a", (3, 4), "float32"), ("b", (3,), "float16")]
    assert look(objects).dangerous == ()
