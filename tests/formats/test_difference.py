"""What became of each tensor between two snapshots, compared with what PyTorch and NumPy calculate."""

from __future__ import annotations

import io
import json
import math
import struct
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog.errors import UnreadableWeights
from autolog.formats import Tensor, difference, difference_of
from autolog.formats import _difference as module

np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore")


def safetensors(**arrays):
    """A file of arrays, each given with the name that safetensors has for its type."""
    entries, at, parts = {}, 0, []
    for name, (kind, array) in arrays.items():
        data = array.tobytes()
        entries[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        parts.append(data)
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + b"".join(parts)


def between(one, other):
    changes = difference(io.BytesIO(one), "one", io.BytesIO(other), "other")
    assert [change.name for change in changes] == sorted(change.name for change in changes)
    return {change.name: change for change in changes}


def kinds(changes):
    return {name: change.kind for name, change in changes.items()}


class TestTorch:
    torch = pytest.importorskip("torch")

    def saved(self, made, **options):
        file = io.BytesIO()
        self.torch.save(made, file, **options)
        return file.getvalue()

    def test_every_kind_of_change(self):
        torch = self.torch
        old = {
            "same": torch.randn(3, 4),
            "moved": torch.randn(5, 6),
            "gone": torch.randn(2),
            "grown": torch.randn(2, 3),
            "cast": torch.randn(4),
            "packed": torch.quantize_per_tensor(torch.randn(2, 2), 0.1, 0, torch.qint8),
            "none": torch.zeros(0, 3),
        }
        new = {
            "same": old["same"].t().contiguous().t(),
            "moved": old["moved"].clone(),
            "fresh": torch.randn(3),
            "grown": torch.randn(3, 3),
            "cast": old["cast"].bfloat16(),
            "packed": old["packed"],
            "none": torch.zeros(0, 3),
        }
        new["moved"][2, 3] += 2
        changes = between(
            self.saved(old),
            self.saved({"model": new, "optimizer": old}, _use_new_zipfile_serialization=False),
        )
        assert kinds(changes) == {
            "same": "unchanged", "moved": "changed", "gone": "removed", "fresh": "added", "grown": "reshaped",
            "cast": "retyped", "packed": "unseen", "none": "unchanged",
        }  # fmt: skip
        assert changes["gone"].old == Tensor("gone", (2,), "float32")
        assert changes["gone"].new is None
        assert changes["fresh"].new == Tensor("model.fresh", (3,), "float32")
        assert (changes["grown"].old.shape, changes["grown"].new.shape) == ((2, 3), (3, 3))
        assert (changes["cast"].old.dtype, changes["cast"].new.dtype) == ("float32", "bfloat16")
        apart = (old["cast"].double() - new["cast"].double()).norm().item()
        assert changes["cast"].norm == pytest.approx(apart)
        moved = changes["moved"]
        expected = (new["moved"].double() - old["moved"].double()).norm().item()
        assert moved.norm == pytest.approx(expected)
        assert moved.largest == pytest.approx(expected)
        assert moved.relative == pytest.approx(expected / old["moved"].double().norm().item())
        assert moved.share == pytest.approx(1 / 30)
        assert moved.nonfinite == 0
        assert changes["same"].norm is None

    TYPES = (
        "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz "
        "int64 int32 int16 int8 uint8 bool complex64 complex128"
    )

    @pytest.mark.parametrize("kind", TYPES.split())
    def test_every_element_type(self, kind):
        torch = self.torch
        dtype = getattr(torch, kind)
        torch.manual_seed(0)
        if dtype.is_complex:
            old, new = torch.randn(50, 3, dtype=dtype), torch.randn(50, 3, dtype=dtype)
        elif kind == "bool":
            old, new = torch.randn(50, 3) > 0, torch.randn(50, 3) > 0
        else:
            old, new = ((torch.randn(50, 3).abs() * 20).to(dtype) for _ in range(2))
        new[:10] = old[:10]
        change = between(self.saved({"w": old}), self.saved({"w": new.t().contiguous().t()}))["w"]
        wide = torch.complex128 if dtype.is_complex else torch.float64
        apart, known = new.to(wide) - old.to(wide), old.to(wide)
        raw = [value.contiguous().view(torch.uint8).view(150, -1) for value in (old, new)]
        assert change.kind == "changed"
        assert change.norm == pytest.approx(apart.norm().item())
        assert change.relative == pytest.approx((apart.norm() / known.norm()).item())
        assert change.largest == pytest.approx(apart.abs().max().item())
        assert change.share == pytest.approx((raw[0] != raw[1]).any(1).double().mean().item())
        assert change.nonfinite == 0

    @pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"])
    def test_every_number_of_eight_bits(self, kind):
        from autolog.formats._numbers import as_numbers

        codes = self.torch.arange(256, dtype=self.torch.uint8)
        truth = codes.view(getattr(self.torch, kind)).double().numpy()
        np.testing.assert_array_equal(as_numbers(bytes(range(256)), kind), truth)

    def test_powers_of_two(self):
        from autolog.formats._numbers import as_numbers

        if not hasattr(self.torch, "float8_e8m0fnu"):
            pytest.skip("this PyTorch hasn't got the type")
        codes = self.torch.arange(256, dtype=self.torch.uint8)
        truth = codes.view(self.torch.float8_e8m0fnu).float().double().numpy()
        np.testing.assert_array_equal(as_numbers(bytes(range(256)), "float8_e8m0fnu"), truth)

    def test_tied_and_renamed_containers(self, tmp_path):
        from safetensors.torch import save_model

        torch = self.torch
        net = torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.Linear(4, 7))
        net[1].weight = net[0].weight
        save_model(net, str(tmp_path / "m.safetensors"))
        changes = between(self.saved(net.state_dict()), (tmp_path / "m.safetensors").read_bytes())
        assert kinds(changes) == {"0.weight": "unchanged", "1.weight": "unchanged", "1.bias": "unchanged"}

    def test_shards(self):
        from safetensors.torch import save

        state = {"a": self.torch.ones(3), "b": self.torch.zeros(2)}
        files = [
            (f"m-{key}.safetensors", partial(io.BytesIO, save({key: value}))) for key, value in state.items()
        ]
        one = [("m.safetensors", partial(io.BytesIO, save({**state, "b": state["b"] + 3})))]
        changes = {change.name: change for change in difference_of(one, files)}
        assert kinds(changes) == {"a": "unchanged", "b": "changed"}
        assert changes["b"].norm == pytest.approx(3 * math.sqrt(2))
        with pytest.raises(UnreadableWeights):
            difference_of([("m.safetensors", partial(io.BytesIO, b"x"))], files)


