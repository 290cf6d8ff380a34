"""Where the tensors' bytes lie, compared with what the frameworks themselves say the bytes are."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import pytest

from autolog.formats import inspect, regions

np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore")
PLAIN = "float64 float32 float16 int64 int32 int16 int8 uint8 bool complex64 complex128"


def found(data, name=""):
    """The pieces that the regions cut out: bytes, size of an element and type of each."""
    places = regions(io.BytesIO(data), name)
    end = 0
    for place in places:
        assert place.offset >= end
        assert place.length > 0
        end = place.offset + place.length
    assert end <= len(data)
    return [(data[at.offset : at.offset + at.length], at.itemsize, at.dtype) for at in places]


def raw(*tensors):
    """What must be found of these tensors of PyTorch's: each one's whole storage, in any order."""
    return sorted(
        (bytes(value.untyped_storage()), value.element_size(), str(value.dtype).removeprefix("torch."))
        for value in tensors
    )


def raw_arrays(*arrays):
    return sorted((array.tobytes("A"), array.itemsize, array.dtype.name) for array in arrays)


def some(dtype, *shape):
    """An array of that type whose bytes are like no other's."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    data = np.random.default_rng(abs(hash((dtype, shape))) % 1000).integers(0, 2, size, "u1").tobytes()
    return np.frombuffer(data, dtype).reshape(shape).copy()


class TestTorch:
    torch = pytest.importorskip("torch")

    def saved(self, made, **options):
        file = io.BytesIO()
        self.torch.save(made, file, **options)
        return file.getvalue()

    @pytest.mark.parametrize(
        "options",
        [{}, {"pickle_protocol": 4}, {"_use_new_zipfile_serialization": False}],
        ids=["zip", "zip 4", "legacy"],
    )
    def test_every_element_type(self, options):
        torch = self.torch
        state = {name: torch.from_numpy(some(name, 3, 5)) for name in PLAIN.split()}
        state["bf16"] = torch.randn(7, 2).bfloat16()
        state["scalar"] = torch.tensor(1.25)
        state["empty"] = torch.zeros(0, 3)
        data = self.saved({"model": state, "optimizer": {"state": {0: {"m": torch.randn(9)}}}}, **options)
        kept = found(data)
        assert len(kept) == len(PLAIN.split()) + 3
        assert set(raw(*(value for value in state.values() if value.numel()))) <= set(kept)

    @pytest.mark.parametrize("zipped", [True, False])
    def test_a_storage_under_several_tensors_is_one_region(self, zipped):
        base = self.torch.randn(6, 4)
        state = {"all": base, "rows": base[2:5], "columns": base[:, 1], "turned": base.t(), "same": base}
        assert found(self.saved(state, _use_new_zipfile_serialization=zipped)) == raw(base)

    def test_what_follows_other_archives(self):
        first = self.saved({"a": self.torch.ones(3)})
        second = self.torch.randn(5)
        assert found(first + self.saved({"w": second}), "x.pt") == raw(second)

    def test_types_without_a_storage_of_their_own(self):
        tensor = self.torch.randn(8).to(self.torch.float8_e4m3fn)
        data = self.saved({"w": tensor})
        assert [(data, size) for data, size, _ in found(data)] == [(bytes(tensor.untyped_storage()), 1)]

    def test_a_compressed_archive_has_none(self):
        data, out = self.saved({"w": self.torch.randn(50)}), io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(data)) as old,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for entry in old.namelist():
                new.writestr(entry, old.read(entry))
        assert inspect(io.BytesIO(out.getvalue())).tensors
        assert found(out.getvalue()) == []
        assert found(gzip.compress(data), "m.pt") == []

    def test_torchscript_and_its_constants(self):
        torch = self.torch

        class Adds(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.body = torch.nn.Linear(3, 4)

            def forward(self, x):
                return self.body(x) + constant

        constant = torch.arange(4.0)
        net, file = Adds(), io.BytesIO()
        torch.jit.save(torch.jit.trace(net, torch.zeros(2, 3)), file)
        assert sorted(found(file.getvalue())) == raw(*net.state_dict().values(), constant)

    def test_package(self):
        from torch.package import PackageExporter

        net, file = self.torch.nn.Linear(3, 4), io.BytesIO()
        with PackageExporter(file) as exporter:
            exporter.extern("**")
            exporter.save_pickle("a", "x.pkl", net)
            exporter.save_pickle("b", "y.pkl", {"w": net.weight})
        assert sorted(found(file.getvalue())) == raw(*net.state_dict().values())

    def test_export(self):
        torch = self.torch
        net, file = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).eval(), io.BytesIO()
        torch.export.save(torch.export.export(net, (torch.zeros(1, 3),)), file)
        assert set(raw(*net.state_dict().values())) <= set(found(file.getvalue()))

    def test_the_older_layout_of_exports(self):
        state, out = {"w": self.torch.randn(3, 3)}, io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("serialized_exported_program.json", "{}")
            archive.writestr("serialized_state_dict.pt", self.saved(state))
        assert found(out.getvalue()) == raw(*state.values())

    @pytest.mark.parametrize("protocol", [2, 3, 4, 5])
    def test_plain_pickles_of_large_tensors(self, protocol):
        state = {"w": self.torch.randn(60, 50), "v": self.torch.randn(2000).double()}
        kept = found(pickle.dumps(state, protocol))
        # Before protocol 3 bytes are written as a text, which they are not.
        assert sorted(kept) == (raw(*state.values()) if protocol > 2 else [])

    def test_safetensors(self):
        from safetensors.torch import save

        state = {name: self.torch.from_numpy(some(name, 3, 5)) for name in PLAIN.split()[:9]}
        state["bf16"] = self.torch.randn(7, 2).bfloat16()
        state["f8"] = self.torch.randn(7, 2).to(self.torch.float8_e5m2)
        state["none"] = self.torch.zeros(0, 2)
        data = save(state, {"format": "pt"})
        assert sorted(found(data)) == raw(*(value for value in state.values() if value.numel()))


