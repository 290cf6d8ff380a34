"""Files of every format, damaged: an answer, in bounded time and memory, that JSON and UTF-8 can hold."""

from __future__ import annotations

import io
import json
import random
import struct
import tracemalloc
import zipfile

import pytest

from autolog.errors import UnreadableWeights
from autolog.formats import Contents, difference

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
core = pytest.mark.core


def varint(number):
    out = b""
    while number >= 128:
        out += bytes((number & 127 | 128,))
        number >>= 7
    return out + bytes((number,))


def field(number, value):
    """A field of a protocol buffer: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx(dims=(2, 3)):
    tensor = (
        b"".join(field(1, length) for length in dims) + field(2, 1) + field(8, b"w") + field(9, b"\0" * 24)
    )
    graph = field(1, field(4, b"Relu")) + field(5, tensor) + field(11, field(1, b"x"))
    return field(1, 10) + field(2, b"me") + field(7, graph) + field(8, field(2, 20))


def block(entries):
    data = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries)
    return data + struct.pack("<II", 0, 1) + b"\0\0\0\0\0"


def table(entries, repeat=1):
    """A sorted-string table of one block, listed as often as wanted."""
    data = block(entries)
    place = varint(0) + varint(len(data) - 5)
    index = block([(b"%06d" % number, place) for number in range(repeat)])
    handles = varint(0) + varint(0) + varint(len(data)) + varint(len(index) - 5)
    return data + index + handles.ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"


def variable(*shape):
    return field(1, 1) + field(2, b"".join(field(2, field(1, length)) for length in shape))


LIGHTGBM = b"""tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=1
objective=regression
feature_names=a b

Tree=0
num_leaves=2
split_feature=0
threshold=0.5
left_child=-1
right_child=-2
leaf_value=1 2

end of trees

