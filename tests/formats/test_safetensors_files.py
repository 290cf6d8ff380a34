"""Files that safetensors wrote, and headers that it wouldn't write."""

from __future__ import annotations

import json
import struct

import pytest

st = pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")

from safetensors.torch import save  # noqa: E402

TYPES = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool float8_e4m3fn float8_e5m2"


def test_names_shapes_and_types(look):
    state = {f"layer.{name}": torch.zeros(2, 3).to(getattr(torch, name)) for name in TYPES.split()}
    state["scalar"] = torch.tensor(1.0)
    state["empty"] = torch.zeros(0, 4)
    found = look(save(state, {"format": "pt"}))
    assert found.format == "safetensors"
    assert {row.name: (row.shape, f"torch.{row.dtype}") for row in found.tensors} == {
        key: (tuple(value.shape), str(value.dtype)) for key, value in state.items()
    }
    assert found.parameters == sum(value.numel() for value in state.values())
    assert found.details == {"metadata": {"format": "pt"}}
    assert found.dangerous == ()


@pytest.mark.parametrize("length", [640, 896, 1152, 1408, 376])
@pytest.mark.parametrize("name", ["model.safetensors", "", "model.pkl"])
def test_a_header_as_long_as_a_pickle_begins(look, length, name):
    """Their first two bytes are those of pickles of protocol 2 to 5, and of compressed ones."""
    for fill in range(length):
        data = save({"w": torch.ones(3)}, {"note": "x" * fill})
        if int.from_bytes(data[:8], "little") == length:
            break
    assert data[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x78\x01")
    found = look(data, name)
    assert (found.format, found.parameters) == ("safetensors", 3)


def test_no_tensors(look):
    found = look(save({}), "model.safetensors")
    assert found.tensors == ()
    assert found.parameters == 0


def test_truncated_files(any_outcome):
    data = save({"a": torch.zeros(3), "b": torch.ones(2, 2)})
    for length in range(10, len(data)):
        assert isinstance(any_outcome(data[:length], "model.safetensors"), str)
    assert isinstance(any_outcome(data + b"\0", "model.safetensors"), str)


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "header",
    [
        {"a": {**GOOD, "shape": [-2]}},
        {"a": {**GOOD, "shape": [3]}},
        {"a": {**GOOD, "shape": [1 << 70]}},
        {"a": {**GOOD, "shape": "2"}},
        {"a": {**GOOD, "shape": [True, 2]}},
        {"a": {**GOOD, "shape": [0] * 100}},
        {"a": {**GOOD, "dtype": "F99"}},
        {"a": {**GOOD, "dtype": ["F32"]}},
        {"a": {**GOOD, "data_offsets": [8, 0]}},
        {"a": {**GOOD, "data_offsets": [0]}},
        {"a": {**GOOD, "data_offsets": [0, 1 << 62]}},
        {"a": {**GOOD, "data_offsets": [4, 12]}},
        {"a": GOOD, "b": {**GOOD, "data_offsets": [4, 12]}},
        {"a": {}},
        {"a": None},
        [1, 2],
    ],
)
def test_headers_that_lie(any_outcome, header):
    written = json.dumps(header).encode()
    for data in (struct.pack("<Q", len(written)) + written + b"\0" * 8,):
        found = any_outcome(data, "model.safetensors")
        assert isinstance(found, str)
        with pytest.raises(st.SafetensorError):
            st.deserialize(data)


@pytest.mark.parametrize("length", [0, 1, 1 << 20, 100_000_001, 1 << 63, (1 << 64) - 1])
def test_header_lengths_that_lie(any_outcome, length):
    assert isinstance(any_outcome(struct.pack("<Q", length) + b'{"a":1}', "model.safetensors"), str)
