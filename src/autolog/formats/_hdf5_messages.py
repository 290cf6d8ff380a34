"""The header messages of HDF5 that tell an array's shape and type, and attributes.

(HDF5 File Format Specification, version 3.0, section IV.A: data object headers.)
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, error, unpack_from
from typing import NamedTuple

from autolog.errors import UnreadableWeights

__all__ = ["Attribute", "Kind", "attribute", "dataspace", "datatype", "number"]

_MOST_DIMENSIONS = 32  # HDF5's own limit
_DEEPEST = 8

_FIXED, _FLOAT, _TIME, _TEXT, _BITS, _OPAQUE, _COMPOUND, _REFERENCE, _ENUM, _VARYING, _ARRAY = range(11)


@dataclass(frozen=True, slots=True)
class Kind:
    """An element type: NumPy's name of it, its size in bytes, and for an array type the shape of one element.

    `text` is `fixed` or `varying` for texts, else empty; `signed` and `big` matter for numbers; `big` is None
    where the order of bytes isn't told.
    """

    name: str
    size: int
    text: str = ""
    shape: tuple[int, ...] = ()
    signed: bool = False
    big: bool | None = False


class Attribute(NamedTuple):
    """An attribute: its name, type and shape (None for a null dataspace), and its raw value."""

    name: str
    kind: Kind
    shape: tuple[int, ...] | None
    data: bytes


def dataspace(data: bytes, width: int) -> tuple[int, ...] | None:
    """The shape that a dataspace message says, lengths being `width` bytes; None for no value at all."""
    version, rank = data[0], data[1]
    if version not in (1, 2) or rank > _MOST_DIMENSIONS:
        raise UnreadableWeights("malformed HDF5: a dataspace of an unknown kind")
    if version == 2 and data[3] == 2:
        return None
    at = 8 if version == 1 else 4
    if len(data) < at + rank * width:
        raise UnreadableWeights("malformed HDF5: a dataspace is cut off")
    steps = range(at, at + rank * width, width)
    shape = tuple(int.from_bytes(data[step : step + width], "little") for step in steps)
    if any(length >= 1 << 63 for length in shape):
        raise UnreadableWeights("malformed HDF5: a dataspace beyond what memory addresses")
    return shape


def datatype(data: bytes, depth: int = 0) -> Kind:
    """The element type that a datatype message says."""
    return _datatype(data, depth)[0]


def _datatype(data: bytes, depth: int) -> tuple[Kind, int]:
    """The type, and how many bytes of the message describe it."""
    if depth > _DEEPEST or len(data) < 8:
        raise UnreadableWeights("malformed HDF5: a datatype is cut off or nested too deeply")
    kind, version, bits = data[0] & 15, data[0] >> 4, int.from_bytes(data[1:4], "little")
    size = int.from_bytes(data[4:8], "little")
    if kind == _FIXED:
        signed = bool(bits & 8)
        return Kind(f"{'int' if signed else 'uint'}{size * 8}", size, "", (), signed, bool(bits & 1)), 12
    if kind == _FLOAT:
        return Kind(_float_name(data, size), size, big=bool(bits & 1)), 20
    if kind == _TEXT:
        return Kind(f"bytes{size * 8}", size, "fixed"), 8
    if kind == _VARYING:
        return Kind("object", size, "varying" if bits & 15 == 1 else ""), 8
    if kind == _ENUM:
        base, length = _datatype(data[8:], depth + 1)
        # h5py writes booleans as an enumeration of FALSE and TRUE.
        boolean = base.size == 1 and data[8 + length :].startswith(b"FALSE\0")
        return (Kind("bool", 1) if boolean else base), len(data)
    if kind == _ARRAY:
        return _array(data, size, version, depth)
    if kind == _COMPOUND:
        name = _complex_name(data, bits & 0xFFFF, size)
        return Kind(name, size, big=_member_order(data, version) if name[0] == "c" else None), len(data)
    names = {_TIME: "datetime64", _REFERENCE: "object"}
    return Kind(names.get(kind, f"void{size * 8}"), size), len(data)


def _float_name(data: bytes, size: int) -> str:
    exponent, mantissa = (data[13], data[15]) if len(data) >= 16 else (0, 0)
    special = {
        (2, 8, 7): "bfloat16",
        (1, 4, 3): "float8_e4m3fn",
        (1, 5, 2): "float8_e5m2",
    }
    return special.get((size, exponent, mantissa), f"float{size * 8}")


def _complex_name(data: bytes, members: int, size: int) -> str:
    """h5py writes complex numbers as a compound of `r` and `i`."""
    looks_so = members == 2 and size in (8, 16, 32) and data[8:10] == b"r\0" and b"i\0" in data[10:]
    return f"complex{size * 8}" if looks_so else f"void{size * 8}"


def _member_order(data: bytes, version: int) -> bool | None:
    """Whether the first member of a compound, which has a name of one letter, is a big-endian number."""
    at = {1: 8 + 8 + 32, 2: 8 + 8 + 4, 3: 8 + 2 + 1}.get(version, len(data))
    return bool(data[at + 1] & 1) if len(data) > at + 1 and data[at] & 15 == _FLOAT else None


def _array(data: bytes, size: int, version: int, depth: int) -> tuple[Kind, int]:
    rank = data[8] if len(data) > 8 else 0
    at = 9 if version >= 3 else 12
    if rank > _MOST_DIMENSIONS or len(data) < at + rank * 4:
        raise UnreadableWeights("malformed HDF5: an array type is cut off")
    shape = unpack_from(f"<{rank}I", data, at)
    at += rank * (4 if version >= 3 else 8)  # older ones list permutations too
    base, length = _datatype(data[at:], depth + 1)
    return Kind(base.name, size, "", tuple(shape), base.signed, base.big), at + length


_SIZES = Struct("<BBHHH")


def attribute(data: bytes, width: int) -> Attribute | None:
    """The attribute that a message holds; None where its type is kept elsewhere."""
    try:
        version, flags, name_size, type_size, space_size = _SIZES.unpack_from(data)
    except error as fault:
        raise UnreadableWeights("malformed HDF5: an attribute is cut off") from fault
    if version not in (1, 2, 3):
        raise UnreadableWeights(f"malformed HDF5: an attribute of version {version}")
    if version > 1 and flags & 3:
        return None
    at = 9 if version == 3 else 8
    parts: list[bytes] = []
    for size in (name_size, type_size, space_size):
        parts.append(data[at : at + size])
        at += (size + 7) & ~7 if version == 1 else size
    if at > len(data) or len(parts[2]) < 4:
        raise UnreadableWeights("malformed HDF5: an attribute is cut off")
    name = parts[0].split(b"\0", 1)[0].decode("utf-8", "replace")
    return Attribute(name, datatype(parts[1]), dataspace(parts[2], width), data[at:])


def number(kind: Kind, data: bytes) -> int | float | None:
    """The number of that type which `data` begins with; None for other types."""
    order = ">" if kind.big else "<"
    if kind.name.startswith(("int", "uint")) and kind.size in (1, 2, 4, 8) and len(data) >= kind.size:
        return int.from_bytes(data[: kind.size], "big" if kind.big else "little", signed=kind.signed)
    code = {"float16": "e", "float32": "f", "float64": "d"}.get(kind.name)
    if code is None or len(data) < kind.size:
        return None
    found: float = Struct(order + code).unpack(data[: kind.size])[0]
    return found
