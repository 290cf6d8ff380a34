"""Packs: the files in which chunks are kept. One is written for each snapshot that brings new chunks.

Format 3, all numbers little-endian::

    8 bytes   magic "ALPACK" and the version as two digits: b"ALPACK03"
    ...       stored chunks (`autolog.content.codec`), one behind the other
    ...       the index: a zstd frame of one JSON object (below)
    8 bytes   length of the index
    8 bytes   the first bytes of the blake3 of the index
    32 bytes  blake3 of magic and index
    8 bytes   magic again

The index is ``{"chunks": [[digest, offset, length, size, itemsize, check, base], ...]}``: blake3 of the
chunk's bytes in hexadecimal, where its stored form begins in the pack and how long that is, the size of its
bytes and of its elements, the first 8 bytes of the blake3 of what is loose in its stored form, and the digest
of the chunk that it is a difference to (null if none). Loose is all but what is in the chunk as it is: the
byte of the codec, headers and compressed frames; of a difference everything. With the index a pack can be
read without any records, and every byte of it can be verified: the index by the digest at the end, and with
it the chunks, which lie one behind the other without gaps.

Earlier formats are read, too. In format 2 (b"ALPACK02") no chunk is stored in halves. In format 1
(b"ALPACK01") checks are of the whole stored form, and the digest at its end is the blake3 of everything
before the index's length.

A pack is never changed once it is published. Its name is random: two writers never write the same one.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, NamedTuple

from blake3 import blake3

from autolog.errors import IntegrityError

from .ahead import Ahead
from .codec import Data, decode, encode, encode_difference, encode_parts, is_raw, loose_parts
from .places import Place

__all__ = ["Chunk", "Pack", "PackWriter", "new_name", "open_chunk", "read_index", "verify_pack"]

MAGIC, _MAGIC_2, _MAGIC_1 = b"ALPACK03", b"ALPACK02", b"ALPACK01"
_TRAILER = struct.Struct("<Q8s32s8s")
#: An index above this many bytes is damaged: a pack of a terabyte has one of a tenth.
_LARGEST_INDEX = 1 << 28
_BLOCK = 1 << 20
#: So many threads look at chunks: all that takes long runs without the interpreter's lock.
_THREADS = 4


class Chunk(NamedTuple):
    """One stored chunk. `digest` is blake3 of its bytes; `offset` and `length` say where it lies in its pack.

    `size` is that of its bytes, `itemsize` of its elements; `check` is of its stored form; `base` is the
    digest of the chunk that it is a difference to, empty if it stands for itself.
    """

    digest: bytes
    offset: int
    length: int
    size: int
    itemsize: int
    check: bytes
    base: bytes = b""


class Pack(NamedTuple):
    """A published pack: its name at its place, its size in bytes and its digest."""

    name: str
    size: int
    digest: bytes
    chunks: tuple[Chunk, ...]


def new_name(owner: str) -> str:
    """The name of a new pack below the place's root. `owner` is the id of the store that records it."""
    name = os.urandom(16).hex()
    return f"packs/{owner}/{name[:2]}/{name}.pack"


def _is_intact(stored: bytes | memoryview, check: bytes) -> bool:
    """Whether a stored chunk has this check; the chunk's digest says whether the rest is right.

    Chunks of packs of format 1 have one of their whole stored form.
    """
    return _check_of(loose_parts(stored)) == check or blake3(stored).digest(8) == check


def _check_of(parts: Iterable[Data]) -> bytes:
    hasher = blake3()
    for part in parts:
        hasher.update(part)
    return hasher.digest(8)


