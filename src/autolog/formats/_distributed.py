"""The `.metadata` of `torch.distributed.checkpoint`: which tensors a folder holds, and in which files.

It is a pickle of one `Metadata`, whose `state_dict_metadata` maps names to sizes and properties, and whose
`storage_data` says where each piece lies. (`torch/distributed/checkpoint/metadata.py`.)
"""

from __future__ import annotations

from typing import Any

from autolog.formats._arrays import lengths, torch_dtype
from autolog.formats._counting import MOST_TENSORS, counted, named
from autolog.formats._naming import attributes
from autolog.formats._shape import Contents, Tensor
from autolog.formats._standins import Made, Pairs, as_pairs, readable

__all__ = ["METADATA", "distributed", "pieces"]

METADATA = "torch.distributed.checkpoint.metadata.Metadata"
_TENSOR = "torch.distributed.checkpoint.metadata.TensorStorageMetadata"
_MOST_FILES = 100
_MOST_PIECES = 100_000


def distributed(value: Made, dangerous: tuple[str, ...]) -> Contents:
    """What the metadata lists; `dangerous` is what loading them could run."""
    facts = attributes(value)
    details: dict[str, Any] = {}
    tensors: list[Tensor] = []
    others = 0
    for name, entry in (as_pairs(facts.get("state_dict_metadata")) or Pairs()).texts().items():
        found = _tensor(name, entry)
        if found is None:
            others += 1
        elif len(tensors) < MOST_TENSORS:
            tensors.append(found)
        else:
            details["incomplete"] = f"more than {MOST_TENSORS} tensors"
    if isinstance(version := facts.get("version"), str):
        details["version"] = readable(version, 50)
    files = dict.fromkeys(readable(file, 200) for file, _, _ in pieces(value))
    details["files"] = list(files)[:_MOST_FILES]
    if others:
        details["other_values"] = others
    total = counted(tensors) if tensors else None
    return Contents("torch.distributed checkpoint", tuple(tensors), total, details, dangerous)


def pieces(value: Made) -> list[tuple[str, int, int]]:
    """Where each piece lies: file, offset and length in bytes."""
    stored = attributes(value).get("storage_data")
    found: list[tuple[str, int, int]] = []
    for _, entry in (as_pairs(stored) or Pairs())[:_MOST_PIECES]:
        facts = attributes(entry) if isinstance(entry, Made) else {}
        file, offset, length = (facts.get(key) for key in ("relative_path", "offset", "length"))
        if isinstance(file, str) and type(offset) is int and type(length) is int:
            found.append((file, offset, length))
    return found


def _tensor(name: str, entry: object) -> Tensor | None:
    if not isinstance(entry, Made) or entry.path != _TENSOR:
        return None
    facts = attributes(entry)
    shape = lengths(facts.get("size"))
    properties = facts.get("properties")
    state = properties.state if isinstance(properties, Made) else None
    # The properties' state is a tuple that begins with the type; once it was a mapping.
    kind = state[0] if isinstance(state, tuple) and state else None
    if kind is None and isinstance(properties, Made):
        kind = attributes(properties).get("dtype")
    return None if shape is None else named(name, shape, torch_dtype(kind) or "unknown")
