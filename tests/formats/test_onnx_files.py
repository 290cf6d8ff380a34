"""ONNX models, compared with what onnx says of them."""

from __future__ import annotations

import io
import json

import pytest

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

KINDS = [
    kind
    for name, kind in TensorProto.DataType.items()
    if name not in ("UNDEFINED", "STRING") and not name.endswith(("4", "6E2M3", "6E3M2", "INT2", "4E2M1"))
]


def model(initializers, nodes=(), **options):
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(initializers),
        **options,
    )
    return helper.make_model(
        made, producer_name="me", producer_version="1.2", opset_imports=[helper.make_opsetid("", 20)]
    )


def weights(count=3):
    return [numpy_helper.from_array(np.zeros((n + 1, 2), np.float32), f"w{n}") for n in range(count)]


def relu(count=2):
    return [helper.make_node("Relu", [f"a{n}"], [f"a{n + 1}"]) for n in range(count)]


def test_initializers_of_every_type(look):
    tensors = [
        TensorProto(name=str(kind), data_type=kind, dims=[2, 3], raw_data=b"\0" * 96) for kind in KINDS
    ]
    found = look(model(tensors).SerializeToString(), "m.onnx")
    assert found.format == "ONNX"
    for row in found.tensors:
        expected = helper.tensor_dtype_to_np_dtype(int(row.name)).name
        assert (row.dtype, row.shape) == (expected, (2, 3))
    assert found.parameters == 6 * len(KINDS)


@pytest.mark.parametrize("name", ["m.onnx", "", "model.bin"])
def test_facts_and_design(look, name):
    made = model(weights(), [*relu(), helper.make_node("Custom", ["x"], ["y"], domain="my.domain")])
    helper.set_model_props(made, {"author": "me"})
    made.opset_import.append(helper.make_opsetid("my.domain", 7))
    found = look(made.SerializeToString(), name)
    assert found.details == {
        "ir_version": made.ir_version,
        "producer": "me",
        "producer_version": "1.2",
        "opset": 20,
        "opsets": {"ai.onnx": 20, "my.domain": 7},
        "inputs": ["x: float32[batch, 3]"],
        "outputs": ["y: float32"],
        "nodes": 3,
        "metadata": {"author": "me"},
    }
    assert json.loads(found.design)["operations"] == {"Relu": 2, "my.domain.Custom": 1}
    assert [(row.name, row.shape) for row in found.tensors] == [
        ("w0", (1, 2)),
        ("w1", (2, 2)),
        ("w2", (3, 2)),
    ]


def test_initializers_among_the_inputs(look):
    made = model(weights(1))
    made.graph.input.append(helper.make_tensor_value_info("w0", TensorProto.FLOAT, [1, 2]))
    assert look(made.SerializeToString(), "m.onnx").details["inputs"] == ["x: float32[batch, 3]"]


def test_weights_in_other_files(look, tmp_path):
    onnx.save_model(
        model(weights()),
        str(tmp_path / "m.onnx"),
        save_as_external_data=True,
        location="m.bin",
        size_threshold=0,
    )
    found = look((tmp_path / "m.onnx").read_bytes(), "m.onnx")
    assert found.details["external_data"] == ["m.bin"]
    assert found.parameters == 12


def test_graphs_in_graphs_and_sparse_weights(look):
    inner = helper.make_graph(relu(1), "inner", [], [], weights(1))
    made = model([], [helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)])
    values = numpy_helper.from_array(np.zeros(3, np.float32), "sparse")
    indices = numpy_helper.from_array(np.zeros(3, np.int64), "i")
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [10, 10]))
    found = look(made.SerializeToString(), "m.onnx")
    assert json.loads(found.design)["operations"] == {"If": 1, "Relu": 2}
    assert [(row.name, row.shape) for row in found.tensors] == [
        ("w0", (1, 2)),
        ("w0", (1, 2)),
        ("sparse", (10, 10)),
    ]


@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_what_torch_exports(look, tmp_path, dynamo):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)).eval()
    path = tmp_path / "m.onnx"
    options = {"verbose": False} if dynamo else {}
    torch.onnx.export(net, (torch.zeros(1, 3),), str(path), dynamo=dynamo, **options)
    found = look(path.read_bytes(), "m.onnx")
    assert {row.name: row.shape for row in found.tensors} == {
        key: tuple(value.shape) for key, value in net.state_dict().items()
    }
    assert found.details["producer"] == "pytorch"


def test_raw_bytes_are_stepped_over():
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            data = super().read(size)
            self.taken += len(data)
            return data

    from autolog.formats import inspect

    data = model([numpy_helper.from_array(np.zeros(4_000_000, np.float32), "w")], relu()).SerializeToString()
    file = Counting(data)
    assert inspect(file, "m.onnx").parameters == 4_000_000
    assert file.taken < 2_000_000


def test_truncated_files(any_outcome):
    data = model(weights(), relu()).SerializeToString()
    for length in range(1, len(data) - 6):
        assert isinstance(any_outcome(data[:length], "m.onnx"), str), length


@pytest.mark.parametrize("dims", [[-1, 2], [1 << 62, 4], [1] * 100])
def test_shapes_that_cannot_be(any_outcome, dims):
    tensor = TensorProto(name="w", data_type=1, dims=dims)
    assert isinstance(any_outcome(model([tensor]).SerializeToString(), "m.onnx"), str)


def test_graphs_without_end(any_outcome):
    def field(number, payload):
        length, out = len(payload), b""
        while length >= 128:
            out += bytes((length & 127 | 128,))
            length >>= 7
        return bytes((number << 3 | 2,)) + out + bytes((length,)) + payload

    graph = b""
    for _ in range(200):
        graph = field(1, field(5, field(6, graph)))
    assert "deep" in any_outcome(b"\x08\x0a" + field(7, graph), "m.onnx")
