"""Where each tensor's elements lie: what is read there is what the frameworks say the tensor is."""

from __future__ import annotations

import io
import math
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog.formats import Place, Stored, arrays
from autolog.formats import _elements as elements

np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore")


def read(data, stored, size=0):
    """The elements of a tensor in row-major order, the slow and simple way."""
    place = stored.place
    count = math.prod(stored.shape)
    size = size or (stored.length // count if count else 1)
    strides = place.strides or [math.prod(stored.shape[axis + 1 :]) for axis in range(len(stored.shape))]
    flat = np.frombuffer(data, "u1")
    half = size // 2 if stored.dtype.startswith("complex") else size
    out = []
    for index in np.ndindex(*stored.shape):
        at = place.offset + size * sum(i * s for i, s in zip(index, strides, strict=True))
        element = flat[at : at + size].reshape(-1, half)
        out.append((element[:, ::-1] if place.big else element).tobytes())
    return b"".join(out)


def pieces(data, stored):
    return b"".join(elements.pieces(io.BytesIO(data), stored, elements.Allowance(len(data))))


def found(data, name=""):
    """The tensors by key: shape, type and elements; elements None where they can't be seen."""
    rows = {}
    for stored in arrays(io.BytesIO(data), name):
        assert stored.key not in rows
        if stored.place is None and 0 not in stored.shape:
            rows[stored.key] = stored.shape, stored.dtype, None
            continue
        whole = pieces(data, stored)
        assert len(whole) == stored.length
        assert whole == (read(data, stored) if whole else b"")
        rows[stored.key] = stored.shape, stored.dtype, whole
    return rows


class TestTorch:
    torch = pytest.importorskip("torch")

    def saved(self, made, **options):
        file = io.BytesIO()
        self.torch.save(made, file, **options)
        return file.getvalue()

    def truth(self, state):
        torch = self.torch
        return {
            key: (
                tuple(value.shape),
                str(value.dtype).removeprefix("torch."),
                bytes(value.detach().clone(memory_format=torch.contiguous_format).untyped_storage()),
            )
            for key, value in state.items()
        }

    ZIP_OR_LEGACY = pytest.mark.parametrize(
        "options",
        [{}, {"pickle_protocol": 4}, {"_use_new_zipfile_serialization": False}],
        ids=["zip", "zip 4", "legacy"],
    )

    @ZIP_OR_LEGACY
    def test_views(self, options):
        torch = self.torch
        base = torch.arange(120.0).view(4, 5, 6)
        state = {
            "base": base,
            "turned": base.permute(2, 0, 1),
            "rows": base[1:3],
            "every other": base[::2, 1:, ::3],
            "column": base[:, 2, 3],
            "one": base[1, 2, 3],
            "wide": base[0, 0, :1].expand(7, 2, 1),
            "channels": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
            "tied": base,
            "parameter": torch.nn.Parameter(base.t() if base.dim() == 2 else base[0].t()),
            "no rows": base[:0],
            "scalar": torch.tensor(3, dtype=torch.int64),
        }
        assert found(self.saved(state, **options)) == self.truth(state)

    @ZIP_OR_LEGACY
    def test_every_element_type(self, options):
        torch = self.torch
        names = (
            "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 complex64 complex128 "
            "int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool"
        )
        state = {
            name: (torch.randn(3, 5) * 9).to(torch.float32).abs().to(getattr(torch, name)).t()
            for name in names.split()
        }
        assert found(self.saved(state, **options)) == self.truth(state)

    def test_what_the_bytes_alone_do_not_show(self):
        torch = self.torch
        state = {
            "quantized": torch.quantize_per_tensor(torch.randn(2, 2), 0.1, 0, torch.qint8),
            "sparse": torch.eye(3).to_sparse(),
            "conjugated": torch.randn(3, dtype=torch.complex64).conj(),
            "meta": torch.zeros(3, device="meta"),
            "plain": torch.ones(2),
        }
        rows = found(self.saved(state))
        assert {key for key, row in rows.items() if row[2] is None} == state.keys() - {"plain"}

    def test_names_within_the_model(self):
        torch = self.torch
        net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
        adam = torch.optim.Adam(net.parameters())
        net(torch.randn(4, 2)).sum().backward()
        adam.step()
        state, truth = net.state_dict(), self.truth(net.state_dict())
        beside = {
            "optimizer": adam.state_dict(), "epoch": 3, "loss": torch.tensor(0.5), "rng_state": torch.ones(9),
            "history": np.zeros(5000), "callbacks": {"best": {"score": torch.tensor([1.0])}},
        }  # fmt: skip
        for made in (
            state, net, {"model": state}, {"state_dict": state, **beside}, {"net": net, **beside},
            {"checkpoint": {"model.v1": state}, **beside}, [state],
        ):  # fmt: skip
            assert found(self.saved(made)) == truth
        several = found(self.saved({"G": state, "D": state, **beside}))
        assert several.keys() == {f"{part}.{key}" for part in "GD" for key in state} | {"loss"} | {
            "callbacks.best.score"
        }

    def test_a_large_view_is_gathered_piece_by_piece(self, monkeypatch):
        for name, size in (("_BLOCK", 1 << 12), ("_SPAN", 1 << 11), ("_NEAR", 1 << 6), ("PIECE", 1 << 10)):
            monkeypatch.setattr(elements, name, size)
        base = self.torch.arange(30 * 60.0)
        state = {
            "turned": base.view(30, 60).t(),
            "column": base.view(30, 60)[:, 7],
            "cube": base.view(3, 10, 60).permute(2, 0, 1)[::2],
            "flat": base,
        }
        data = self.saved(state)
        for stored in arrays(io.BytesIO(data)):
            assert pieces(data, stored) == self.truth(state)[stored.key][2], stored

    @pytest.mark.parametrize("kind", ["script", "trace"])
    def test_torchscript(self, kind):
        torch = self.torch
        net, file = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).eval(), io.BytesIO()
        made = torch.jit.script(net) if kind == "script" else torch.jit.trace(net, torch.zeros(2, 3))
        torch.jit.save(made, file)
        assert found(file.getvalue()) == self.truth(net.state_dict())

    def test_export(self):
        torch = self.torch
        net, file = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).eval(), io.BytesIO()
        net[0].weight = torch.nn.Parameter(torch.randn(3, 4).t())
        torch.export.save(torch.export.export(net, (torch.zeros(1, 3),)), file)
        assert found(file.getvalue()) == self.truth(net.state_dict())

    def test_safetensors_with_tied_tensors(self, tmp_path):
        from safetensors.torch import save_model

        torch = self.torch
        net = torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.Linear(4, 7).bfloat16())
        net.add_module("tied", net[0])
        save_model(net, tmp_path / "m.safetensors", {"format": "pt"})
        assert found((tmp_path / "m.safetensors").read_bytes()) == self.truth(net.state_dict())

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_any_view(self, data):
        torch = self.torch
        shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
        view = torch.arange(math.prod(shape), dtype=torch.int16).view(shape)
        for _ in range(data.draw(st.integers(0, 3))):
            axis = data.draw(st.integers(0, view.dim() - 1))
            step = data.draw(st.integers(1, 3))
            begin = data.draw(st.integers(0, view.shape[axis] - 1))
            index = (slice(None),) * axis + (slice(begin, None, step),)
            view = view[index].transpose(axis, data.draw(st.integers(0, view.dim() - 1)))
            if data.draw(st.booleans()):
                view = view[..., None].expand(*view.shape, 2)
        rows = found(self.saved({"w": view}, _use_new_zipfile_serialization=data.draw(st.booleans())))
        assert rows == self.truth({"w": view})