class TestHdf5:
    h5py = pytest.importorskip("h5py")

    def written(self, fill, **options):
        out = io.BytesIO()
        with self.h5py.File(out, "w", **options) as file:
            fill(file)
        return out.getvalue()

    @pytest.mark.parametrize("layout", ["earliest", "v108", "v110", "latest"])
    def test_every_layout_and_type(self, layout):
        arrays = {name: some(name, 3, 5) for name in PLAIN.split()}
        arrays["one"] = np.float32(1.5)
        arrays["big"] = some(">f4", 7)

        # More than eight links lie in a heap in the newer layouts, which isn't read.
        names = list(arrays) if layout == "earliest" else ["float32", "complex64", "one", "big"]

        def fill(file):
            for name in names:
                file[name] = arrays[name]
            file["none"] = np.zeros((0, 3))
            file["text"] = ["a", "bc"]
            file.create_dataset("unwritten", (5, 5))

        kept = found(self.written(fill, libver=(layout, "latest")))
        assert sorted(kept) == raw_arrays(*(arrays[name] for name in names))

    def test_chunks(self):
        array = some("f4", 64, 48)

        def fill(file):
            file.create_dataset("plain", data=array, chunks=(16, 12))
            file.create_dataset("small", data=array, chunks=(16, 12), compression="gzip")

        kept = found(self.written(fill))
        assert len(kept) == 16
        tiles = [array[y : y + 16, x : x + 12].tobytes() for y in range(0, 64, 16) for x in range(0, 48, 12)]
        assert sorted(data for data, _, _ in kept) == sorted(tiles)
        assert {place[1:] for place in kept} == {(4, "float32")}

    def test_many_chunks(self):
        array = some("i2", 5000)
        data = self.written(lambda file: file.create_dataset("w", data=array, chunks=(10,)))
        assert sorted(piece for piece, _, _ in found(data)) == sorted(
            array[at : at + 10].tobytes() for at in range(0, 5000, 10)
        )

    def test_a_small_array_in_its_header_is_left_out(self):
        def fill(file):
            plist = self.h5py.h5p.create(self.h5py.h5p.DATASET_CREATE)
            plist.set_layout(self.h5py.h5d.COMPACT)
            space = self.h5py.h5s.create_simple((4,))
            dataset = self.h5py.h5d.create(file.id, b"w", self.h5py.h5t.IEEE_F32LE, space, plist)
            dataset.write(self.h5py.h5s.ALL, self.h5py.h5s.ALL, np.ones(4, "f4"))

        data = self.written(fill)
        assert inspect(io.BytesIO(data)).parameters == 4
        assert found(data) == []