def test_nan_and_infinity():
    nan, inf = math.nan, math.inf
    old = np.array([nan, inf, inf, 1, 2, -inf, 4], "f4")
    new = np.array([nan, inf, -inf, nan, 2, -inf, 7], "f4")
    change = between(safetensors(w=("F32", old)), safetensors(w=("F32", new)))["w"]
    assert (change.kind, change.norm, change.largest, change.nonfinite) == ("changed", 3.0, 3.0, 2)
    assert change.share == pytest.approx(3 / 7)
    assert change.relative == pytest.approx(3 / math.sqrt(1 + 4 + 16))
    same = between(safetensors(w=("F32", old)), safetensors(w=("F32", old)))["w"]
    assert same.kind == "unchanged"


def test_a_norm_of_zero():
    zeros = np.zeros(3, "f4")
    change = between(safetensors(w=("F32", zeros)), safetensors(w=("F32", -zeros)))["w"]
    assert (change.kind, change.norm, change.relative, change.share) == ("changed", 0.0, None, 1.0)


def test_types_that_we_can_not_calculate_with():
    one, other = np.arange(4, dtype="u1"), np.arange(1, 5, dtype="u1")

    def packed(array):
        data = safetensors(w=("F4", array))
        return data.replace(b"[4], ", b"[8], ")

    assert between(packed(one), packed(one))["w"].kind == "unchanged"
    change = between(packed(one), packed(other))["w"]
    assert (change.kind, change.norm, change.share) == ("changed", None, None)


def test_the_same_file_twice():
    data = safetensors(a=("F32", np.ones((3, 4), "f4")), b=("I64", np.arange(3)))
    file = io.BytesIO(data)
    assert {change.kind for change in difference(file, "a/b", file, "c")} == {"unchanged"}


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.integers(0, 1 << 16), st.sampled_from(["F32", "F16", "I16", "U64", "BOOL"]))
def test_pieces_do_not_matter(count, seed, kind):
    random = np.random.default_rng(seed)
    code = {"F32": "f4", "F16": "f2", "I16": "i2", "U64": "u8", "BOOL": "?"}[kind]
    old = random.integers(0, 2 if kind == "BOOL" else 1000, count).astype(code)
    new = np.where(random.random(count) < 0.3, old, np.roll(old, 1))
    whole = between(safetensors(w=(kind, old)), safetensors(w=(kind, new)))["w"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ELEMENTS", 7)
        patch.setattr(module, "PIECE", 24)
        cut = between(safetensors(w=(kind, old)), safetensors(w=(kind, new)))["w"]
    if whole.kind == "unchanged":
        assert cut == whole
        assert old.tobytes() == new.tobytes()
        return
    apart = new.astype("f8") - old.astype("f8")
    for change in (whole, cut):
        assert change.norm == pytest.approx(float(np.linalg.norm(apart)))
        assert change.largest == float(np.abs(apart).max())
        assert change.share == pytest.approx(float(np.mean(old != new)))


def test_keras(tmp_path):
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="a")])
    model.save(tmp_path / "m.keras")
    kernel = model.layers[0].kernel.numpy()
    model.layers[0].kernel.assign(kernel + 1)
    model.save_weights(tmp_path / "m.weights.h5")
    changes = between((tmp_path / "m.keras").read_bytes(), (tmp_path / "m.weights.h5").read_bytes())
    assert sorted(kinds(changes).values()) == ["changed", "unchanged"]
    change = next(change for change in changes.values() if change.kind == "changed")
    assert change.norm == pytest.approx(math.sqrt(6), rel=1e-5)


def test_formats_whose_bytes_we_do_not_find(tmp_path):
    joblib = pytest.importorskip("joblib")
    joblib.dump({"w": np.ones(9), "v": np.ones(2)}, tmp_path / "one.joblib", compress=3)
    joblib.dump({"w": np.ones(9), "v": np.ones(3)}, tmp_path / "other.joblib", compress=3)
    changes = between((tmp_path / "one.joblib").read_bytes(), (tmp_path / "other.joblib").read_bytes())
    assert kinds(changes) == {"w": "unseen", "v": "reshaped"}


@pytest.mark.core
def test_files_that_are_no_weights():
    for data in (b"", b"a text", b"\x93NUMPY"):
        with pytest.raises(UnreadableWeights):
            between(data, safetensors(w=("F32", np.ones(2, "f4"))))
