"""Bytes on their way to where they are kept: put aside beside the spool before the script may overwrite them.

Each snapshot has a folder of its own. `chunks` holds the bytes of those chunks that this run has not put
aside before, one behind the other; those that it has and that are not where they are kept yet are in
`chunks.1`, `chunks.2`..., hard links to the `chunks` of snapshots before: what waits never needs the folder
of another one. For a destination of plain files, the files themselves lie in `files/`. `item.json` says what
it is all for; a folder without one was never finished and is of no use.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from blake3 import blake3

from autolog.config import mask
from autolog.errors import DestinationError

from .ahead import Ahead, reserve
from .copies import share
from .cutting import Span, cut
from .heaps import Heap, Heaps

__all__ = ["Staged", "StagedFile", "Staging", "item_facts", "read_item"]

_ITEM = "item.json"
_CHUNKS = "chunks"
#: Of a file of chunks that is held for another snapshot's sake, at least this share is needed.
_WORTH_HOLDING = 0.5


class StagedFile(NamedTuple):
    """One file of a snapshot.

    `name` is its name in it, empty if it is the only one; `digest` is `blake3:<hex>`. `chunks` are `(digest,
    size in bytes, itemsize)`, in order; empty for a destination of plain files.
    """

    name: str
    size: int
    digest: str
    chunks: tuple[tuple[bytes, int, int], ...] = ()

    def ranges(self) -> dict[tuple[int, int], str]:
        """The digests of its chunks, in hexadecimal, by their offset and size in the file."""
        found: dict[tuple[int, int], str] = {}
        at = 0
        for digest, size, _ in self.chunks:
            found[at, size] = digest.hex()
            at += size
        return found


class Staged(NamedTuple):
    """What lies in one folder: its files, and where the bytes of chunks begin in `heaps`.

    These are the names and sizes of its files of chunks, which are read as if they were one. `facts` is
    whatever was put there for whoever takes it on, in JSON types. `size` is how many bytes it brought.
    """

    folder: str
    files: tuple[StagedFile, ...]
    offsets: dict[bytes, int]
    facts: dict[str, Any]
    size: int
    heaps: tuple[tuple[str, int], ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether it still waits, as far as can be seen: somebody may have taken it away."""
        try:
            os.stat(os.path.join(self.folder, _ITEM))
        except FileNotFoundError:
            return not os.path.isdir(os.path.dirname(self.folder))  # else it is the home that is away
        except OSError:
            pass
        return True

    @property
    def given_up(self) -> str:
        """Why its bytes were let go, if they were."""
        return str(self.facts.get("given_up", ""))

    def open(self) -> Heaps:
        """The bytes of the chunks."""
        return Heaps([(os.path.join(self.folder, name), size) for name, size in self.heaps])

    def give_up(self, reason: str) -> None:
        """Let its bytes go; until its folder is taken away, it says so to whoever takes it on."""
        said = {**self.facts, "given_up": reason}
        try:
            _write_item(self.folder, {"files": [], "offsets": {}, "facts": said, "size": 0, "heaps": []})
            _clear(self.folder, but=_ITEM)
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)  # there isn't even room to say so

    def path(self, file: StagedFile) -> str:
        """Where a plain file lies."""
        return os.path.join(self.folder, "files", file.name or "file")