class TestKeras:
    @pytest.fixture(scope="class")
    def model(self):
        keras = pytest.importorskip("keras")
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2, dtype="bfloat16")]
        )
        model.compile("adam", "mse")
        return model

    @pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "m.h5"])
    def test_weights(self, model, tmp_path, name):
        (model.save_weights if ".weights." in name else model.save)(tmp_path / name)
        kept = found((tmp_path / name).read_bytes(), name)
        # The older format keeps bfloat16 as two bytes of no type.
        dtypes = {"bfloat16" if name != "m.h5" else "void16", "float32"}
        expected = {(np.asarray(value).tobytes(), np.asarray(value).itemsize) for value in model.weights}
        assert expected <= {place[:2] for place in kept}
        assert dtypes <= {dtype for _, _, dtype in kept}

    def test_compressed(self, model, tmp_path):
        model.save(tmp_path / "m.keras")
        out = io.BytesIO()
        with (
            zipfile.ZipFile(tmp_path / "m.keras") as old,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for entry in old.namelist():
                new.writestr(entry, old.read(entry))
        assert found(out.getvalue()) == []


ARRAYS = {
    "float": some("f4", 30, 40),
    "turned": np.asfortranarray(some("f8", 30, 40)),
    "big": some(">i4", 2000),
    "bool": some("?", 5000),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_npy(kind):
    out = io.BytesIO()
    np.save(out, ARRAYS[kind])
    assert found(out.getvalue()) == raw_arrays(ARRAYS[kind])


def test_npz():
    out = io.BytesIO()
    np.savez(out, **ARRAYS)
    assert sorted(found(out.getvalue())) == raw_arrays(*ARRAYS.values())
    out = io.BytesIO()
    np.savez_compressed(out, **ARRAYS)
    assert found(out.getvalue()) == []


def test_arrays_of_python_objects_have_no_raw_bytes():
    out = io.BytesIO()
    np.save(out, np.array([{}, None] * 1000, dtype=object), allow_pickle=True)
    assert found(out.getvalue()) == []


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickled_arrays(protocol):
    kept = found(pickle.dumps({"a": ARRAYS, "few": np.zeros(3)}, protocol))
    assert sorted(kept) == (raw_arrays(*ARRAYS.values()) if protocol > 2 else [])


def test_joblib(tmp_path):
    joblib = pytest.importorskip("joblib")
    joblib.dump({"a": ARRAYS, "few": np.ones(3)}, tmp_path / "m.joblib")
    data = (tmp_path / "m.joblib").read_bytes()
    assert sorted(found(data, "m.joblib")) == raw_arrays(*ARRAYS.values(), np.ones(3))
    joblib.dump(ARRAYS, tmp_path / "m.joblib", compress=3)
    assert found((tmp_path / "m.joblib").read_bytes(), "m.joblib") == []


def test_a_forest(tmp_path):
    joblib = pytest.importorskip("joblib")
    ensemble = pytest.importorskip("sklearn.ensemble")
    forest = ensemble.RandomForestClassifier(3, random_state=0)
    forest.fit(np.arange(80).reshape(40, 2), [0, 1] * 20)
    joblib.dump(forest, tmp_path / "m.joblib")
    kept = found((tmp_path / "m.joblib").read_bytes(), "m.joblib")
    nodes = [tree.tree_.__getstate__()["nodes"] for tree in forest.estimators_]
    assert {(tree.tobytes(), tree.itemsize) for tree in nodes} <= {place[:2] for place in kept}


def test_skops(tmp_path):
    skops = pytest.importorskip("skops.io")
    linear_model = pytest.importorskip("sklearn.linear_model")
    model = linear_model.LinearRegression().fit(some("f8", 50, 40), np.arange(50.0))
    assert set(raw_arrays(model.coef_)) <= set(found(skops.dumps(model)))


def test_onnx():
    onnx = pytest.importorskip("onnx")
    array = some("f4", 20, 30)
    weight = onnx.numpy_helper.from_array(array, "w")
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, 1, (1, None)) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], [weight])
    data = onnx.helper.make_model(graph).SerializeToString()
    assert found(data, "m.onnx") == raw_arrays(array)
