"""Files as downloads: never shown as a page, and their size is told, for the browser's progress."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

__all__ = ["Member", "download", "safe_name", "zipped", "zipped_size"]

#: A file that somebody saved is data, whatever is in it.
_HEADERS = {
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
#: The earliest time that a zip can say; when a file was changed is nothing of its content.
_THEN = (1980, 1, 1, 0, 0, 0)
#: What `zipfile` takes for too much for the fields of 32 bits.
_ZIP64 = zipfile.ZIP64_LIMIT
_LONGEST_NAME = 150


class Member(NamedTuple):
    """A file that goes into an archive: its name there, its size in bytes, and what gives its bytes."""

    name: str
    size: int
    open: Callable[[], Iterator[bytes | bytearray | memoryview]]


def download(
    blocks: Iterable[bytes | bytearray | memoryview], name: str, size: int, *, is_head: bool = False
) -> Response:
    """An answer that is saved as a file of this name. Errors before the first block are raised here."""
    kind = "application/zip" if name.endswith(".zip") else "application/octet-stream"
    headers = {**_HEADERS, "content-length": str(size), "content-disposition": _attachment(name)}
    if is_head:
        return Response(headers=headers, media_type=kind)
    rest = iter(blocks)
    first = next(rest, b"")

    def body() -> Iterator[bytes]:
        yield bytes(first)
        for block in rest:
            yield bytes(block)

    return StreamingResponse(body(), headers=headers, media_type=kind)


def safe_name(name: str) -> str:
    """A name as a file or a folder anywhere may have it: nothing in it leads out of it, and it isn't long."""
    name = "".join(each if each.isprintable() and each not in "/\\" else "_" for each in name)
    name = name.encode("utf-8", "replace").decode().strip(" .") or "weights"
    stem, suffix = os.path.splitext(name)
    return name if len(name) <= _LONGEST_NAME else stem[: _LONGEST_NAME - len(suffix[:20])] + suffix[:20]


def _attachment(name: str) -> str:
    """A header that says what a download is called (RFC 6266)."""
    name = safe_name(name)
    plain = "".join(each if 32 <= ord(each) < 127 and each not in '"%;' else "_" for each in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


# -- archives -----------------------------------------------------------------------------------------


class _Passing(io.RawIOBase):
    """What is written to it is handed on; it can't seek, so sizes follow behind each file."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]
        self._held.append(bytes(data))
        return len(data)

    def taken(self) -> list[bytes]:
        held, self._held = self._held, []
        return held


def zipped(members: Iterable[Member]) -> Iterator[bytes]:
    """Files as one zip, made while it is read. They are stored as they are: weights hardly compress."""
    output = _Passing()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for each in members:
            entry = zipfile.ZipInfo(_in_zip(each.name), _THEN)
            entry.external_attr = 0o100644 << 16
            entry.file_size = each.size
            with archive.open(entry, "w", force_zip64=True) as file:
                for block in each.open():
                    file.write(block)
                    yield from output.taken()
            yield from output.taken()
    yield from output.taken()


def zipped_size(members: Iterable[Member]) -> int:
    """How many bytes `zipped` gives, so that a browser knows how far a download is."""
    offset = directory = count = 0
    for each in members:
        name = len(_in_zip(each.name).encode("utf-8"))
        wide = (2 if each.size > _ZIP64 else 0) + (1 if offset > _ZIP64 else 0)
        directory += 46 + name + (4 + 8 * wide if wide else 0)
        # A header with room for sizes of 64 bits, the bytes, and the sizes behind them.
        offset += 30 + name + 20 + each.size + 24
        count += 1
    is_wide = count > 0xFFFF or offset > _ZIP64 or directory > _ZIP64
    return offset + directory + (56 + 20 if is_wide else 0) + 22


def _in_zip(name: str) -> str:
    """A name as a zip can have it: UTF-8, undecodable bytes as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
