"""Packs: what was put in comes out, and not one byte can be changed unseen."""

import io
import json
import os
import random
import struct
import tempfile
from functools import partial

import pytest
import zstandard
from blake3 import blake3

from autolog.content import Chunk, Pack, PackWriter, new_name, open_chunk, open_place, read_index, verify_pack
from autolog.content.codec import encode, loose_parts
from autolog.errors import DestinationError, IntegrityError

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def place(tmp_path):
    return open_place(str(tmp_path / "store"))


def write(place, tmp_path, *datas):
    with open(tmp_path / "temporary", "wb") as file:
        writer = PackWriter(file)
        for data in datas:
            writer.add(blake3(data).digest(), data, 4)
        pack = writer.finish(new_name("owner"))
    assert os.path.getsize(tmp_path / "temporary") == pack.size
    place.publish(pack.name, str(tmp_path / "temporary"))
    return pack


def test_chunks_come_out_as_they_went_in(place, tmp_path):
    datas = [os.urandom(1000), b"\0" * 5000, b"abc", os.urandom(100_000) + b"\0" * 100_000]
    pack = write(place, tmp_path, *datas)
    digest, chunks = read_index(place, pack.name, pack.size)
    assert digest == pack.digest
    assert chunks == pack.chunks
    for chunk, data in zip(chunks, datas, strict=True):
        assert bytes(open_chunk(chunk, place.read(pack.name, chunk.offset, chunk.length))) == data
    assert list(verify_pack(place, pack.name, pack.size, pack.digest)) == []


def write_earlier(place, tmp_path, *datas, magic):
    """A pack of an earlier format, as it was written before there was another."""
    rows, stored_ones, at = [], [], 8
    for data in datas:
        stored = encode(data, 4)
        assert stored[0] != 4  # what these formats didn't have
        checked = (stored,) if magic == b"ALPACK01" else loose_parts(stored)
        check = blake3(b"".join(checked)).digest(8).hex()
        rows.append([blake3(data).hexdigest(), at, len(stored), len(data), 4, check, None])
        stored_ones.append(stored)
        at += len(stored)
    index = zstandard.ZstdCompressor(level=3).compress(json.dumps({"chunks": rows}).encode())
    before = b"".join((magic, *stored_ones, index))
    digest = blake3(before if magic == b"ALPACK01" else magic + index).digest()
    end = struct.pack("<Q8s32s8s", len(index), blake3(index).digest(8), digest, magic)
    (tmp_path / "temporary").write_bytes(before + end)
    chunks = tuple(Chunk(bytes.fromhex(a), b, c, d, e, bytes.fromhex(f)) for a, b, c, d, e, f, _ in rows)
    pack = Pack(new_name("owner"), len(before + end), digest, chunks)
    place.publish(pack.name, str(tmp_path / "temporary"))
    return pack


write_1 = partial(write_earlier, magic=b"ALPACK01")
write_2 = partial(write_earlier, magic=b"ALPACK02")


def floats(count):
    return struct.pack(f"<{count}f", *(1 / (1 + each) for each in range(count)))


@pytest.mark.parametrize("write", [write_2, write_1], ids=["2", "1"])
def test_packs_of_earlier_formats_are_read(place, tmp_path, write):
    datas = [os.urandom(1000), b"\0" * 5000, floats(20_000)]
    pack = write(place, tmp_path, *datas)
    assert read_index(place, pack.name, pack.size) == (pack.digest, pack.chunks)
    for chunk, data in zip(pack.chunks, datas, strict=True):
        assert bytes(open_chunk(chunk, place.read(pack.name, chunk.offset, chunk.length))) == data
    assert list(verify_pack(place, pack.name, pack.size, pack.digest)) == []


