"""Reading kept chunks: few requests, each byte verified."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from autolog.content import Chunk, Data, Place, from_recipe, open_chunk, read_index
from autolog.errors import IntegrityError

if TYPE_CHECKING:
    from autolog.store import ChunkRecord, Kept, PackRecord

__all__ = ["Reading", "check_stored"]

_T = TypeVar("_T")
#: `(digest, offset in the file, size)` of some chunks
_Batch = Sequence[tuple[bytes, int, int]]

#: Chunks that lie less than this many bytes apart in a pack are fetched with one request,
_GAP = 1 << 16
#: of at most this size.
_REQUEST = 8 << 20
#: Chunks are decoded in batches of about this many bytes.
_BATCH = 8 << 20
#: Where asking often costs nothing: what has just been read is still near the processor when it is hashed and
#: written.
_NEAR_BATCH = 2 << 20
#: So many threads read, decode and write batches of a file (all that takes long runs without the
#: interpreter's lock), and so many batches wait for them, fewer if they are held in memory.
_THREADS, _AHEAD, _AHEAD_IN_MEMORY = 4, 16, 5
#: A chain of differences is never longer, so that reading one tensor stays cheap: twice as long a one would
#: save another two percent.
LONGEST_CHAIN = 4


class Reading:
    """Reads the chunks of one place.

    Raises IntegrityError where bytes are gone or damaged, DestinationError.
    """

    def __init__(self, kept: Kept, place_id: int, place: Place) -> None:
        self._kept = kept
        self.place_id = place_id
        self._place = place
        self._packs: dict[int, PackRecord] = {}

    def find(self, digests: Iterable[bytes]) -> dict[bytes, ChunkRecord]:
        """The records of chunks and of those that they are differences to."""
        wanted = set(digests)
        found = self._kept.chunks(self.place_id, wanted)
        if missing := wanted - found.keys():
            raise IntegrityError(f"{len(missing)} of its chunks are not in the content store any more")
        new = {each.pack_id for each in found.values()} - self._packs.keys()
        self._packs.update(self._kept.packs(self.place_id, new))
        return found

    def check_packs(self, records: Iterable[ChunkRecord]) -> None:
        """See that each pack of these chunks is the one that was recorded, and lists them as recorded."""
        of: dict[int, list[ChunkRecord]] = {}
        for each in records:
            of.setdefault(each.pack_id, []).append(each)
        for pack_id, chunks in of.items():
            pack = self._pack(pack_id)
            digest, listed = read_index(self._place, pack.name, pack.size)
            there = {each.digest: each for each in listed}
            if digest != pack.digest or any(there.get(c.digest) != as_chunk(c) for c in chunks):
                raise IntegrityError(f"the pack {pack.name} is not the one that was recorded")

    def read(
        self, wanted: Iterable[bytes], records: Mapping[bytes, ChunkRecord]
    ) -> Iterator[tuple[bytes, Data]]:
        """`(digest, bytes)` of each wanted chunk once, a batch at a time, as suits the packs."""
        batch: list[bytes] = []
        size = 0
        for digest in dict.fromkeys(wanted):
            batch.append(digest)
            size += records[digest].size
            if size >= _BATCH:
                yield from self._decoded(batch, records)
                batch, size = [], 0
        yield from self._decoded(batch, records)

    def copy(self, recipe: bytes, write: Callable[[Data, int], None]) -> Generator[int, None, None]:
        """Have all bytes of a file written, by a few threads; yields how many, a batch at a time.

        `write` is called with bytes and their offset in the file, in no order, by several threads, and may be
        called again with the same.
        """
        return self._by_batches(recipe, _AHEAD, partial(self._copy, write))

    def file(self, recipe: bytes) -> Iterator[Data]:
        """The bytes of a file, in order; a few batches of chunks are held in memory."""
        for batch in self._by_batches(recipe, _AHEAD_IN_MEMORY, self._in_order):
            yield from batch

    def _by_batches(
        self, recipe: bytes, most: int, work: Callable[[_Batch, Mapping[bytes, ChunkRecord]], _T]
    ) -> Generator[_T, None, None]:
        """What comes of each batch of a file's chunks, in order; a few threads work so many ahead."""
        from concurrent.futures import Future, ThreadPoolExecutor

        entries = list(from_recipe(recipe))
        found = _Found(lambda: self.find(digest for digest, _ in entries))
        found.retrying(lambda records: self.check_packs(records.values()))
        is_near = self._place.is_near
        # More threads than processors only wait for each other, unless it is a server that they wait for.
        count = min(_THREADS, os.cpu_count() or 1) if is_near else _THREADS
        threads = ThreadPoolExecutor(count, "autolog-restore")
        ahead: deque[Future[_T]] = deque()
        try:
            for batch in _batches(entries, _NEAR_BATCH if is_near else _BATCH):
                ahead.append(threads.submit(found.retrying, partial(work, batch)))
                if len(ahead) > most:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)

    def _copy(
        self, write: Callable[[Data, int], None], batch: _Batch, records: Mapping[bytes, ChunkRecord]
    ) -> int:
        places: dict[bytes, list[int]] = {}
        for digest, at, size in batch:
            if records[digest].size != size:
                raise IntegrityError("a recipe gives a chunk another size than its record")
            places.setdefault(digest, []).append(at)
        for digest, data in self.read(places, records):
            for at in places[digest]:
                write(data, at)
        return sum(size for _, _, size in batch)

    def _in_order(self, batch: _Batch, records: Mapping[bytes, ChunkRecord]) -> list[Data]:
        data = dict(self.read((digest for digest, _, _ in batch), records))
        return [data[digest] for digest, _, _ in batch]

    def stored(self, rows: Iterable[ChunkRecord]) -> Iterator[tuple[ChunkRecord, memoryview]]:
        """The stored forms of chunks, as they lie in their packs."""
        return self._stored(list(rows))

    def _decoded(
        self, batch: list[bytes], records: Mapping[bytes, ChunkRecord]
    ) -> Iterator[tuple[bytes, Data]]:
        """The bytes of some chunks; those that they are differences to are read along with them."""
        chains: dict[bytes, list[ChunkRecord]] = {}
        for digest in batch:
            chain = chains[digest] = [records[digest]]
            while chain[-1].base:
                chain.append(records[chain[-1].base])
                if len(chain) > 4 * LONGEST_CHAIN:
                    raise IntegrityError("a chain of differences never ends")
        rows = {each.digest: each for chain in chains.values() for each in chain}
        if sum(map(len, chains.values())) == len(batch):
            # Each stands for itself, and can go as soon as it is there.
            for row, stored in self._stored(list(rows.values())):
                yield row.digest, open_chunk(as_chunk(row), stored)
            return
        stored_of = {row.digest: stored for row, stored in self._stored(list(rows.values()))}
        known: dict[bytes, Data] = {}
        for digest in batch:
            for row in reversed(chains[digest]):
                if row.digest not in known:
                    known[row.digest] = open_chunk(
                        as_chunk(row),
                        stored_of[row.digest],
                        known.get(row.base),
                        is_step=row.digest not in chains,
                    )
            yield digest, known[digest]

    def _stored(self, rows: list[ChunkRecord]) -> Iterator[tuple[ChunkRecord, memoryview]]:
        rows = sorted(rows, key=lambda each: (each.pack_id, each.offset))
        start = 0
        while start < len(rows):
            first = rows[start]
            end, stop = start + 1, first.offset + first.length
            while (
                end < len(rows)
                and rows[end].pack_id == first.pack_id
                and rows[end].offset - stop <= _GAP
                and rows[end].offset + rows[end].length - first.offset <= _REQUEST
            ):
                stop = rows[end].offset + rows[end].length
                end += 1
            data = memoryview(
                self._place.read(self._pack(first.pack_id).name, first.offset, stop - first.offset)
            )
            for row in rows[start:end]:
                at = row.offset - first.offset
                yield row, data[at : at + row.length]
            start = end

    def _pack(self, pack_id: int) -> PackRecord:
        pack = self._packs.get(pack_id)
        if pack is None:
            raise IntegrityError("a pack that holds some of its chunks is not in the records any more")
        return pack