class Staging:
    """Puts one snapshot aside, file by file, in a folder that it makes.

    `seen` has the chunks that need no putting aside again, and the file that each is in; None for one that is
    where the snapshots are kept. Those that are new are added by `finish`. Raises DestinationError where the
    folder can't be written; `abandon` takes away what is there.
    """

    def __init__(self, folder: str, seen: dict[bytes, Heap | None]) -> None:
        self.folder = folder
        self._seen = seen
        self._files: list[StagedFile] = []
        self._own = Heap()
        #: What this snapshot needs of the files of others, and the sizes of the chunks; None: not to be had.
        self._lent: dict[Heap, dict[bytes, int] | None] = {}
        self._size = 0
        with self._told():
            os.makedirs(folder, exist_ok=True)
            _clear(folder, but="lock")  # never into a file there: another snapshot may hold it
            self._output = open(os.path.join(folder, _CHUNKS), "wb", buffering=0)  # noqa: SIM115 - finish closes
            self._ahead = Ahead(self._output.fileno())

    def add(self, name: str, descriptor: int, size: int, spans: Sequence[Span]) -> StagedFile:
        """Put an open file's chunks aside. Its digest tells whether it still was what was saved."""
        hasher = blake3()
        chunks: list[tuple[bytes, int, int]] = []
        done = 0
        with self._told():
            for piece in cut(descriptor, size, spans):
                hasher.update(piece.data)
                digest = blake3(piece.data).digest()
                chunks.append((digest, len(piece.data), piece.itemsize))
                done += len(piece.data)
                if digest not in self._own.offsets and not self._is_held(digest, len(piece.data)):
                    self._put(digest, piece.data)
        file = StagedFile(name, done, f"blake3:{hasher.hexdigest()}", tuple(chunks))
        self._files.append(file)
        return file

    def add_whole(self, name: str, descriptor: int) -> StagedFile:
        """Put a copy of an open file aside; its blocks are shared where the file system can do that."""
        hasher = blake3()
        with self._told():
            path = os.path.join(self.folder, "files", name or "file")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            writer = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            try:
                size = _copy(descriptor, writer, hasher)
            finally:
                os.close(writer)
        file = StagedFile(name, size, f"blake3:{hasher.hexdigest()}")
        self._size += size
        self._files.append(file)
        return file

    def leave_out(self, name: str) -> None:
        """Forget a file that was put aside; its chunks stay."""
        self._files = [each for each in self._files if each.name != name]

    def finish(self, facts: dict[str, Any]) -> Staged:
        """Everything is there: from now on it is taken to where it is kept, whatever becomes of us."""
        with self._told():
            for heap, needed in tuple(self._lent.items()):
                if needed is None or sum(needed.values()) < heap.size * _WORTH_HOLDING:
                    self._take_over(heap, needed or {})
            self._ahead.end(self._size)
            self._output.close()
            own = self._own
            own.size, own.names[self.folder] = self._size, os.path.join(self.folder, _CHUNKS)
            offsets, heaps, start = dict(own.offsets), [(_CHUNKS, own.size)], own.size
            for heap, needed in self._lent.items():
                offsets.update((digest, start + heap.offsets[digest]) for digest in needed or ())
                heaps.append((os.path.basename(heap.names[self.folder]), heap.size))
                start += heap.size
            item = {
                "files": [
                    [f.name, f.size, f.digest, [[d.hex(), size, each] for d, size, each in f.chunks]]
                    for f in self._files
                ],
                "offsets": {digest.hex(): offset for digest, offset in offsets.items()},
                "facts": facts,
                "size": self._size,
                "heaps": heaps,
            }
            _write_item(self.folder, item)
        self._seen.update(dict.fromkeys(own.offsets, own))
        return Staged(self.folder, tuple(self._files), offsets, facts, self._size, tuple(heaps))

    @property
    def heaps(self) -> tuple[Heap, ...]:
        """The files of chunks that it holds, once it is finished."""
        return (self._own, *self._lent)

    def abandon(self) -> None:
        """Take everything away again."""
        self._output.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        for heap in self._lent:
            heap.let_go(self.folder)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DestinationError(
                f"nothing can be put aside in {self.folder} ({error.strerror or error}); make room there, or"
                " set AUTOLOG_HOME to a folder with room"
            ) from error

    def _is_held(self, digest: bytes, size: int) -> bool:
        """Whether a chunk is where it is kept, or in another snapshot's file, which is held from now on."""
        heap = self._seen.get(digest, self._own)
        if heap is None or heap is self._own:
            return heap is None
        if heap not in self._lent:
            path = os.path.join(self.folder, f"{_CHUNKS}.{len(self._lent) + 1}")
            self._lent[heap] = {} if heap.lend(self.folder, path) else None
        needed = self._lent[heap]
        if needed is None:
            return self._seen.get(digest, heap) is None  # unless it was brought there meanwhile
        needed[digest] = size
        return True

    def _take_over(self, heap: Heap, needed: dict[bytes, int]) -> None:
        """Have a copy of what is needed of another snapshot's file, and hold it no longer."""
        del self._lent[heap]
        path = heap.names.get(self.folder)
        if path is None:
            return
        with open(path, "rb", buffering=0) as file:
            for digest, size in needed.items():
                data = os.pread(file.fileno(), size, heap.offsets[digest])
                if len(data) != size:
                    raise OSError(f"{path} is cut off")
                self._put(digest, data)
        os.unlink(path)
        heap.let_go(self.folder)

    def _put(self, digest: bytes, data: bytes) -> None:
        view = memoryview(data)
        self._own.offsets[digest] = self._size
        self._ahead.before(self._size + len(view))
        while view:
            count = self._output.write(view)
            view = view[count:]
        self._size += len(data)


def _copy(reader: int, writer: int, hasher: blake3) -> int:
    """Copy an open file into an empty one and hash it on the way; how many bytes there were."""
    is_shared = share(reader, writer)
    if not is_shared:
        reserve(writer, 0, os.fstat(reader).st_size)
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    at = 0
    # What was shared is read from the copy: nobody writes into that.
    while count := os.preadv(writer if is_shared else reader, [buffer], at):
        hasher.update(view[:count])
        written = count if is_shared else 0
        while written < count:
            written += os.pwrite(writer, view[written:count], at + written)
        at += count
    os.ftruncate(writer, at)  # it may have got shorter meanwhile
    return at


def item_facts(task_id: str, store: str, output_uri: str, content_store: str) -> dict[str, Any]:
    """What is put beside a snapshot's bytes of the run that it is of: passwords are left out."""
    return {
        "task": task_id,
        "store": mask(store),
        "output_uri": mask(output_uri),
        "content_store": mask(content_store),
    }


def read_item(folder: str) -> Staged | None:
    """What an earlier process put aside in a folder; None if it didn't come to its end."""
    try:
        with open(os.path.join(folder, _ITEM), encoding="ascii") as file:
            item = json.load(file)
        files = tuple(
            StagedFile(name, size, digest, tuple((bytes.fromhex(d), n, each) for d, n, each in chunks))
            for name, size, digest, chunks in item["files"]
        )
        offsets = {bytes.fromhex(digest): offset for digest, offset in item["offsets"].items()}
        heaps = tuple((name, size) for name, size in item.get("heaps", [[_CHUNKS, item["size"]]]))
        return Staged(folder, files, offsets, item["facts"], item["size"], heaps)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_item(folder: str, item: dict[str, Any]) -> None:
    path = os.path.join(folder, _ITEM)
    with open(f"{path}.part", "w", encoding="ascii") as file:
        json.dump(item, file)
    os.rename(f"{path}.part", path)


def _clear(folder: str, but: str) -> None:
    for each in os.scandir(folder):
        if each.is_dir(follow_symlinks=False):
            shutil.rmtree(each.path)
        elif each.name != but:
            os.unlink(each.path)