class PackWriter:
    """Writes a pack into a local file, chunk by chunk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = len(MAGIC)
        self._ahead = Ahead(file.fileno()) if isinstance(file, io.FileIO) else None
        self.chunks: list[Chunk] = []
        self._write(MAGIC)

    def add(self, digest: bytes, data: Data, itemsize: int) -> Chunk:
        """Store a chunk's bytes."""
        encoded = encode_parts(data, itemsize)
        return self._add(encoded.parts, Chunk(digest, 0, 0, len(data), itemsize, _check_of(encoded.loose)))

    def add_difference(self, digest: bytes, data: Data, itemsize: int, base: tuple[bytes, Data]) -> Chunk:
        """Store a chunk as its difference to `base`, a chunk's `(digest, bytes)`, if that is smaller.

        Raises IntegrityError if the difference would not give the chunk's bytes again.
        """
        plain = encode(data, itemsize)
        coded = encode_difference(data, base[1], itemsize)
        if coded is None or len(coded) >= len(plain):
            return self.add_stored(digest, plain, len(data), itemsize)
        if decode(coded, len(data), base[1]) != data:
            raise IntegrityError("a difference of two chunks does not give the second one again")
        return self.add_stored(digest, coded, len(data), itemsize, base[0])

    def add_stored(self, digest: bytes, stored: bytes, size: int, itemsize: int, base: bytes = b"") -> Chunk:
        """Store a chunk that is encoded already."""
        return self._add((stored,), Chunk(digest, 0, 0, size, itemsize, _check_of(loose_parts(stored)), base))

    def _add(self, parts: Sequence[Data], chunk: Chunk) -> Chunk:
        """Write a stored chunk; what is returned says where."""
        if self._ahead is not None:
            self._ahead.before(self._at + sum(map(len, parts)))
        length = self._write(*parts)
        chunk = chunk._replace(offset=self._at, length=length)
        self._at += length
        self.chunks.append(chunk)
        return chunk

    def finish(self, name: str) -> Pack:
        """Write the index and the end. The file is complete then, and still to be published under `name`."""
        import zstandard

        rows = [
            [c.digest.hex(), c.offset, c.length, c.size, c.itemsize, c.check.hex(), c.base.hex() or None]
            for c in self.chunks
        ]
        text = json.dumps({"chunks": rows}, separators=(",", ":")).encode("ascii")
        index = zstandard.ZstdCompressor(level=3).compress(text)
        digest = blake3(MAGIC + index).digest()
        self._write(index + _TRAILER.pack(len(index), _check_of((index,)), digest, MAGIC))
        self._file.flush()
        size = self._at + len(index) + _TRAILER.size
        if self._ahead is not None:
            self._ahead.end(size)
        return Pack(name, size, digest, tuple(self.chunks))

    def _write(self, *parts: Data) -> int:
        """Write one behind the other; how many bytes."""
        # At once where the file has no buffer: a write that ends within a page makes the next one slow.
        done = os.writev(self._file.fileno(), parts) if isinstance(self._file, io.FileIO) else 0
        length = 0
        for part in parts:
            # An unbuffered file on a disk that is getting full takes less than it is given, and says nothing.
            view = memoryview(part)[max(0, done - length) :]
            length += len(part)
            while view:
                view = view[self._file.write(view) :]
        return length


def read_index(place: Place, name: str, size: int) -> tuple[bytes, tuple[Chunk, ...]]:
    """`(digest, chunks)` of a published pack of `size` bytes. Raises IntegrityError, DestinationError."""
    return _open(place, name, size)[1:]


def _open(place: Place, name: str, size: int) -> tuple[bytes, bytes, tuple[Chunk, ...]]:
    """The magic of a pack, which tells its format, its digest and its chunks."""
    if place.size(name) != size:
        raise IntegrityError(f"the pack {name} is gone or has another size than was recorded")
    length, check, digest, magic = _TRAILER.unpack(place.read(name, size - _TRAILER.size, _TRAILER.size))
    if magic not in (MAGIC, _MAGIC_2, _MAGIC_1) or place.read(name, 0, len(MAGIC)) != magic:
        raise IntegrityError(f"{name} is no pack of this format")
    if length > min(_LARGEST_INDEX, size - _TRAILER.size - len(MAGIC)):
        raise IntegrityError(f"the pack {name} is damaged: its index is longer than itself")
    index = place.read(name, size - _TRAILER.size - length, length)
    if _check_of((index,)) != check or (magic != _MAGIC_1 and blake3(magic + index).digest() != digest):
        raise IntegrityError(f"the pack {name} is damaged: its index does not match its checksum")
    return magic, digest, _chunks(name, index)