@pytest.mark.parametrize("write", [write, write_2, write_1], ids=["3", "2", "1"])
def test_a_flipped_byte_anywhere_is_found(place, tmp_path, write):
    pack = write(place, tmp_path, os.urandom(100), b"\0" * 3000, b"a" * 300, floats(120))
    path = os.path.join(place.root, pack.name)
    with open(path, "rb") as file:
        data = file.read()
    for at in range(len(data)):
        with open(path, "wb") as file:
            file.write(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
        assert list(verify_pack(place, pack.name, pack.size, pack.digest)), f"byte {at}"


def test_a_flipped_byte_in_halves_is_found(place, tmp_path):
    noise = random.Random(1)
    pack = write(place, tmp_path, struct.pack("<40000f", *(noise.gauss(0, 1) for _ in range(40_000))))
    path = os.path.join(place.root, pack.name)
    chunk = pack.chunks[0]
    stored = place.read(pack.name, chunk.offset, chunk.length)
    assert stored[0] == 4
    parts = [0, *range(1, 40), 80_000, 80_020, len(stored) - 1, *range(41, len(stored), 977)]
    for at in parts:
        damaged = bytearray(stored)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(IntegrityError):
            open_chunk(chunk, bytes(damaged))
    with open(path, "r+b") as file:
        file.seek(chunk.offset + 1000)
        file.write(bytes((stored[1000] ^ 1,)))
    assert list(verify_pack(place, pack.name, pack.size, pack.digest))


def test_a_large_pack_takes_no_more_room_than_it_needs(place, tmp_path):
    """Room is asked for ahead of writing; what wasn't needed is given back."""
    datas = [os.urandom(1 << 20) for _ in range(5)]
    with open(tmp_path / "temporary", "wb", buffering=0) as file:
        writer = PackWriter(file)
        for data in datas:
            writer.add(blake3(data).digest(), data, 1)
        assert os.fstat(file.fileno()).st_size >= 5 << 20
        pack = writer.finish(new_name("owner"))
    assert os.path.getsize(tmp_path / "temporary") == pack.size
    place.publish(pack.name, str(tmp_path / "temporary"), is_ours=True)
    assert list(verify_pack(place, pack.name, pack.size, pack.digest)) == []


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_a_pack_that_is_cut_off_is_found(place, tmp_path, cut):
    pack = write(place, tmp_path, os.urandom(1000))
    path = os.path.join(place.root, pack.name)
    os.truncate(path, cut)
    assert list(verify_pack(place, pack.name, pack.size, pack.digest))


def test_a_pack_that_is_gone_is_found(place, tmp_path):
    pack = write(place, tmp_path, b"abc")
    place.remove(pack.name)
    place.remove(pack.name)
    assert list(verify_pack(place, pack.name, pack.size, pack.digest))
    with pytest.raises(IntegrityError, match="gone"):
        place.read(pack.name, 0, 1)


def test_a_folder_that_cannot_be_made_says_how_to_fix_it(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    place = open_place(str(tmp_path / "file" / "store"))
    with pytest.raises(DestinationError, match="make it writable or name another"):
        place.publish("a/b", str(tmp_path / "file"))


def test_an_unknown_scheme_is_told():
    with pytest.raises(DestinationError, match="nosuchscheme"):
        open_place("nosuchscheme://x/y")


@pytest.mark.parametrize("url", ["memory://packs-{0}", "file://{1}/files", "{1}/plain", "local://{1}/local"])
def test_places_do_the_same_wherever_they_are(tmp_path, url):
    place = open_place(url.format(os.urandom(4).hex(), tmp_path))
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    assert place.size("a/b.bin") is None
    assert list(place.names("a")) == []
    place.publish("a/b.bin", str(source))
    assert place.size("a/b.bin") == 10
    assert place.read("a/b.bin", 2, 3) == b"234"
    with pytest.raises(IntegrityError, match="ends before"):
        place.read("a/b.bin", 8, 5)
    place.fetch("a/b.bin", str(tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == b"0123456789"
    assert [(name, size) for name, size, _ in place.names("a")] == [("a/b.bin", 10)]
    source.write_bytes(b"other")
    place.publish("a/b.bin", str(source))
    assert place.read("a/b.bin", 0, 5) == b"other"
    place.remove("a/b.bin")
    assert place.size("a/b.bin") is None


def test_a_file_of_our_own_is_not_copied_where_that_can_be_helped(tmp_path):
    place = open_place(str(tmp_path / "store"))
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    place.publish("a/b.bin", str(source), is_ours=True)
    assert os.path.samefile(os.path.join(place.root, "a/b.bin"), source)
    place.publish("a/b.bin", str(source))
    assert not os.path.samefile(os.path.join(place.root, "a/b.bin"), source)


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second filesystem")
def test_a_file_of_our_own_is_copied_to_another_filesystem(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        if os.stat(folder).st_dev == os.stat(tmp_path).st_dev:
            pytest.skip("the temporary folder is there, too")
        place = open_place(folder)
        place.publish("a/b.bin", str(source), is_ours=True)
        assert place.read("a/b.bin", 0, 10) == b"0123456789"
        assert os.listdir(os.path.join(folder, "a")) == ["b.bin"]


def test_a_file_that_takes_little_at_a_time_gets_everything(tmp_path):
    class Reluctant(io.FileIO):
        def write(self, data):
            return super().write(bytes(data)[:100])

    data = os.urandom(5000)
    with Reluctant(tmp_path / "pack", "w") as file:
        writer = PackWriter(file)
        writer.add(blake3(data).digest(), data, 1)
        pack = writer.finish("pack")
    place = open_place(str(tmp_path))
    assert place.size("pack") == pack.size
    assert list(verify_pack(place, "pack", pack.size, pack.digest)) == []