parameters:
[boosting: gbdt]
end of parameters
"""
SOUND = {
    "onnx": ("m.onnx", onnx()),
    "index": ("m.index", table([(b"", field(1, 1)), (b"w", variable(2, 3))])),
    "lightgbm": ("m.txt", LIGHTGBM),
    "weights index": (
        "m.index.json",
        b'{"metadata": {"total_size": 3}, "weight_map": {"a": "b.safetensors"}}',
    ),
    "catboost": (
        "m.json",
        b'{"model_info":{"params":{}},"oblivious_trees":[{"leaf_values":[1,2],"splits":[]}]}',
    ),
}


@core
@pytest.mark.parametrize("kind", SOUND)
def test_the_samples_are_sound(look, kind):
    name, data = SOUND[kind]
    assert "incomplete" not in look(data, name).details
    assert look(data, name).parameters in (2, 3, 6, None)


def made_h5py(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        for number in range(20):
            file[f"model_weights/layer{number}/kernel"] = [[1.0, 2.0]]
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": []}})
    return path


def made_newest(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "newest.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(6):
            file[f"a/{number}"] = [[1.0, 2.0]]
        file.attrs["keras_version"] = "3"
    return path


def made_keras(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3"}')
        archive.writestr("config.json", '{"class_name": "Sequential", "config": {"layers": []}}')
        archive.writestr("model.weights.h5", made_h5py(tmp_path).read_bytes())
    return path


def made_catboost(tmp_path):
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostRegressor(iterations=2, verbose=0, allow_writing_files=False, thread_count=1)
    model.fit([[n, n % 3] for n in range(40)], list(range(40)))
    model.save_model(str(tmp_path / "m.cbm"))
    return tmp_path / "m.cbm"


def made_skops(tmp_path):
    skops = pytest.importorskip("skops.io")
    linear_model = pytest.importorskip("sklearn.linear_model")
    skops.dump(linear_model.LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), tmp_path / "m.skops")
    return tmp_path / "m.skops"


def made_export(tmp_path):
    torch = pytest.importorskip("torch")
    program = torch.export.export(torch.nn.Linear(2, 3), (torch.zeros(1, 2),))
    torch.export.save(program, tmp_path / "m.pt2")
    return tmp_path / "m.pt2"


def made_metadata(tmp_path):
    torch = pytest.importorskip("torch")
    import torch.distributed.checkpoint as dcp

    dcp.save({"w": torch.zeros(2, 3)}, checkpoint_id=str(tmp_path / "dcp"))
    return tmp_path / "dcp" / ".metadata"


def made_tflite(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(4)])
    (tmp_path / "m.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return tmp_path / "m.tflite"


def made_saved_model(tmp_path):
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    module.f = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec((None, 3))])
    tf.saved_model.save(module, str(tmp_path / "sm"))
    return tmp_path / "sm" / "saved_model.pb"


def made_torch(tmp_path):
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    torch.save({"model": net.state_dict(), "turned": torch.ones(3, 4).t()}, tmp_path / "m.pt")
    return tmp_path / "m.pt"


def made_legacy(tmp_path):
    torch = pytest.importorskip("torch")
    state = {"w": torch.ones(3, 4).t(), "v": torch.ones(2, dtype=torch.bfloat16)}
    torch.save(state, tmp_path / "m.pt", _use_new_zipfile_serialization=False)
    return tmp_path / "m.pt"


MAKERS = (
    made_h5py, made_newest, made_keras, made_catboost, made_skops, made_export, made_metadata, made_tflite,
    made_saved_model, made_torch, made_legacy,
)  # fmt: skip


def damaged(data, chance):
    """The bytes with one to sixteen others, or eight that are a number, or a piece from elsewhere."""
    broken = bytearray(data)
    kind = chance.randrange(3)
    near = chance.choice([64, 512, 4096, len(data)])
    if kind == 0:
        for _ in range(chance.choice([1, 1, 2, 4, 16])):
            broken[chance.randrange(min(near, len(data)))] = chance.choice([0, 1, 127, 128, 255])
    elif kind == 1:
        at = chance.randrange(max(1, min(near, len(data)) - 8))
        number = chance.choice([0, 1 << 31, (1 << 64) - 1, chance.randrange(len(data)), len(data) - 1])
        broken[at : at + 8] = struct.pack("<Q", number)
    else:
        at, other = chance.randrange(len(data)), chance.randrange(len(data))
        broken[at : at + 24] = data[other : other + 24]
    return bytes(broken)


def check(any_outcome, data, name):
    found = any_outcome(data, name)
    if isinstance(found, Contents):
        json.dumps([found.format, dict(found.details), found.dangerous, dict(found.labels)], allow_nan=False)
        whole = "".join([*(row.name for row in found.tensors), found.design or ""])
        assert "\0" not in whole
        whole.encode()
        assert len(found.design or "") <= 100_000
        assert all(0 <= row.elements < 1 << 63 for row in found.tensors)


@core
@pytest.mark.parametrize("kind", SOUND)
def test_damaged_samples(any_outcome, kind):
    name, data = SOUND[kind]
    chance = random.Random(0)
    for length in range(len(data)):
        check(any_outcome, data[:length], name)
    for _ in range(1500):
        check(any_outcome, damaged(data, chance), chance.choice([name, ""]))


@pytest.mark.parametrize("make", MAKERS)
def test_damaged_files(any_outcome, tmp_path, make):
    path = make(tmp_path)
    data = path.read_bytes()
    chance = random.Random(0)
    assert isinstance(any_outcome(data, path.name), Contents)
    for _ in range(100):
        check(any_outcome, data[: chance.randrange(len(data))], path.name)
    for _ in range(500):
        check(any_outcome, damaged(data, chance), path.name)


@pytest.mark.parametrize("make", [made_torch, made_legacy, made_h5py])
def test_differences_of_damaged_files(tmp_path, make):
    pytest.importorskip("numpy")
    path = make(tmp_path)
    data = path.read_bytes()
    chance = random.Random(1)
    for _ in range(150):
        try:
            changes = difference(io.BytesIO(data), path.name, io.BytesIO(damaged(data, chance)), path.name)
        except UnreadableWeights:
            continue
        json.dumps([change.norm for change in changes])


@pytest.fixture
def frugal(any_outcome):
    def look(data, name="", megabytes=0):
        if megabytes:
            tracemalloc.start()
        found = any_outcome(data, name)  # what never ends is ended by the time limit of every test
        if megabytes:
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert most < megabytes << 20
        return found

    return look


@core
def test_a_table_that_lists_a_block_again_and_again(frugal):
    rows = [(b"", field(1, 1)), *((b"w" * 900 + b"%05d" % n, variable(2)) for n in range(5000))]
    assert len(frugal(table(rows), megabytes=60).tensors) == 5000
    assert "order" in frugal(table(rows, 1000), megabytes=60)


@core
def test_a_table_of_slices_only(frugal):
    rows = [(b"", field(1, 1)), *((b"\0%06d" % n, b"") for n in range(150_000))]
    found = frugal(table(rows))
    assert found.tensors == ()
    assert "incomplete" in found.details


@core
def test_a_block_that_promises_what_is_not_there(any_outcome):
    for number in (1 << 20, 1 << 40, (1 << 64) - 1):
        handles = varint(0) + varint(0) + varint(0) + varint(number)
        data = b"\0" * 100 + handles.ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
        found = any_outcome(data)
        assert isinstance(found, str) or "incomplete" in found.details


@core
def test_compressed_tables_are_told(any_outcome):
    data = bytearray(SOUND["index"][1])
    at = data.index(struct.pack("<II", 0, 1)) + 8
    data[at] = 1
    assert "compressed" in any_outcome(bytes(data)).details["incomplete"]


@core
def test_messages_of_millions_of_fields(frugal):
    begins = field(1, 10) + field(7, field(1, b""))
    assert "incomplete" in frugal(begins + field(9, 1) * 3_100_000, "m.onnx").details
    frugal(begins + field(9, 1) * 300_000, "m.onnx", megabytes=5)
    many = field(1, 10) + field(7, field(5, field(8, b"w")) * 110_000)
    found = frugal(many, "m.onnx")
    assert len(found.tensors) == 100_000
    assert "incomplete" in found.details


def flat(tables, size=4096):
    """A buffer with the magic of TensorFlow Lite whose words are as given, by position."""
    data = bytearray(size)
    data[4:8] = b"TFL3"
    for at, word in tables.items():
        data[at : at + 4] = struct.pack("<I", word)
    return bytes(data)


@core
@pytest.mark.parametrize("target", [0, 8, 16, 4090, 1 << 31, (1 << 32) - 1])
def test_flatbuffers_that_point_anywhere(any_outcome, target):
    for at in range(0, 64, 4):
        any_outcome(flat({0: 16, at: target}))
        any_outcome(b"CBM1" + struct.pack("<I", 4096) + flat({0: 16, at: target}))


@core
def test_a_flatbuffer_of_endless_vectors(frugal):
    # Every field of the first table is one vector of hundreds of thousands of references to one other
    # table, whose fields are a vector that claims the rest of the file.
    count = 400_000
    vtable = struct.pack("<HH8H", 20, 8, *[4] * 8)
    head = struct.pack("<I", 32) + b"TFL3" + vtable.ljust(24, b"\0")
    first = struct.pack("<iI", 32 - 8, 4)
    vector = 40
    other = vector + 4 + 4 * count
    words = b"".join(struct.pack("<I", other - (vector + 4 + 4 * n)) for n in range(count))
    data = head + first + struct.pack("<I", count) + words + struct.pack("<iI", other - 8, 4)
    found = frugal(data + struct.pack("<I", 4000) + b"\0" * 4000, "m.tflite")
    assert found is None or isinstance(found, (str, Contents))


@core
def test_lines_without_end(frugal):
    endless = LIGHTGBM.replace(b"threshold=0.5", b"threshold=" + b"0.5 " * 4_000_000)
    assert frugal(endless, megabytes=20).details["trees"] == 1
    many = LIGHTGBM.replace(b"[boosting: gbdt]", b"[a: b]\n" * 100_000)
    assert len(frugal(many).design) < 100_000
    assert "incomplete" in frugal(b"tree\nversion=v4\n" + b"\n" * 4_100_000).details


@core
def test_directories_of_a_million_entries(frugal):
    entry = b"PK\x01\x02" + b"\0" * 24 + struct.pack("<H", 8) + b"\0" * 16
    entries = b"".join(entry + b"%08d" % n for n in range(330_000))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entries), 4, 0)
    found = frugal(b"PK\x03\x04" + entries + end)
    assert "directory" in found.details["incomplete"]


def test_links_of_long_names_take_bounded_memory(frugal):
    h5py = pytest.importorskip("h5py")
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        for number in range(8):
            file.create_group(f"{number}" * 900)
    data = bytearray(out.getvalue())
    node = data.index(b"SNOD")
    entry = data[node + 8 : node + 48]
    place = len(data)
    data += b"SNOD\x01\x00" + struct.pack("<H", 60_000)
    # Sixty thousand names, each the heap from another place on, of objects all over the file.
    for number in range(60_000):
        data += struct.pack("<QQ", 8 + number % 900, number * 16) + entry[16:]
    tree = data.index(b"TREE", 0, node)
    data[tree + 6 : tree + 8] = struct.pack("<H", 60)
    data[24 + 16 : 24 + 24] = struct.pack("<Q", len(data))
    grown = bytes(data).replace(struct.pack("<Q", node), struct.pack("<Q", place))
    frugal(grown, megabytes=400)