def _chunks(name: str, index: bytes) -> tuple[Chunk, ...]:
    import zstandard

    try:
        with zstandard.ZstdDecompressor().stream_reader(index) as reader:
            rows = json.loads(reader.read(_LARGEST_INDEX))["chunks"]
        return tuple(
            Chunk(bytes.fromhex(a), b, c, d, e, bytes.fromhex(f), bytes.fromhex(g or ""))
            for a, b, c, d, e, f, g in rows
        )
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"the pack {name} is damaged: its index can't be read") from error


def verify_pack(place: Place, name: str, size: int, recorded: bytes) -> Iterator[tuple[bytes, str]]:
    """Read every byte of a pack; `(digest of a chunk, problem)` for each chunk that is damaged.

    A problem of the pack as a whole has an empty digest. Differences are checked by their stored form only.
    `recorded` is the pack's digest in the records. Raises DestinationError.
    """
    try:
        magic, digest, chunks = _open(place, name, size)
        chunks = tuple(sorted(chunks, key=lambda each: each.offset))
        hasher = blake3() if magic == _MAGIC_1 else None
        yield from _damaged(place, name, size, chunks, hasher)
        if digest != recorded or (hasher is not None and hasher.digest() != digest):
            yield b"", f"the pack {name} is damaged: its bytes don't match its digest"
    except IntegrityError as error:
        yield b"", str(error)


def _damaged(
    place: Place, name: str, size: int, chunks: Sequence[Chunk], hasher: blake3 | None
) -> Iterator[tuple[bytes, str]]:
    """Read a pack from its beginning to its end, once, looking at each chunk on the way."""
    from concurrent.futures import ThreadPoolExecutor

    window, start = bytearray(), 0
    at = 0
    with ThreadPoolExecutor(_THREADS, "autolog-verify") as threads:
        for data in _blocks(place, name, size):
            if hasher is not None:
                hasher.update(data)
            window += data
            here = at
            while at < len(chunks) and chunks[at].offset + chunks[at].length <= start + len(window):
                at += 1
            look = partial(_problem_of, window, start)
            # All are done before the window moves on.
            problems = list(threads.map(look, chunks[here:at]))
            yield from (
                (chunk.digest, problem)
                for chunk, problem in zip(chunks[here:at], problems, strict=True)
                if problem
            )
            end = start + len(window)
            keep = max(start, min(chunks[at].offset, end) if at < len(chunks) else end)
            del window[: keep - start]
            start = keep
    for chunk in chunks[at:]:
        yield chunk.digest, f"the pack {name} is damaged: a chunk lies beyond its end"


def _problem_of(window: bytearray, start: int, chunk: Chunk) -> str:
    """What is wrong with a chunk of a pack of which a part, from byte `start` on, is at hand."""
    first = max(0, chunk.offset - start)
    with memoryview(window) as view, view[first : first + chunk.length] as stored:
        try:
            open_chunk(chunk, stored, b"" if chunk.base else None)
        except IntegrityError as error:
            return str(error)
    return ""


def open_chunk(
    chunk: Chunk,
    stored: bytes | memoryview,
    base: Data | None = None,
    *,
    is_step: bool = False,
) -> Data:
    """The bytes of a chunk from its stored form, verified.

    `base` are the bytes of the chunk that it is a difference to; an empty one checks the stored form alone.
    If it `is_step` on the way to another chunk, its digest is left to that one's, which is wrong if this one
    is. Raises IntegrityError.
    """
    # Of bytes that are stored as they are, the digest says it all.
    is_told_by_digest = is_raw(stored) and not chunk.base and not is_step
    if not is_told_by_digest and not _is_intact(stored, chunk.check):
        raise IntegrityError("a stored chunk is damaged: it does not match its checksum")
    if chunk.base and base == b"":
        return b""
    data = decode(stored, chunk.size, base)
    if not is_step and blake3(data).digest() != chunk.digest:
        raise IntegrityError("a chunk's bytes don't match its digest")
    return data


def _blocks(place: Place, name: str, size: int) -> Iterator[bytes]:
    end = size - _TRAILER.size
    for offset in range(0, end, 8 * _BLOCK):
        yield place.read(name, offset, min(8 * _BLOCK, end - offset))
