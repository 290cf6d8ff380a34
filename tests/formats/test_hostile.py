"""Files built to exhaust or confuse the reader: an answer, in bounded time and memory."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolog.formats import Contents, arrays, inspect, regions, weights_digest

pytestmark = [pytest.mark.core, pytest.mark.slow]

TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu%btQK\x00%b%b\x89ccollections\nOrderedDict\n)RtR"
)


def tensor(length=b"K\x06", shape=b"K\x02K\x03\x86", strides=b"K\x03K\x01\x86"):
    """The pickle of one tensor."""
    return b"\x80\x02" + TENSOR % (length, shape, strides) + b"."


def archive(pickled, compression=zipfile.ZIP_STORED, storage=24):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        made.writestr("archive/data.pkl", pickled)
        made.writestr("archive/data/0", b"\0" * storage)
    return file.getvalue()


def joblib_array(shape=b"K\x03\x85", kind=b"f8", elements=b"\0" * 24):
    return (
        b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\x05\x00\x00\x00shape" + shape
        + b"X\x05\x00\x00\x00dtypecnumpy\ndtype\n(X\x02\x00\x00\x00" + kind + b"\x89\x88tR"
        + b"X\x1b\x00\x00\x00numpy_array_alignment_bytesK\x10ub\x02\xff\xff" + elements + b"."
    )  # fmt: skip


def ubj(text):
    return b"L" + struct.pack(">q", len(text)) + text


XGBOOST = (
    b"{" + ubj(b"learner") + b"{" + ubj(b"objective") + b"{" + ubj(b"name") + b"S" + ubj(b"reg") + b"}"
    + ubj(b"w") + b"[$d#L" + struct.pack(">q", 20) + b"\0" * 80 + b"}}"
)  # fmt: skip
SAFETENSORS = json.dumps({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
SOUND = {
    "zip": archive(tensor()),
    "zip deflated": archive(tensor(), zipfile.ZIP_DEFLATED),
    "pickle": pickle.dumps({"a": [1, 2.5, ("x", None)], "b": {"c": b"bytes"}}),
    "pickle 0": pickle.dumps({"a": [1, 2.5, ("x", None)], "b": {3: 1 << 70}}, 0),
    "tensor": tensor(),
    "joblib": joblib_array(),
    "joblib zlib": zlib.compress(joblib_array()),
    "joblib gzip": gzip.compress(joblib_array()),
    "joblib xz": lzma.compress(joblib_array()),
    "safetensors": struct.pack("<Q", len(SAFETENSORS)) + SAFETENSORS + b"\0" * 24,
    "xgboost json": b'{"learner":{"objective":{"name":"r"},"w":[1,2.5E-1],"t":["a\\"b"]},"version":[3,0,0]}',
    "xgboost ubj": XGBOOST,
}
SHOWS = {"zip", "joblib", "safetensors"}


def test_the_samples_are_sound(look):
    for data in SOUND.values():
        assert look(data, "model.pkl").dangerous == ()
    assert [found.shape for found in look(SOUND["zip"]).tensors] == [(2, 3)]
    assert [found.shape for found in look(SOUND["joblib xz"]).tensors] == [(3,)]
    assert {kind for kind, data in SOUND.items() if regions(io.BytesIO(data), "model.pkl")} == SHOWS


@pytest.mark.parametrize("sample", SOUND)
def test_truncated_anywhere(any_outcome, sample):
    data = SOUND[sample]
    for length in range(len(data)):
        found = any_outcome(data[:length], "model.pkl")
        assert not isinstance(found, Contents) or not found.tensors, length


@pytest.mark.parametrize("sample", SOUND)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes(any_outcome, sample, data):
    broken = bytearray(SOUND[sample])
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    any_outcome(bytes(broken), data.draw(st.sampled_from(["", "m.pkl", "m.safetensors"])))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(
        [b"", b"\x80\x02", b"\x80\x04", b"PK\x03\x04", b"{", b"\x78\x9c", b"\x1f\x8b", b"BZh9"]
    ),
    rest=st.binary(max_size=400),
)
def test_arbitrary_bytes(any_outcome, start, rest):
    any_outcome(start + rest, "model.pkl")


_CODES = (
    b"\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x91\x92\x93\x94\x97\x98()}]K.0122NRQabcdeghijlopqrstu"
)
OPERATIONS = [bytes((code,)) for code in _CODES]


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*OPERATIONS, b"K\x01", b"q\x00", b"h\x00"]), max_size=60))
def test_arbitrary_operations(any_outcome, operations):
    """Every operation on every kind of value: on marks, empty stacks, containers and objects."""
    any_outcome(b"\x80\x04}(q\x00cmy\nC\n)\x81)]" + b"".join(operations) + b".")


def test_memo_indices_reserve_nothing(frugal):
    assert isinstance(frugal(b"\x80\x02Nr\xf0\xff\xff\xff.", megabytes=5), Contents)
    assert isinstance(frugal(b"\x80\x02Np4294967295\n0g4294967295\n.", megabytes=5), Contents)


def test_a_doubled_tuple_is_no_key_to_hash(frugal):
    data = b"\x80\x02K\x01" + b"2\x86" * 60 + b"q\x00}h\x00Ns."
    assert isinstance(frugal(data), Contents)
    assert isinstance(frugal(b"\x80\x02}]K\x01" + b"2\x86" * 60 + b"as."), Exception)
    assert isinstance(frugal(b"\x80\x04\x8f(K\x01" + b"2\x86" * 60 + b"\x90."), Contents)


def test_billions_of_paths_are_walked_for_a_while_only(frugal):
    laughs = b"\x80\x02" + TENSOR % (b"K\x06", b"K\x06\x85", b"K\x01\x85")
    for level in range(12):
        laughs += b"q%c](" % level + b"h%c" % level * 10 + b"e"
    found = frugal(archive(laughs + b"."))
    assert "incomplete" in found.details
    assert found.parameters == 6


def test_cycles_end(look):
    assert look(b"\x80\x02]q\x00h\x00a.").tensors == ()
    assert look(b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.").tensors == ()
    assert look(b"\x80\x02cmy\nC\n)\x81q\x00}X\x01\x00\x00\x00ah\x00sb.").tensors == ()


@pytest.mark.parametrize("nest", [b"]a", b"\x85", b"cmy\nC\n\x85R", b"}K\x01s"])
def test_nesting_without_end(frugal, nest):
    if nest in (b"]a", b"}K\x01s"):
        data = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    elif b"c" in nest:
        data = b"\x80\x02" + b"cmy\nC\n" * 100_000 + b")" + b"R\x85" * 100_000 + b"."
    else:
        data = b"\x80\x02N" + nest * 300_000 + b"."
    assert isinstance(frugal(data), Contents)


@pytest.mark.parametrize("code", [b"X", b"\x8d", b"B", b"\x8e", b"\x96", b"T", b"\x8b", b"\x8a", b"\x95"])
@pytest.mark.parametrize("length", [b"\xff" * 8, b"\xff\xff\xff\x7f\x00\x00\x00\x00", b"\xff" * 7 + b"\x7f"])
def test_lengths_beyond_the_file(frugal, code, length):
    assert isinstance(frugal(b"\x80\x04" + code + length + b"x.", megabytes=5), (Exception, Contents))


def test_operations_without_end(any_outcome):
    found = any_outcome(b"\x80\x02" + b"N0" * 3_000_000 + b"cos\nsystem\n.")
    assert "operations" in found.details["incomplete"]


def test_zip_bombs(frugal):
    bomb = archive(b"\x80\x02" + b"N0" * 20_000_000 + b".", zipfile.ZIP_DEFLATED)
    assert "expands" in str(frugal(bomb, megabytes=50))


def test_compression_bombs(frugal, monkeypatch):
    monkeypatch.setattr("autolog.formats.pickles._INFLATED", 1 << 26)
    compressor = zlib.compressobj(9)
    zeros = b"\0" * (1 << 20)
    data = compressor.compress(joblib_array(shape=b"J\x00\x00\x00\x0c\x85", elements=b""))
    data += b"".join(compressor.compress(zeros) for _ in range(100)) + compressor.flush()
    found = frugal(data, megabytes=20)
    assert "decompressed" in found.details["incomplete"]


def test_lzma_headers_that_ask_for_memory(frugal):
    header = b"\x5d" + struct.pack("<I", 0xFFFFFFFF) + b"\xff" * 8
    assert not isinstance(frugal(header + b"\0" * 100, "m.joblib", megabytes=20), Contents)


@pytest.mark.parametrize(
    "pickled",
    [
        tensor(shape=b"J\xff\xff\xff\xffK\x03\x86"),
        tensor(shape=b"\x8a\x09" + b"\xff" * 8 + b"\x00K\x03\x86"),
        tensor(shape=b"K\x04K\x03\x86"),
        tensor(strides=b"J\xff\xff\xff\xffK\x03\x86"),
        tensor(strides=b"K\x01\x85"),
        tensor(length=b"K\x07"),
        tensor(length=b"J\xff\xff\xff\xff"),
        tensor(length=b"N"),
    ],
)
def test_tensors_that_cannot_be(any_outcome, pickled):
    assert isinstance(any_outcome(archive(pickled)), str)


@pytest.mark.parametrize(
    "shape", [b"J\xff\xff\xff\xff\x85", b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85", b"K\x05\x85"]
)
def test_joblib_arrays_that_cannot_be(any_outcome, shape):
    assert isinstance(any_outcome(joblib_array(shape=shape)), str)


def test_zip_directories_that_lie(any_outcome):
    data = bytearray(SOUND["zip"])
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = b"\xf0\xff\xff\xff"
    assert "directory" in any_outcome(bytes(data))


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000])
def test_deep_json(any_outcome, deep):
    assert isinstance(any_outcome(b'{"learner":{"a":' + deep), str)
    header = b'{"__metadata__":' + deep
    assert isinstance(any_outcome(struct.pack("<Q", len(header)) + header), str)


def test_deep_and_long_ubjson(any_outcome, frugal):
    begin = b"{" + ubj(b"learner") + b"{" + ubj(b"a")
    assert isinstance(any_outcome(begin + b"[" * 100_000), str)
    many = struct.pack(">q", 1 << 60)
    for kind in (b"d", b"Z", b"[", b"{", b"S", b"N"):
        assert isinstance(frugal(begin + b"[$" + kind + b"#L" + many + b"\0" * 100, megabytes=5), Exception)
    negative = struct.pack(">q", -5)
    assert isinstance(any_outcome(begin + b"[$d#L" + negative), str)
    # Values that take no bytes are bounded by their count.
    nothing = begin + b"[$Z#L" + struct.pack(">q", 3_100_000)
    assert isinstance(frugal(nothing + b"\0" * 3_100_010), Contents)


def test_files_of_other_kinds(any_outcome):
    empty_zip = io.BytesIO()
    with zipfile.ZipFile(empty_zip, "w") as made:
        made.writestr("model.json", "{}")
    samples = [
        b"", b"\x80", b"x", b"GGUF" + b"\0" * 50, b"\x93NUMPY\x01\x00",
        b'{"a": 1}', b'{"version": 1}', b"some text.", b"binf" + b"\0" * 200, gzip.compress(b"text" * 100),
        empty_zip.getvalue(), b"\0" * 1000, bytes(range(256)) * 8,
    ]  # fmt: skip
    for data in samples:
        assert any_outcome(data) is None, data[:20]
        assert any_outcome(data, "model.h5") is None, data[:20]


def npy(shape, elements=b"\0" * 24, kind=b"<f4"):
    header = b"{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n" % (kind, shape)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + elements


def test_arrays_of_numpy_beyond_their_file():
    assert [place.length for place in regions(io.BytesIO(npy(b"2, 3")))] == [24]
    for shape in (b"7,", b"-1,", b"-3, -3", b"1 << 60,", b"1152921504606846976, 9", b"2.0,", b"[2, 3]"):
        assert regions(io.BytesIO(npy(shape))) == ()
    assert regions(io.BytesIO(npy(b"2, 3", kind=b"<f99999999"))) == ()


def test_no_regions_and_no_exception():
    class Away(io.BytesIO):
        def read(self, *_):
            raise OSError("gone")

    for data in (b"", b"x", b"\x80\x04N.", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04", b"\x93NUMPY\x01\x00"):
        assert regions(io.BytesIO(data)) == ()
        assert regions(io.BytesIO(data), "m.safetensors") == ()
        assert regions(Away(data)) == ()


def test_storages_that_share_their_bytes():
    """Two entries of a directory that lead to the same place, one that leads into another."""
    pickled = b"\x80\x02]" + b"".join(
        TENSOR.replace(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x00" + key)
        % (b"K\x06", b"K\x06\x85", b"K\x01\x85")
        + b"a"
        for key in (b"0", b"1")
    )
    data = archive(pickled + b".", storage=24)
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        at = data.index(b"PK\x01\x02", made.infolist()[-1].header_offset)
    entries = data[at:-22]
    last = entries[entries.rindex(b"PK\x01\x02") :]
    doubled = entries + last[:-1] + b"1"
    end = bytearray(data[-22:])
    end[8:16] = struct.pack("<HHI", 3, 3, len(doubled))
    found = inspect(io.BytesIO(data[:at] + doubled + end))
    assert len(found.tensors) == 2
    assert [place.length for place in found.regions] == [24]


NOTHING = b"K\x00"


@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        (b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85", NOTHING + b"\x85"),
        (b"J\x00\x00\x10\x00J\x00\x00\x10\x00\x86", NOTHING * 2 + b"\x86"),
        (b"J\x00\x00\x10\x00J\x00\x00\x10\x00K\x06\x87", NOTHING * 2 + b"K\x01\x87"),
    ],
    ids=["2**40", "2**20 twice", "with an end"],
)
def test_four_bytes_that_are_a_terabyte(shape, strides):
    data = archive(tensor(shape=shape, strides=strides))
    assert len(arrays(io.BytesIO(data))) == 1
    tracemalloc.start()
    assert weights_digest(io.BytesIO(data)) is None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5 << 20


def test_one_storage_under_many_tensors():
    many = TENSOR % (b"J\x00\x00\x10\x00", b"J\x00\x00\x0f\x00\x85", b"K\x01\x85")
    views = b"".join(many.replace(b"QK\x00", b"QM" + struct.pack("<H", at)) + b"a" for at in range(2000))
    data = archive(b"\x80\x02]" + views + b".", storage=4 << 20)
    assert len(arrays(io.BytesIO(data))) == 2000
    assert weights_digest(io.BytesIO(data)) is None


def test_a_storage_of_two_types_has_no_place():
    other = (TENSOR % (b"K\x03", b"K\x03\x85", b"K\x01\x85")).replace(b"FloatStorage", b"DoubleStorage")
    one = TENSOR % (b"K\x06", b"K\x06\x85", b"K\x01\x85")
    data = archive(b"\x80\x02]" + one + b"a" + other + b"a.")
    assert [stored.place for stored in arrays(io.BytesIO(data))] == [None, None]
    assert weights_digest(io.BytesIO(data)) is None


def test_digests_of_what_can_not_be_read():
    for data in (*SOUND.values(), b"", b"PK\x03\x04", npy(b"7,"), npy(b"2, 3", kind=b"|O")):
        for length in range(0, len(data), 7):
            assert weights_digest(io.BytesIO(data[:length]), "model.pkl") is None


def test_the_position_of_the_file_is_arbitrary():
    file = io.BytesIO(SOUND["pickle"])
    file.seek(0, io.SEEK_END)
    assert inspect(file).format == "pickle"
