"""Small files that say much by saying the same again and again: it is followed once, or for a while."""

from __future__ import annotations

import io
import json
import lzma
import struct
import zipfile

import pytest

from autolog.formats import arrays, inspect, inspect_bundle

pytestmark = [pytest.mark.core, pytest.mark.slow]

TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQK\x00K\x06\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
)
MANY = 100_000


def text(said):
    data = said.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def memo(number):
    return b"q" + bytes((number,))


def torch_file(pickled):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("archive/data.pkl", b"\x80\x02" + pickled + b".")
        made.writestr("archive/data/0", b"\0" * 24)
    return file.getvalue()


def listed(items):
    return b"](" + items + b"e"


class TestPickles:
    def test_a_list_without_arrays_is_walked_once(self, look):
        plain = listed(b"K\x01" * MANY) + memo(0) + b"0"
        again = listed(b"h\x00" * MANY)
        found = look(torch_file(plain + b"}(" + text("model") + TENSOR + text("records") + again + b"u"))
        assert [tensor.name for tensor in found.tensors] == ["model"]
        assert "incomplete" not in found.details

    def test_a_list_with_one_is_walked_for_a_while(self, look):
        mixed = listed(TENSOR + b"K\x01" * MANY) + memo(0) + b"0"
        found = look(torch_file(mixed + listed(b"h\x00" * MANY)))
        assert "nested values" in found.details["incomplete"]
        assert found.parameters == 6
        assert found.stored == ()

    def test_a_circle_is_no_reason_to_pass_over_an_array(self, look):
        """`a` holds `b` and an array, `b` holds `a`: below `a` there is nothing new in `b`."""
        data = b"]q\x00]q\x01h\x00a0h\x00(h\x01" + TENSOR + b"e0" + listed(b"h\x00h\x01")
        assert [tensor.name for tensor in look(torch_file(data)).tensors] == ["0.1", "1.0.1"]

    def test_many_objects_of_one_state(self, look):
        state = b"}(" + b"".join(text(f"a{at}") + b"K\x01" for at in range(MANY)) + b"u" + memo(0) + b"0"
        one = b"cmy\nNet\n" + memo(1) + b"0"
        found = look(torch_file(state + one + listed(b"h\x01)\x81h\x00b" * MANY)))
        assert found.tensors == ()
        assert found.details["imports"] == ["my.Net"]

    def test_many_mappings_of_one_list(self, frugal):
        pairs = listed(b"K\x01K\x02\x86" * MANY) + b"\x85" + memo(0) + b"0"
        one = b"ccollections\nOrderedDict\n" + memo(1) + b"0"
        found = frugal(torch_file(pairs + one + listed(b"h\x01h\x00R" * MANY)), megabytes=300)
        assert "operations" in found.details["incomplete"]
        given = b"ccollections\nOrderedDict\n" + listed(b"K\x01K\x02\x86") + b"\x85R"
        assert inspect(io.BytesIO(torch_file(given))).details == {}

    def test_many_objects_of_one_tuple_of_arguments(self, frugal):
        given = b"(cmy\nNet\n" + b"K\x01" * MANY + b"t" + memo(0) + b"0"
        one = b"ccopy_reg\n__newobj__\n" + memo(1) + b"0"
        found = frugal(torch_file(given + one + listed(b"h\x01h\x00R" * MANY)), megabytes=100)
        assert "operations" in found.details["incomplete"]

    def test_an_array_that_is_filled_again_and_again(self, frugal):
        facts = b"".join(text(f"a{at}") + b"K\x01" for at in range(MANY))
        kind = b"cnumpy\ndtype\n(" + text("f8") + b"\x89\x88tR"
        wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81"
        state = b"}(" + facts + text("shape") + b"K\x00\x85" + text("dtype") + kind + b"u" + memo(0)
        found = frugal(b"\x80\x02" + wrapper + state + b"b" + b"h\x00b" * MANY + b".")
        assert [tensor.shape for tensor in found.tensors] == [(0,)]

    def test_pickles_in_pickles_count(self, look):
        inner = b"\x80\x02" + b"N0" * 2000 + b"."
        loads = (
            b"ctorch.storage\n_load_from_bytes\nq\x00B" + struct.pack("<I", len(inner)) + inner + b"\x85q\x01"
        )
        found = look(b"\x80\x02" + loads + b"h\x00h\x01R0" * 2000 + b"N.")
        assert "operations" in found.details["incomplete"]
        assert found.dangerous == ("torch.storage._load_from_bytes",)

    def test_a_long_key_of_a_mapping_that_is_there_often(self, look):
        mapping = b"}" + text("a_" * 30_000) + TENSOR + b"s" + memo(0) + b"0"
        found = look(torch_file(mapping + listed(b"h\x00" * 50_000)))
        assert len(found.tensors) == 50_000
        assert found.stored == ()  # not all of their names fit

    def test_a_long_name_of_a_class(self, any_outcome):
        name = text("my.lib") + text("A" * 60_000) + b"\x93" + memo(0) + b"0"
        assert "name" in any_outcome(b"\x80\x04" + name + listed(b"h\x00)R" * MANY) + b".")

    def test_metadata_of_tensors_that_share_their_state(self, look):
        state = (
            b"}(" + b"".join(text(f"a{at}") + b"K\x01" for at in range(MANY)) + text("size") + b"K\x03\x85u"
        )
        one = b"ctorch.distributed.checkpoint.metadata\nTensorStorageMetadata\n"
        data = state + memo(0) + b"0" + one + memo(1) + b"0"
        data += (
            b"ctorch.distributed.checkpoint.metadata\nMetadata\n)\x81}" + text("state_dict_metadata") + b"}("
        )
        data += b"".join(text(f"t{at}") + b"h\x01)\x81h\x00b" for at in range(MANY))
        found = look(b"\x80\x02" + data + b"usb.")
        assert len(found.tensors) == MANY
        assert found.parameters == 3 * MANY

    def test_what_expands_a_thousandfold(self, look):
        data = b"\x80\x02]" + b"B" + struct.pack("<I", 100 << 20) + bytes(100 << 20) + b"a."
        found = look(lzma.compress(data, preset=0), "m.joblib")
        assert "decompressed" in found.details["incomplete"]


