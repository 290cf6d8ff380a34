"""A small reader of HDF5: which groups, arrays and attributes a file has, without the arrays' elements.

h5py would do, but it weighs as much as the rest of our dependencies, and its C library isn't meant for
files that lie. Read here are superblocks of all versions, object headers of both versions, groups kept as
symbol tables or as links, shapes, types and attributes. Groups of many links in files of the newest
layout lie in "fractal heaps", which are only reported: `incomplete` says so.
(HDF5 File Format Specification, version 3.0.)
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from autolog.errors import UnreadableWeights
from autolog.formats._hdf5_layout import chunks, piece
from autolog.formats._hdf5_messages import Attribute, Kind, attribute, dataspace, datatype, number
from autolog.formats._pages import Pages
from autolog.formats._source import Enough, Seekable

__all__ = ["MAGIC", "Dataset", "Hdf5"]

MAGIC = b"\x89HDF\r\n\x1a\n"
_LARGEST_HEADER = 1 << 24  # bytes of one chunk of an object header
_LONGEST_NAME = 1 << 10
_PER_LINK = 100  # bytes of memory that a link takes besides its name
_PER_MESSAGE = 100  # and a message besides its data
_PER_CHILD = 40  # and the address of a node
_LONGEST_VALUE = 1 << 22  # bytes of an attribute's text
_MOST_OBJECTS = 200_000
_MOST_TREES = 1 << 23  # bytes of trees that list the chunks of arrays, a chunk taking at least 24
_MOST_PARTS = 10_000  # chunks of one header, levels of one tree
_DEEPEST = 60

_NOTHING = 0x00
_SPACE, _LINKS, _TYPE, _LINK, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE, _GO_ON, _TABLE, _ATTRIBUTES = (
    0x01, 0x02, 0x03, 0x06, 0x07, 0x08, 0x0B, 0x0C, 0x10, 0x11, 0x15
)  # fmt: skip
_SHARED = 2
_V1_MESSAGE = Struct("<HHB3x")
_V2_MESSAGE = Struct("<BHB")

Value = str | int | float


class Dataset(NamedTuple):
    """An array: its path, shape, element type, where its header is, and how its elements are laid out.

    `layout` is None where the bytes in the file aren't the elements: filtered, or in other files.
    """

    path: str
    shape: tuple[int, ...]
    kind: Kind
    address: int
    layout: bytes | None


class Message(NamedTuple):
    """One message of an object header: its type, flags and data."""

    kind: int
    flags: int
    data: bytes


class Hdf5:
    """An open file; `incomplete` says in words what a bound or a missing ability of ours left out."""

    def __init__(self, file: Seekable, size: int) -> None:
        self.pages = Pages(file, size)
        self._trees: Pages | None = Pages(file, size, _MOST_TREES)
        self.incomplete = ""
        self.groups: dict[str, int] = {}
        self._offset = self._length = 8
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.root = self._superblock()

    # Where everything begins

    def _superblock(self) -> int:
        head = self.pages.take(0, 16)
        if head[:8] != MAGIC:
            raise UnreadableWeights("no HDF5 file")
        version = head[8]
        if version in (0, 1):
            self._offset, self._length = self._widths(head[13], head[14])
            at = 24 if version == 0 else 28
            end, root = at + 2 * self._offset, at + 5 * self._offset
        elif version in (2, 3):
            self._offset, self._length = self._widths(head[9], head[10])
            end, root = 12 + 2 * self._offset, 12 + 3 * self._offset
        else:
            raise UnreadableWeights(f"an HDF5 superblock of version {version}, which we don't know")
        if (last := self._address(end)) > self.pages.size:
            raise UnreadableWeights(f"truncated: HDF5 of {last} bytes, of which {self.pages.size} are")
        return self._address(root)

    @staticmethod
    def _widths(offset: int, length: int) -> tuple[int, int]:
        if offset not in (2, 4, 8) or length not in (2, 4, 8):
            raise UnreadableWeights("malformed HDF5: offsets of an odd width")
        return offset, length

    def _address(self, at: int) -> int:
        return self.pages.number(at, self._offset)

    # Object headers

    def messages(self, address: int) -> list[Message]:
        """The messages in the object header at that address."""
        head = self.pages.take(address, 16)
        if head[:4] == b"OHDR":
            return self._new_header(address, head)
        if head[0] != 1:
            raise UnreadableWeights(f"malformed HDF5: no object header at byte {address}")
        found: list[Message] = []
        chunks = [(address + 16, int.from_bytes(head[8:12], "little"))]
        seen: set[int] = set()
        while chunks:
            at, size = chunks.pop(0)
            self._check_chunk(at, size, seen)
            self._old_chunk(self.pages.take(at, size), found, chunks)
        return found

    def _check_chunk(self, at: int, size: int, seen: set[int]) -> None:
        if at in seen or len(seen) > _MOST_PARTS:
            raise UnreadableWeights("malformed HDF5: an object header without end")
        if size > _LARGEST_HEADER:
            raise Enough(f"an object header of {size} bytes")
        seen.add(at)

    def _old_chunk(self, data: bytes, found: list[Message], chunks: list[tuple[int, int]]) -> None:
        at = 0
        while at + _V1_MESSAGE.size <= len(data):
            kind, size, flags = _V1_MESSAGE.unpack_from(data, at)
            at += _V1_MESSAGE.size
            self._message(Message(kind, flags, data[at : at + size]), size, found, chunks)
            at += size

    def _new_header(self, address: int, head: bytes) -> list[Message]:
        flags = head[5]
        at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        found: list[Message] = []
        size = self.pages.number(at, width)
        chunks: list[tuple[int, int]] = []
        seen: set[int] = set()
        self._check_chunk(at + width, size, seen)
        self._new_chunk(at + width, size, flags, found, chunks)
        while chunks:
            at, size = chunks.pop(0)
            self._check_chunk(at, size, seen)
            if self.pages.take(at, 4) != b"OCHK" or size < 8:
                raise UnreadableWeights("malformed HDF5: an object header doesn't go on where it says")
            self._new_chunk(at + 4, size - 8, flags, found, chunks)
        return found

    def _new_chunk(
        self, at: int, size: int, flags: int, found: list[Message], chunks: list[tuple[int, int]]
    ) -> None:
        data = self.pages.take(at, size)
        extra = 2 if flags & 4 else 0
        at = 0
        while at + _V2_MESSAGE.size + extra <= len(data):
            kind, length, message_flags = _V2_MESSAGE.unpack_from(data, at)
            at += _V2_MESSAGE.size + extra
            self._message(Message(kind, message_flags, data[at : at + length]), length, found, chunks)
            at += length

    def _message(
        self, message: Message, size: int, found: list[Message], chunks: list[tuple[int, int]]
    ) -> None:
        if len(message.data) < size:
            raise UnreadableWeights("malformed HDF5: a message is longer than its header")
        self.pages.spend(_PER_MESSAGE)
        if message.kind == _NOTHING:
            return
        if message.kind != _GO_ON:
            found.append(message)
        elif size < self._offset + self._length:
            raise UnreadableWeights("malformed HDF5: a continuation is cut off")
        else:
            chunks.append((self._at(message.data, 0), self._size(message.data, self._offset)))

    def _at(self, data: bytes, at: int) -> int:
        return int.from_bytes(data[at : at + self._offset], "little")

    def _size(self, data: bytes, at: int) -> int:
        return int.from_bytes(data[at : at + self._length], "little")

    # Groups

    def walk(self) -> Iterator[Dataset]:
        """Every array of the file, once; `groups` fills with the groups' paths and addresses."""
        seen = {self.root}
        pending = [("", self.root, 0)]
        while pending:
            path, address, depth = pending.pop()
            messages = self.messages(address)
            found = self._dataset(path, address, messages)
            if found is not None:
                yield found
                continue
            self.groups[path] = address
            below = [] if depth > _DEEPEST else list(self._links(messages))
            for name, target in reversed(below):
                # As h5py's `visit`: an object under several names is met once, so circles end.
                if target not in seen:
                    seen.add(target)
                    joined = f"{path}/{name}" if path else name
                    self.pages.spend(len(joined))
                    pending.append((joined, target, depth + 1))
            if len(seen) > _MOST_OBJECTS:
                raise Enough(f"more than {_MOST_OBJECTS} objects")

    def _dataset(self, path: str, address: int, messages: list[Message]) -> Dataset | None:
        kinds = {message.kind for message in messages}
        if not {_SPACE, _TYPE} <= kinds or not kinds & {_LAYOUT}:
            return None
        space = next(message.data for message in messages if message.kind == _SPACE)
        if len(space) < 4:
            raise UnreadableWeights("malformed HDF5: a dataspace is cut off")
        kind = self._type_of(next(message for message in messages if message.kind == _TYPE))
        plain = not kinds & {_EXTERNAL, _FILTERS}
        layout = next(message.data for message in messages if message.kind == _LAYOUT) if plain else None
        shape = (dataspace(space, self._length) or ()) + kind.shape
        return Dataset(path, shape, kind, address, layout)

    def piece(self, found: Dataset, length: int) -> int | None:
        """Where in the file the `length` bytes of an array lie; None unless they are there in one piece."""
        start = None if found.layout is None else piece(found.layout, self._offset, length)
        return start if start is not None and start + length <= self.pages.size else None

    def chunks(self, found: Dataset) -> Iterator[tuple[int, int]]:
        """Offset and length of each chunk of an array that isn't in one piece, as far as we read."""
        try:
            if found.layout is not None and self._trees is not None:
                yield from chunks(self._trees, found.layout, self._offset)
        except (UnreadableWeights, Enough):
            self._trees = None  # what the file holds is told without it

    def _type_of(self, message: Message, depth: int = 0) -> Kind:
        """A type is written here, or shared: then here is the address of the object that is it."""
        if not message.flags & _SHARED:
            return datatype(message.data)
        data = message.data
        if len(data) < 2 + self._offset or depth > 2 or data[0] not in (1, 2, 3):
            raise UnreadableWeights("malformed HDF5: a shared type is cut off")
        if data[0] == 3 and data[1] != 2:
            return Kind("unknown", 0)
        target = self._at(data, 8 if data[0] == 1 else 2)
        for inner in self.messages(target):
            if inner.kind == _TYPE:
                return self._type_of(inner, depth + 1)
        raise UnreadableWeights("malformed HDF5: a shared type isn't where it should be")

    def _links(self, messages: list[Message]) -> Iterator[tuple[str, int]]:
        for message in messages:
            if message.kind == _TABLE:
                yield from self._table(message.data)
            elif message.kind == _LINK and (link := self._link(message.data)) is not None:
                yield link
            elif message.kind == _LINKS and self._is_dense(message.data, message.data[1] & 1, 8):
                self.incomplete = "groups of many links in the newest layout of HDF5 aren't read"

    def _is_dense(self, data: bytes, ordered: int, extra: int) -> bool:
        """Whether links or attributes are kept in a heap of their own."""
        at = 2 + (extra if ordered else 0)
        heap = data[at : at + self._offset]
        return len(heap) == self._offset and heap != b"\xff" * self._offset

    def _link(self, data: bytes) -> tuple[str, int] | None:
        if len(data) < 4 or data[0] != 1:
            raise UnreadableWeights("malformed HDF5: a link is cut off")
        flags, at, kind = data[1], 2, 0
        if flags & 8:
            kind, at = data[2], 3
        at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
        width = 1 << (flags & 3)
        length = int.from_bytes(data[at : at + width], "little")
        at += width
        if at + length > len(data):
            raise UnreadableWeights("malformed HDF5: a link's name is cut off")
        name = data[at : at + length].decode("utf-8", "replace")
        # Links by name (1) and into other files (64) lead to nothing that isn't seen elsewhere.
        return (name, self._at(data, at + length)) if kind == 0 else None

    def _table(self, data: bytes) -> Iterator[tuple[str, int]]:
        """The links of a group of the old layout: a tree of tables, their names in a heap."""
        if len(data) < 2 * self._offset:
            raise UnreadableWeights("malformed HDF5: a symbol table is cut off")
        heap = self._at(data, self._offset)
        if self.pages.take(heap, 4) != b"HEAP":
            raise UnreadableWeights("malformed HDF5: a group without its names")
        length = self.pages.number(heap + 8, self._length)
        if length > _LARGEST_HEADER:
            raise Enough(f"a group whose names take {length} bytes")
        names = self.pages.take(self._address(heap + 8 + 2 * self._length), length)
        pending, seen = [self._at(data, 0)], 0
        while pending:
            node = pending.pop()
            seen += 1
            if seen > _MOST_OBJECTS:
                raise Enough(f"more than {_MOST_OBJECTS} nodes of a group's tree")
            mark = self.pages.take(node, 8)
            if mark[:4] == b"SNOD":
                yield from self._symbols(node, int.from_bytes(mark[6:8], "little"), names)
            elif mark[:4] == b"TREE" and mark[4] == 0:
                pending.extend(reversed(self._children(node, int.from_bytes(mark[6:8], "little"))))
            else:
                raise UnreadableWeights("malformed HDF5: a group's tree has a strange node")

    def _children(self, node: int, count: int) -> list[int]:
        step = self._length + self._offset
        data = self.pages.take(node + 8 + 2 * self._offset, count * step)
        self.pages.spend(count * _PER_CHILD)
        return [self._at(data, at + self._length) for at in range(0, count * step, step)]

    def _symbols(self, node: int, count: int, names: bytes) -> Iterator[tuple[str, int]]:
        step = 2 * self._offset + 24
        data = self.pages.take(node + 8, count * step)
        for at in range(0, count * step, step):
            offset = self._at(data, at)
            if offset >= len(names):
                raise UnreadableWeights("malformed HDF5: a link's name lies outside its heap")
            if int.from_bytes(data[at + 2 * self._offset : at + 2 * self._offset + 4], "little") == 2:
                continue  # a link by name
            name = names[offset : offset + _LONGEST_NAME]
            self.pages.spend(_PER_LINK + len(name))
            yield name.split(b"\0", 1)[0].decode("utf-8", "replace"), self._at(data, at + self._offset)

    # Attributes

    def attributes(self, address: int) -> dict[str, Value]:
        """The texts and single numbers among the attributes of an object; of a list of texts its length."""
        found: dict[str, Value] = {}
        for message in self.messages(address):
            if message.kind == _ATTRIBUTE and not message.flags & _SHARED:
                made = attribute(message.data, self._length)
                value = None if made is None else self._value(made)
                if made is not None and value is not None:
                    found[made.name] = value
            elif message.kind == _ATTRIBUTES and self._is_dense(message.data, message.data[1] & 1, 2):
                self.incomplete = "attributes in a heap of their own aren't read"
        return found

    def _value(self, made: Attribute) -> Value | None:
        if made.shape is None:
            return None
        count = 1
        for length in made.shape:
            count *= length
        if made.kind.text:
            if count * made.kind.size > len(made.data):
                return None
            return count if made.shape else self._text(made.kind, made.data[: made.kind.size])
        return None if made.shape else number(made.kind, made.data)

    def _text(self, kind: Kind, data: bytes) -> str:
        if kind.text == "varying":
            data = self._from_heap(data)
        return data.split(b"\0", 1)[0].decode("utf-8", "replace")

    def _from_heap(self, reference: bytes) -> bytes:
        """A text of any length is kept in a heap of the file: its length, the heap, its number there."""
        length = int.from_bytes(reference[:4], "little")
        heap = self._at(reference, 4)
        index = int.from_bytes(reference[4 + self._offset : 8 + self._offset], "little")
        if not length or heap == 0:
            return b""
        if length > _LONGEST_VALUE:
            raise Enough(f"an attribute of {length} bytes")
        at, size = self._heap(heap).get(index, (0, 0))
        if length > size:
            raise UnreadableWeights("malformed HDF5: a text isn't in the heap it should be in")
        return self.pages.take(at, length)

    def _heap(self, address: int) -> dict[int, tuple[int, int]]:
        if address in self._heaps:
            return self._heaps[address]
        if self.pages.take(address, 4) != b"GCOL":
            raise UnreadableWeights("malformed HDF5: no heap where one should be")
        end = address + self.pages.number(address + 8, self._length)
        objects: dict[int, tuple[int, int]] = {}
        at = address + 8 + self._length
        while at + 8 + self._length <= end:
            head = self.pages.take(at, 8 + self._length)
            index, size = int.from_bytes(head[:2], "little"), self._size(head, 8)
            if index == 0:
                break
            objects[index] = at + 8 + self._length, size
            at += 8 + self._length + ((size + 7) & ~7)
        self._heaps[address] = objects
        return objects