class TestHdf5:
    h5py = pytest.importorskip("h5py")

    def test_every_type_and_order(self):
        kinds = "float16 float32 float64 int8 int16 int32 int64 uint8 uint64 bool complex64 complex128"
        random = np.random.default_rng(0)
        made = {
            f"{name}/{order}": (random.normal(size=(3, 4)) * 9).astype(np.dtype(name).newbyteorder(order))
            for name in kinds.split()
            for order in "<>"
        }
        made["scalar"] = np.float32(2)
        made["none"] = np.zeros((0, 3), "f4")
        made["grid"] = random.normal(size=(2, 3, 4)).astype(">f4")
        out = io.BytesIO()
        with self.h5py.File(out, "w") as file:
            for name, array in made.items():
                if name == "grid":
                    kind = np.dtype((">f4", (3, 4)))
                    file.create_dataset(name, (2,), kind)[...] = array
                else:
                    file[name] = array
        rows = found(out.getvalue())
        assert rows == {
            name: (array.shape, array.dtype.name, array.astype(array.dtype.newbyteorder("<")).tobytes())
            for name, array in made.items()
        }

    def test_what_is_not_in_one_piece(self):
        out = io.BytesIO()
        with self.h5py.File(out, "w") as file:
            file.create_dataset("chunked", data=np.ones((9, 9)), chunks=(3, 3))
            file.create_dataset("packed", data=np.ones((9, 9)), compression="gzip")
            file.create_dataset("unwritten", (3,))
        assert {row[2] for row in found(out.getvalue()).values()} == {None}

    def test_types_that_do_not_fit(self):
        out = io.BytesIO()
        with self.h5py.File(out, "w") as file:
            file.create_dataset("pairs", (3,), np.dtype(("<f4", (2, 1))))[...] = np.ones((3, 2, 1))
            for name in ("bfloat16", "float64"):
                file[name] = np.frombuffer(b"\0\x3f" * 4, "V2")
                file[name].attrs["dtype"] = name
        data = out.getvalue()
        rows = found(data)
        assert rows["pairs"] == ((3, 2, 1), "float32", np.ones(6, "f4").tobytes())
        assert rows["bfloat16"] == ((4,), "bfloat16", b"\0\x3f" * 4)
        # Keras names the type of bytes; this name is of another size.
        assert rows["float64"] == ((4,), "float64", None)
        flat = data.replace(b"\2\0\0\0\1\0\0\0", b"\0" * 8)
        assert flat != data
        assert found(flat)["pairs"] == ((3, 0, 0), "float32", b"")