def archive_of(entries, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return file.getvalue()


def listed_often(data, names):
    """That archive, with its last entry listed under these names, too."""
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        count = len(made.infolist()) + len(names)
    last, end = data[data.rindex(b"PK\x01\x02") : -22], bytearray(data[-22:])
    more = b"".join(last[:28] + struct.pack("<H", len(name)) + last[30:46] + name.encode() for name in names)
    length, start = struct.unpack_from("<LL", end, 12)
    struct.pack_into("<HHLL", end, 8, count, count, length + len(more), start)
    return data[:-22] + more + bytes(end)


def npy(extra):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': (%s)}" % extra
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 8


class TestArchives:
    def test_one_description_under_many_names(self, look):
        description = json.dumps({"config": {f"w{at}": {} for at in range(MANY)}})
        data = archive_of({"m/archive_format": "pt2", "m/x": description})
        data = listed_often(data, [f"m/data/weights/{at}_weights_config.json" for at in range(30_000)])
        assert "more than we go through" in look(data).details["incomplete"]

    def test_many_small_nodes(self, frugal):
        schema = {"__loader__": "x", "__class__": "X", "__module__": "sklearn.x", "k" * 1000: [[]] * 600_000}
        found = frugal(archive_of({"schema.json": json.dumps(schema)}), megabytes=120)
        assert "nodes" in found.details["incomplete"]

    def test_one_array_in_many_nodes(self, look):
        node = {"__loader__": "x", "__class__": "ndarray", "__module__": "numpy", "file": "a.npy"}
        schema = {**node, "file": "", "content": [node] * 50_000}
        data = archive_of({"schema.json": json.dumps(schema), "a.npy": npy(b"0," * 30_000)})
        found = look(data)
        assert len(found.tensors) == 50_000
        assert len(found.regions) == 1

    def test_headers_of_arrays_that_are_long(self):
        usual = archive_of({f"{at}.npy": npy(b"0," * 30) for at in range(20)})
        assert len(arrays(io.BytesIO(usual))) == 20
        long = archive_of({f"{at}.npy": npy(b"0," * 30_000) for at in range(10_000)}, zipfile.ZIP_DEFLATED)
        assert arrays(io.BytesIO(long)) == ()


def test_fields_of_tables_take_the_memory_of_their_bytes(frugal):
    """A MegEngine graph whose 1,500 variables are one table of 32,000 fields."""
    count = 1500
    root, outputs, between = 24, 36, 44
    number = between + 4 + 4 * count
    shared, fields = number + 16, b"\x01\x02" * 32_765
    flat = struct.pack("<I4sHH5Hxx", root, b"mgv2", 14, 12, 0, 0, 0, 4, 8)
    flat += struct.pack("<iII", 16, between - (root + 4), outputs - (root + 8))
    flat += struct.pack("<II", 1, number + 8 - (outputs + 4)) + struct.pack("<I", count)
    flat += b"".join(struct.pack("<I", shared - at) for at in range(between + 4, number, 4))
    flat += struct.pack("<HHHxxiI", 6, 8, 4, 8, count - 1)
    flat += struct.pack("<iHH", -4, 4 + len(fields), 4) + fields
    found = frugal(struct.pack("<I", len(flat)) + flat, megabytes=100)
    assert "structure" in found.details["incomplete"]


def hdf5(header, rest=b""):
    """A file whose root has these messages in its header, and whose byte 4096 is the first of `rest`."""
    size = 4096 + len(rest)
    start = b"\x89HDF\r\n\x1a\n" + bytes((0, 0, 0, 0, 0, 8, 8, 0)) + struct.pack("<HHI", 4, 16, 0)
    start += struct.pack("<4Q", 0, (1 << 64) - 1, size, (1 << 64) - 1) + struct.pack("<QQII16x", 0, 96, 0, 0)
    start += struct.pack("<BBHII4x", 1, 0, 1, 1, len(header)) + header
    return start.ljust(4096, b"\0") + rest


def message(kind, data):
    return struct.pack("<HHB3x", kind, len(data), 0) + data


class TestHdf5:
    def test_a_header_that_goes_on_with_itself(self, any_outcome):
        again = message(0x10, struct.pack("<QQ", 4096, 1 << 10))
        assert "without end" in any_outcome(hdf5(again * 2, bytes(1 << 10)))

    def test_messages_without_data(self, frugal):
        nothing, empty = struct.pack("<HHB3x", 0, 0, 0), struct.pack("<HHB3x", 0x16, 0, 0)
        for each in (nothing, empty):
            rest = each * 250_000
            parts = [message(0x10, struct.pack("<QQ", 4096 + 8 * at, len(rest) - 8 * at)) for at in range(8)]
            found = frugal(hdf5(b"".join(parts), rest), megabytes=200)
            assert "structure" in found.details["incomplete"]

    def test_nodes_of_a_tree_that_are_one(self, frugal):
        count = 60_000
        heap = b"HEAP" + bytes(4) + struct.pack("<QQQ", 8, 0, 4096)
        node = b"TREE" + bytes(2) + struct.pack("<H", count) + bytes(16)
        node += struct.pack("<QQ", 0, 4096 + len(heap)) * count
        table = message(0x11, struct.pack("<QQ", 4096 + len(heap), 4096))
        found = frugal(hdf5(table, heap + node), megabytes=100)
        assert "structure" in found.details["incomplete"]


def test_keys_of_a_table_that_share_all_they_have(look):
    def varint(number):
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))

    long = 16_000
    entries = b"\0\0\0" + b"\0" + varint(long) + b"\0" + b"k" * long
    entries += b"".join(varint(long) + b"\2\0" + struct.pack(">H", at) for at in range(1, 3000))
    block = entries + struct.pack("<II", 0, 1)
    place = b"\0" + varint(len(block))
    index = b"\0\1" + bytes((len(place),)) + b"z" + place + struct.pack("<II", 0, 1)
    footer = b"\0\0" + varint(len(block) + 5) + varint(len(index))
    data = block + bytes(5) + index + bytes(5) + footer.ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
    assert "structure" in look(data).details["incomplete"]


def test_pieces_of_a_checkpoint_that_overlap():
    """Every byte of a data file is looked into once, however often it is listed."""
    data = torch_file(b"N")
    one = b"ctorch.distributed.checkpoint.filesystem\n_StorageInfo\n)\x81}("
    places = [(0, len(data)), (0, len(data)), (1, len(data) - 1)]

    def number(value):
        return b"J" + struct.pack("<i", value)

    def metadata(places):
        pieces = b"".join(
            text(f"p{at}") + one + text("relative_path") + text("x.distcp") + text("offset") + number(offset)
            + text("length") + number(length) + b"ub"
            for at, (offset, length) in enumerate(places)
        )  # fmt: skip
        named = text("state_dict_metadata") + b"}" + text("storage_data") + b"}(" + pieces + b"u"
        return b"\x80\x02ctorch.distributed.checkpoint.metadata\nMetadata\n)\x81}(" + named + b"ub."

    def dangers(places):
        files = {".metadata": metadata(places), "x.distcp": data}
        opened = [(name, lambda held=held: io.BytesIO(held)) for name, held in files.items()]
        return inspect_bundle(opened).dangerous

    assert dangers(places[:2]) == ()
    assert dangers(places) == ("x.distcp: not looked into as a whole",)