class _Found:
    """Where the chunks of a file lie, for several threads that go by it at once."""

    def __init__(self, find: Callable[[], dict[bytes, ChunkRecord]]) -> None:
        self._find = find
        self._lock = threading.Lock()
        #: Never changed, as threads are reading it: another one takes its place.
        self._records = find()

    def retrying(self, action: Callable[[Mapping[bytes, ChunkRecord]], _T]) -> _T:
        """Do it, again if chunks were put into other packs meanwhile: by collecting or repacking."""
        used = self._records
        while True:
            try:
                return action(used)
            except IntegrityError:
                with self._lock:
                    # Another thread may have met the same, and looked it up already.
                    if self._records is used and (now := self._find()) != used:
                        self._records = now
                    if self._records is used:
                        raise
                    used = self._records


def _batches(entries: Sequence[tuple[bytes, int]], most: int) -> Iterator[_Batch]:
    """The chunks of a recipe, their offsets in the file and sizes, in batches of at most so many bytes."""
    batch: list[tuple[bytes, int, int]] = []
    size = at = 0
    for digest, length in entries:
        if batch and size + length > most:
            yield batch
            batch, size = [], 0
        batch.append((digest, at, length))
        size += length
        at += length
    if batch:
        yield batch


def check_stored(row: ChunkRecord, stored: bytes | memoryview) -> None:
    """See that a stored form is what was recorded: copied unseen, a damaged one would outlive a sound one.

    Raises IntegrityError.
    """
    # A difference, whose base may be elsewhere, is told by its stored form.
    open_chunk(as_chunk(row), stored, b"" if row.base else None)


def as_chunk(row: ChunkRecord) -> Chunk:
    """A record of the store as what a pack says of it."""
    return Chunk(row.digest, row.offset, row.length, row.size, row.itemsize, row.check, row.base)
