"""HDF5 files, compared with what h5py lists."""

from __future__ import annotations

import io
import struct

import pytest

h5py = pytest.importorskip("h5py")
np = pytest.importorskip("numpy")

DTYPES = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128"


def written(fill, **options):
    out = io.BytesIO()
    with h5py.File(out, "w", **options) as file:
        fill(file)
    return out.getvalue()


def listed(data):
    """What h5py says: path, shape and type of every array."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = (item.shape or (), str(item.dtype))

    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(visit)
    return found


def named(contents):
    return {row.name: (row.shape, row.dtype) for row in contents.tensors}


def all_types(file):
    for name in DTYPES.split():
        file[f"types/{name}"] = np.zeros((2, 3), name)
        file[f"big/{name}"] = np.zeros(4, np.dtype(name).newbyteorder(">"))
    file["scalar"] = 1.5
    file["none/of"] = np.zeros((0, 5))
    file.create_dataset(
        "chunked", (100, 100), "f4", chunks=(10, 10), compression="gzip", maxshape=(None, 100)
    )


@pytest.mark.parametrize("layout", ["earliest", "latest", "v108", "v110", "v112"])
def test_every_layout_and_type(look, layout):
    data = written(all_types, libver=(layout, "latest"))
    found = look(data, "weights.bin")
    assert found.format == "HDF5"
    expected = {name: (shape, str(np.dtype(kind).name)) for name, (shape, kind) in listed(data).items()}
    if "incomplete" not in found.details:
        assert named(found) == expected
    else:
        assert layout != "earliest"
        assert named(found).items() <= expected.items()


def test_few_links_are_read_in_the_newest_layout(look):
    def fill(file):
        for number in range(6):
            file[f"deep/er/{number}"] = np.zeros(number)
        file.attrs["note"] = "ünicode"

    data = written(fill, libver="latest")
    found = look(data)
    assert named(found) == listed(data)
    assert found.details == {"note": "ünicode"}


@pytest.mark.parametrize("options", [{"libver": "latest"}, {"track_order": True}])
def test_many_links_in_the_newest_layout_are_reported(look, options):
    def fill(file):
        for number in range(50):
            file[f"a/{number}"] = np.zeros(2)

    found = look(written(fill, **options))
    assert "incomplete" in found.details or len(found.tensors) == 50


@pytest.mark.parametrize("count", [1, 9, 700, 5000])
def test_groups_of_many_arrays(look, count):
    def fill(file):
        for number in range(count):
            file[f"layer with a rather long name {number}/kernel"] = np.float32(number)

    data = written(fill)
    found = look(data)
    assert named(found) == listed(data)
    assert found.parameters == count


def test_links_of_all_kinds_and_circles(look):
    def fill(file):
        file["a/w"] = np.zeros(3, "f4")
        file["same"] = file["a/w"]
        file["a/up"] = file["/"]
        file["soft"] = h5py.SoftLink("/a/w")
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/w")
        file["kind"] = np.dtype("f8")
        file.create_dataset("typed", (2,), file["kind"])

    for layout in ("earliest", "latest"):
        found = look(written(fill, libver=layout))
        assert sorted(named(found).values()) == [((2,), "float64"), ((3,), "float32")], layout


def test_unusual_elements(look):
    def fill(file):
        file["texts"] = ["a", "bc"]
        file["fixed"] = np.array([b"abc", b"d"])
        file["pairs"] = np.zeros(3, [("a", "i4"), ("b", "f8")])
        file["arrays"] = np.zeros(3, np.dtype(("f4", (2, 5))))
        file["empty"] = h5py.Empty("f4")
        file["ragged"] = np.array([np.zeros(2), np.zeros(3)], dtype=h5py.vlen_dtype("f4"))

    found = look(written(fill))
    assert named(found)["arrays"] == ((3, 2, 5), "float32") or named(found)["arrays"] == ((3, 2, 5), "void")
    assert named(found)["texts"] == ((2,), "object")
    assert named(found)["fixed"] == ((2,), "bytes24")
    assert found.parameters >= 33


def test_attributes(look):
    def fill(file):
        file["w"] = np.zeros(2)
        file.attrs["text"] = "x" * 500
        file.attrs["fixed"] = np.bytes_(b"fixed")
        file.attrs["whole"] = np.int32(-7)
        file.attrs["half"] = np.float32(0.5)
        file.attrs["large"] = np.uint64(2**64 - 1)
        file.attrs["infinite"] = np.float64("inf")
        file.attrs["names"] = ["a", "b", "c"]
        file.attrs["numbers"] = [1, 2, 3]
        file.attrs["none"] = h5py.Empty("f4")

    details = look(written(fill)).details
    assert details == {
        "text": "x" * 200,
        "fixed": "fixed",
        "whole": -7,
        "half": 0.5,
        "large": str(2**64 - 1),
        "infinite": "inf",
        "names": 3,
    }


def test_truncated_anywhere(any_outcome):
    data = written(all_types)
    for length in range(8, len(data), 61):
        assert isinstance(any_outcome(data[:length]), str), length


def cyclic(data):
    """The root's symbol table points to a tree whose children are itself."""
    at = data.index(b"TREE")
    broken = bytearray(data)
    broken[at + 5] = 1
    broken[at + 6 : at + 8] = struct.pack("<H", 200)
    for child in range(at + 32, min(at + 32 + 16 * 200, len(broken) - 8), 16):
        broken[child : child + 8] = struct.pack("<Q", at)
    return bytes(broken)


def test_a_tree_that_is_its_own_child_ends(any_outcome):
    data = written(lambda file: file.create_group("a")) + b""
    found = any_outcome(cyclic(data))
    assert isinstance(found, str) or "incomplete" in found.details


def test_a_header_that_continues_in_itself_ends(any_outcome):
    data = bytearray(written(lambda file: [file.create_dataset(f"w{n}", (3,)) for n in range(3)]))
    for place in range(96, len(data) - 24, 8):
        broken = bytearray(data)
        # A continuation message (0x10) of 16 bytes that leads back to where it stands.
        broken[place : place + 24] = struct.pack("<HHB3xQQ", 0x10, 16, 0, place, 24)
        any_outcome(bytes(broken))


def test_trees_of_chunks_without_end(look, any_outcome):
    def fill(file):
        for number in range(50):
            file.create_dataset(f"w{number}", data=np.zeros(100, "f4"), chunks=(10,))

    data = written(fill)
    assert len(look(data).regions) == 500
    place = len(data)
    # Each tree is one node of sixty thousand children, and they are that node again.
    node = b"TREE\x01\x01" + struct.pack("<HQQ", 60_000, 2**64 - 1, 2**64 - 1)
    node += struct.pack("<IIQQQ", 40, 0, 0, 0, place) * 60_000
    grown = bytearray(data + node)
    grown[40:48] = struct.pack("<Q", len(grown))
    at = 0
    while (at := data.find(b"\x03\x02\x02", at)) >= 0:
        grown[at + 3 : at + 11] = struct.pack("<Q", place)
        at += 1
    found = any_outcome(bytes(grown))
    assert len(found.tensors) == 50
    assert "incomplete" not in found.details
    assert found.regions == ()


def test_links_that_share_a_long_name_are_bounded(any_outcome):
    data = written(lambda file: [file.create_dataset(f"{n}" * 400, (1,)) for n in range(8)])
    broken = bytearray(data)
    at = data.index(b"SNOD")
    broken[at + 6 : at + 8] = b"\xff\xff"
    any_outcome(bytes(broken))