def test_numpy_files():
    made = {
        "plain": np.arange(6.0).reshape(2, 3),
        "turned": np.asfortranarray(np.arange(24, dtype="i2").reshape(2, 3, 4)),
        "big": np.arange(5, dtype=">i4"),
        "complex": np.array([1 + 2j, 3], ">c8"),
        "scalar": np.array(True),
        "none": np.zeros((0, 2)),
    }
    out = io.BytesIO()
    np.savez(out, **made)
    truth = {
        name: (array.shape, array.dtype.name, array.astype(array.dtype.newbyteorder("<")).tobytes("C"))
        for name, array in made.items()
    }
    assert found(out.getvalue()) == truth
    for name, array in made.items():
        out = io.BytesIO()
        np.save(out, array)
        assert found(out.getvalue()) == {"": truth[name]}


def test_joblib_and_pickles(tmp_path):
    joblib = pytest.importorskip("joblib")
    made = {"a": np.asfortranarray(np.arange(600.0).reshape(20, 30)), "b": np.arange(3000, dtype=">i2")}
    truth = {
        name: (array.shape, array.dtype.name, array.astype(array.dtype.newbyteorder("<")).tobytes("C"))
        for name, array in made.items()
    }
    joblib.dump(made, tmp_path / "m.joblib")
    assert found((tmp_path / "m.joblib").read_bytes()) == truth
    joblib.dump(made, tmp_path / "m.joblib", compress=1)
    assert {row[2] for row in found((tmp_path / "m.joblib").read_bytes()).values()} == {None}


def test_onnx():
    onnx = pytest.importorskip("onnx")
    array = np.arange(6, dtype="f4").reshape(2, 3)
    weights = [onnx.numpy_helper.from_array(array, "w"), onnx.helper.make_tensor("v", 1, (2,), [1.0, 2.0])]
    ends = [onnx.helper.make_tensor_value_info(name, 1, (1, None)) for name in "xy"]
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], weights)
    rows = found(onnx.helper.make_model(graph).SerializeToString(), "m.onnx")
    # Numbers that are written one by one aren't raw bytes.
    assert rows == {"w": ((2, 3), "float32", array.tobytes()), "v": ((2,), "float32", None)}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 40))
def test_pieces_of_one_size(parts, size):
    even = list(elements.evenly(iter(parts), size))
    assert b"".join(even) == b"".join(parts)
    assert all(len(piece) == size for piece in even[:-1])
    assert not even or 0 < len(even[-1]) <= size


def test_an_archive_of_other_things_is_none():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY")
        archive.writestr("b.txt", b"")
    assert arrays(io.BytesIO(out.getvalue())) == ()


@pytest.mark.core
def test_a_tensor_beyond_its_file():
    stored = Stored("w", "w", (4,), "float32", 16, Place(4))
    with pytest.raises(Exception, match="truncated"):
        pieces(b"\0" * 10, stored)
