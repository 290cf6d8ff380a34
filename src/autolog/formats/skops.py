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
from autolog.formats._npy import Headers
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
_LONGEST_PATH = 1_000
_MOST_NAMES = 10_000


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
    names: dict[Global, bool] = {}
    tensors: list[Tensor] = []
    arrays: dict[str, tuple[tuple[int, ...], str]] = {}
    layout = Layout()
    headers = Headers(len(archive.entries))
    try:
        for path, node in _nodes(schema):
            kind = Global(str(node.get("__module__"))[:200], str(node.get("__class__"))[:200])
            if "__class__" in node:
                names[kind] = False
            if len(names) > _MOST_NAMES:
                raise Enough(f"more than {_MOST_NAMES} classes")
            if isinstance(file := node.get("file"), str) and file.endswith(".npy"):
                if file not in arrays:
                    arrays[file] = _array(archive, file, headers, layout)
                tensors.append(named(path, *arrays[file]))
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
    left = _MOST_NODES
    # Where we are on each level: a list of a million items is no reason to hold a million paths.
    levels: list[tuple[str, Iterator[tuple[str, Any]]]] = [("", iter((("", schema),)))]
    while levels:
        path, items = levels[-1]
        part, value = next(items, ("", None))
        if value is None:
            levels.pop()
            continue
        left -= 1
        if left < 0 or len(levels) > _DEEPEST:
            raise Enough("more nested nodes than we follow")
        joined = f"{path}.{part}" if path and part else path or part
        joined = joined[:_LONGEST_PATH]
        if isinstance(value, dict) and "__loader__" in value:
            yield joined, value
        levels.append((joined, _below(value)))


def _below(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """What may be nodes in a value."""
    if isinstance(value, list):
        yield from ((str(index), item) for index, item in enumerate(value) if isinstance(item, (list, dict)))
        return
    # A node keeps what is below it under `content`, `attrs` and the like, which aren't names.
    silent = "__loader__" in value
    for key, item in value.items():
        if key != "key_types" and isinstance(item, (list, dict)):
            yield "" if silent else key[:_LONGEST_PATH], item


def _array(archive: Archive, file: str, headers: Headers, layout: Layout) -> tuple[tuple[int, ...], str]:
    """Shape and type of an array."""
    if file not in archive.entries:
        raise UnreadableWeights(f"malformed skops: {file[:100]!r} isn't in the archive")
    try:
        found = headers.read(archive.source(file))
    except UnreadableWeights as fault:
        raise UnreadableWeights(f"malformed skops: {file[:100]!r}: {fault}") from fault
    layout.add(found.start, found.length, found.itemsize, found.dtype)
    return found.shape, found.dtype
