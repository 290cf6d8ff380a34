"""safetensors files: a header of JSON, then the tensors' bytes.

The first 8 bytes are the header's length, little-endian; the header maps each name to `dtype`, `shape`
and `data_offsets`, which count from the header's end; `__metadata__` maps texts to texts. The bytes
are covered without gaps or overlaps, and the header has at most 100 MB.
(https://github.com/huggingface/safetensors, "Format".)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any, TypeGuard

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import element_bytes
from autolog.formats._layout import Layout
from autolog.formats._shape import Contents, Place, Stored, Tensor
from autolog.formats._source import Seekable
from autolog.formats._standins import readable

__all__ = ["inspect_safetensors", "looks_like_safetensors"]

_LARGEST_HEADER = 100_000_000
_LARGEST_PARSED = 1 << 24  # bytes; a hundred thousand tensors take half of it
_MOST_METADATA = 100
_LONGEST_METADATA = 1_000
_MOST_DIMENSIONS = 64

# NumPy's name of each type, and its bits: F4 and F6 types are packed.
_TYPES = {
    "BOOL": ("bool", 8),
    "F4": ("float4_e2m1fn", 4),
    "F6_E2M3": ("float6_e2m3fn", 6),
    "F6_E3M2": ("float6_e3m2fn", 6),
    "U8": ("uint8", 8),
    "I8": ("int8", 8),
    "F8_E5M2": ("float8_e5m2", 8),
    "F8_E4M3": ("float8_e4m3fn", 8),
    "F8_E8M0": ("float8_e8m0fnu", 8),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 8),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 8),
    "I16": ("int16", 16),
    "U16": ("uint16", 16),
    "F16": ("float16", 16),
    "BF16": ("bfloat16", 16),
    "I32": ("int32", 32),
    "U32": ("uint32", 32),
    "F32": ("float32", 32),
    "C64": ("complex64", 64),
    "F64": ("float64", 64),
    "I64": ("int64", 64),
    "U64": ("uint64", 64),
}


def inspect_safetensors(file: Seekable, size: int, name: str) -> Contents | None:
    """What such a file holds, its tensors in the order of their bytes; None for any other file.

    It is told by a plausible length followed by `{"`, or by its suffix; `__metadata__` is in the details
    as `metadata`, bounded.
    """
    hinted = name.lower().endswith(".safetensors")
    file.seek(0)
    head = file.read(10)
    length = int.from_bytes(head[:8], "little")
    if not looks_like_safetensors(head) and not hinted:
        return None
    if len(head) < 10 or length > min(_LARGEST_HEADER, size - 8):
        raise UnreadableWeights(f"truncated: a safetensors header of {length} bytes in a file of {size}")
    if length > _LARGEST_PARSED:
        return Contents("safetensors", details={"incomplete": f"a header of {length} bytes"})
    file.seek(8)
    entries = _header(file.read(length))
    metadata = entries.pop("__metadata__", None)
    rows = [_row(key, entry) for key, entry in entries.items()]
    rows.sort(key=lambda row: row[:2])
    end = 0
    for begin, stop, _ in rows:
        if begin != end:
            raise UnreadableWeights(f"malformed safetensors: a gap or an overlap at byte {min(begin, end)}")
        end = stop
    if end != size - 8 - length:
        left = size - 8 - length
        raise UnreadableWeights(f"truncated: safetensors of {end} bytes where {left} are")
    tensors = tuple(tensor for _, _, tensor in rows)
    layout = Layout()
    stored: dict[str, Stored] = {}
    for begin, stop, tensor in rows:
        start, many, name = 8 + length + begin, stop - begin, tensor.name
        layout.add(start, many, element_bytes(tensor.dtype), tensor.dtype)
        stored[name] = Stored(name, name, tensor.shape, tensor.dtype, many, Place(start))
    for name, other in _tied(metadata, stored):
        stored[name] = replace(stored[other], name=name, key=name)
    return Contents(
        "safetensors",
        tensors,
        sum(tensor.elements for tensor in tensors),
        _details(metadata),
        regions=tuple(layout.regions),
        stored=tuple(stored.values()) if len(stored) >= len(tensors) else (),
    )


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a file that begins with these bytes, ten at least, has the header of such a file."""
    opening = len(head) >= 10 and head[8:9] == b"{" and head[9:10] in b'" }'
    return opening and 2 <= int.from_bytes(head[:8], "little") <= _LARGEST_HEADER


def _tied(metadata: Any, stored: Mapping[str, Stored]) -> list[tuple[str, str]]:
    """Other names of tensors in the file: `save_model` keeps tied tensors once, the names left out here."""
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return [
        (readable(name), other)
        for name, other in pairs
        if isinstance(other, str) and other in stored and readable(name) not in stored
    ]


def _header(data: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise UnreadableWeights(f"malformed safetensors header: {fault}") from fault
    if not isinstance(entries, dict):
        raise UnreadableWeights("malformed safetensors header: it is no mapping")
    return entries


def _row(name: str, entry: Any) -> tuple[int, int, Tensor]:
    """The offsets of a tensor, and the tensor; its bytes must be as many as its shape and type take."""
    fields = entry if isinstance(entry, dict) else {}
    kind, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    known = _TYPES.get(kind) if isinstance(kind, str) else None
    if known is None or not _are_lengths(shape) or not _are_lengths(offsets) or len(offsets) != 2:
        raise UnreadableWeights(f"malformed safetensors: the entry of {name[:100]!r}")
    if (prod(shape) * known[1] + 7) // 8 != offsets[1] - offsets[0]:
        raise UnreadableWeights(f"malformed safetensors: shape and bytes of {name[:100]!r} don't agree")
    return offsets[0], offsets[1], Tensor(readable(name), tuple(shape), known[0])


def _are_lengths(value: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and len(value) <= _MOST_DIMENSIONS
        and all(type(length) is int and 0 <= length < 1 << 63 for length in value)
    )


def _details(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict):
        return {}
    kept = {
        readable(key, _LONGEST_METADATA): readable(value, _LONGEST_METADATA)
        for key, value in list(metadata.items())[:_MOST_METADATA]
        if isinstance(value, str)
    }
    return {"metadata": kept}
