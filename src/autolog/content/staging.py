"""Bytes on their way to where they are kept: put aside beside the spool before the script may overwrite them.

Each snapshot has a folder of its own. `chunks` holds the bytes of those chunks that this run has not put
aside before, one behind the other; or, for a destination of plain files, the files themselves lie in
`files/`. `item.json` says what it is all for; a folder without one was never finished and is of no use.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from typing import Any, NamedTuple

from blake3 import blake3

from autolog.config import mask
from autolog.errors import DestinationError

from .ahead import Ahead, reserve
from .copies import share
from .cutting import Piece, Span, cut

__all__ = ["Staged", "StagedFile", "Staging", "item_facts", "read_item"]

_ITEM = "item.json"
_CHUNKS = "chunks"


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
    """What lies in one folder: its files, and where the bytes of chunks begin in `chunks`.

    `facts` is whatever was put there for whoever takes it on, in JSON types.
    """

    folder: str
    files: tuple[StagedFile, ...]
    offsets: dict[bytes, int]
    facts: dict[str, Any]
    size: int

    def open(self) -> BufferedReader:
        """The file with the bytes of the chunks."""
        return open(os.path.join(self.folder, _CHUNKS), "rb")

    def path(self, file: StagedFile) -> str:
        """Where a plain file lies."""
        return os.path.join(self.folder, "files", file.name or "file")


class Staging:
    """Puts one snapshot aside, file by file, in a folder that it makes.

    `seen` holds the digests of chunks that need no putting aside again; those that are new are added by
    `finish`. Raises DestinationError where the folder can't be written; `abandon` takes away what is there.
    """

    def __init__(self, folder: str, seen: set[bytes]) -> None:
        self.folder = folder
        self._seen = seen
        self._files: list[StagedFile] = []
        self._offsets: dict[bytes, int] = {}
        self._size = 0
        with self._told():
            os.makedirs(folder)
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
                if digest not in self._seen and digest not in self._offsets:
                    self._put(digest, piece)
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
        item = {
            "files": [
                [f.name, f.size, f.digest, [[d.hex(), size, each] for d, size, each in f.chunks]]
                for f in self._files
            ],
            "offsets": {digest.hex(): offset for digest, offset in self._offsets.items()},
            "facts": facts,
            "size": self._size,
        }
        path = os.path.join(self.folder, _ITEM)
        with self._told():
            self._ahead.end(self._size)
            self._output.close()
            with open(f"{path}.part", "w", encoding="ascii") as file:
                json.dump(item, file)
            os.rename(f"{path}.part", path)
        self._seen.update(self._offsets)
        return Staged(self.folder, tuple(self._files), self._offsets, facts, self._size)

    def abandon(self) -> None:
        """Take everything away again."""
        self._output.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DestinationError(
                f"nothing can be put aside in {self.folder} ({error.strerror or error}); make room there, or"
                " set AUTOLOG_HOME to a folder with room"
            ) from error

    def _put(self, digest: bytes, piece: Piece) -> None:
        view = memoryview(piece.data)
        self._offsets[digest] = self._size
        self._ahead.before(self._size + len(view))
        while view:
            count = self._output.write(view)
            view = view[count:]
        self._size += len(piece.data)


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
        return Staged(folder, files, offsets, item["facts"], item["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
