"""Models that skops saved: zip archives of `schema.json`, a tree of nodes, and one `.npy` file per array.

Each node names a class and its module. Skops loads only those that its user trusts, but it is still worth
knowing which there are: those that could run code are in `dangerous`. (`skops/io/_persist.py`.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._counting import MOST_TENSORS, counted, named, texts
from autolog.formats._danger import dangerous, strangers
from autolog.formats._layout import Layout
from autolog.formats._npy import read_npy
from autolog.formats._shape import Contents, Tensor
from autolog.formats._source import Enough
from autolog.formats._standins import Global, readable
from autolog.formats._zips import Archive

__all__ = ["inspect_skops"]

_SCHEMA = "schema.json"
_LARGEST_SCHEMA = 1 << 24
_MOST_NODES = 500_000
_DEEPEST = 200
_MOST_TYPES = 200


def inspect_skops(archive: Archive) -> Contents | None:
    """What such an archive holds; None for any other archive.

    `types` in the details are the classes and functions that the model is made of, in order of their
    appearance.
    """
    if _SCHEMA not in archive.entries:
        return None
    try:
        schema = archive.json(_SCHEMA, _LARGEST_SCHEMA)
    except Enough as bound:
        return Contents("skops", details={"incomplete": str(bound)})
    if not isinstance(schema, dict) or "__loader__" not in schema:
        return None
    details: dict[str, Any] = dict(texts(schema, "_skops_version", "protocol"))
    names: dict[Global, None] = {}
    tensors: list[Tensor] = []
    layout = Layout()
    try:
        for path, node in _nodes(schema):
            kind = Global(str(node.get("__module__"))[:200], str(node.get("__class__"))[:200])
            if "__class__" in node:
                names[kind] = None
            if isinstance(file := node.get("file"), str) and file.endswith(".npy"):
                tensors.append(_array(archive, file, path, layout))
            if len(tensors) > MOST_TENSORS:
                raise Enough(f"more than {MOST_TENSORS} arrays")
    except Enough as bound:
        details["incomplete"] = str(bound)
    details["class"] = readable(f"{schema.get('__module__')}.{schema.get('__class__')}", 200)
    details["types"] = [readable(name.path, 200) for name in list(names)[:_MOST_TYPES]]
    if imports := strangers(names):
        details["imports"] = list(imports)
    return Contents(
        "skops",
        tuple(tensors),
        counted(tensors) if tensors else None,
        details,
        dangerous(names),
        regions=tuple(layout.regions),
    )


def _nodes(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node with the dotted path to it: attributes by name, items by number."""
    pending: list[tuple[str, Any, int]] = [("", schema, 0)]
    left = _MOST_NODES
    while pending:
        path, value, depth = pending.pop()
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise Enough("more nested nodes than we follow")
        below: list[tuple[str, Any]] = []
        if isinstance(value, list):
            below = [(str(index), item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            if "__loader__" in value:
                yield path, value
            # A node keeps what is below it under `content`, `attrs` and the like, which aren't names.
            silent = "__loader__" in value
            below = [("" if silent else key, item) for key, item in value.items() if key != "key_types"]
        for part, item in reversed(below):
            if isinstance(item, (list, dict)):
                joined = f"{path}.{part}" if path and part else path or part
                pending.append((joined[:1000], item, depth + 1))


def _array(archive: Archive, file: str, path: str, layout: Layout) -> Tensor:
    if file not in archive.entries:
        raise UnreadableWeights(f"malformed skops: {file[:100]!r} isn't in the archive")
    try:
        found = read_npy(archive.source(file))
    except UnreadableWeights as fault:
        raise UnreadableWeights(f"malformed skops: {file[:100]!r}: {fault}") from fault
    tensor = named(path, found.shape, found.dtype)
    layout.add(found.start, found.length, found.itemsize, found.dtype)
    return tensor
