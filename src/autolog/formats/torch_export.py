"""Programs of `torch.export.save`: zip archives, `.pt2`.

Since 2.8 the weights lie in `data/weights/`, one entry each, listed with names, shapes and types in
`<model>_weights_config.json`, and the graph is `models/<model>.json`. Before that the archive held
`serialized_exported_program.json` and whole torch files: `serialized_state_dict.pt`... Both keep sample
inputs as a pickle. (`torch/export/pt2_archive/constants.py`, `torch/_export/serde/schema.py`.)
"""

from __future__ import annotations

from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import Storage, element_bytes
from autolog.formats._counting import MOST_TENSORS, named
from autolog.formats._graph import Operations, summary
from autolog.formats._layout import Layout
from autolog.formats._shape import Contents, Stored, Tensor
from autolog.formats._source import Enough
from autolog.formats._standins import readable
from autolog.formats._zips import Archive, open_archive
from autolog.formats.pickles import inspect_pickle
from autolog.formats.torch_zip import inspect_torch, is_big

__all__ = ["inspect_export"]

_LARGEST_JSON = 1 << 24
_MOST_PICKLES = 16
_OLD = "serialized_exported_program.json"
_OLD_STATE = "serialized_state_dict.pt"
_STRIDED = 7  # of the schema's layouts the only one whose elements lie one by one

# `ScalarType` of the schema.
_TYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    9: "complex32",
    10: "complex64",
    11: "complex128",
    12: "bool",
    13: "bfloat16",
    28: "uint16",
    29: "float8_e4m3fn",
    30: "float8_e5m2",
    31: "float8_e4m3fnuz",
    32: "float8_e5m2fnuz",
    33: "float8_e8m0fnu",
    34: "uint32",
    35: "uint64",
}


def inspect_export(archive: Archive) -> Contents | None:
    """What an exported program holds; None for any other archive.

    Its design is a summary of the graph, `parameters` the elements of its weights and buffers.
    """
    mark = next((name for name in archive.entries if name.endswith("archive_format")), None)
    if mark is not None and archive.read(mark, 64).strip() == b"pt2":
        return _inspect(archive, mark.removesuffix("archive_format"))
    old = next((name for name in archive.entries if name.endswith(_OLD)), None)
    return None if old is None else _inspect(archive, old.removesuffix(_OLD))


def _inspect(archive: Archive, prefix: str) -> Contents:
    details: dict[str, Any] = {}
    stored: dict[str, Stored] = {}
    layout = Layout()
    layout.big = is_big(archive, prefix)
    whole = True
    pickled, dangers = _pickles(archive, prefix)
    if len(pickled) >= _MOST_PICKLES:
        details["incomplete"] = f"more than {_MOST_PICKLES} pickles"
    for contents in pickled.values():
        if "incomplete" in contents.details:
            details.setdefault("incomplete", contents.details["incomplete"])
    design = None
    try:
        for name in archive.entries:
            if name.startswith(f"{prefix}data/weights/") and name.endswith("_weights_config.json"):
                whole = _weights(archive, name, stored, layout) and whole
        design = _design(archive, prefix)
    except Enough as bound:
        details["incomplete"] = str(bound)
        whole = False
    tensors = {name: Tensor(name, each.shape, each.dtype) for name, each in stored.items()}
    if (state := pickled.get(_OLD_STATE)) is not None:
        tensors.update((tensor.name, tensor) for tensor in state.tensors)
        stored.update((each.name, each) for each in state.stored)
    total = sum(tensor.elements for tensor in tensors.values())
    for contents in pickled.values():
        layout.regions.extend(contents.regions)
    return Contents(
        "torch.export",
        tuple(tensors.values()),
        total if tensors else None,
        details,
        dangers,
        design,
        regions=tuple(layout.regions),
        stored=tuple(stored.values()) if whole and len(stored) == len(tensors) else (),
    )


def _weights(archive: Archive, config: str, stored: dict[str, Stored], layout: Layout) -> bool:
    """The tensors that a configuration lists; each is kept in an entry beside it.

    False if there are others, which are kept as pickles.
    """
    whole = True
    document = archive.json(config, _LARGEST_JSON)
    folder = config.rpartition("/")[0]
    entries = document.get("config") if isinstance(document, dict) else None
    for name, entry in (entries if isinstance(entries, dict) else {}).items():
        facts = entry.get("tensor_meta") if isinstance(entry, dict) else None
        if not isinstance(facts, dict):
            whole = False
            continue
        sizes = facts.get("sizes")
        shape = [size.get("as_int") if isinstance(size, dict) else None for size in sizes or ()]
        kind = facts.get("dtype")
        if not all(type(length) is int for length in shape) or type(kind) is not int:
            raise UnreadableWeights(f"malformed torch.export: the entry of {name[:100]!r}")
        if len(stored) >= MOST_TENSORS:
            raise Enough(f"more than {MOST_TENSORS} tensors")
        made = named(name, [length for length in shape if length is not None], _TYPES.get(kind, "unknown"))
        path, size = f"{folder}/{entry.get('path_name')}", element_bytes(made.dtype)
        held = archive.entries[path].file_size if path in archive.entries else 0
        storage = Storage(made.dtype, path, held // (size or 1))
        if held and layout.meet(storage):
            layout.put(storage, archive.place(path), held)
        piece = _piece(facts, made, held // (size or 1))
        place = None if piece is None else layout.place(path, made.dtype, made.shape, piece)
        stored[made.name] = Stored(
            made.name, made.name, made.shape, made.dtype, made.elements * (size or 0), place
        )
    return whole


def _piece(facts: dict[str, Any], made: Tensor, held: int) -> tuple[int, ...] | None:
    """The offset and the strides of a tensor in an entry of `held` elements; None where they don't fit it."""
    numbers = [facts.get("storage_offset"), *(facts.get("strides") or ())]
    piece = [number.get("as_int") if isinstance(number, dict) else None for number in numbers]
    whole = [number for number in piece if type(number) is int and 0 <= number < 1 << 63]
    if len(whole) != len(piece) or len(piece) != len(made.shape) + 1 or facts.get("layout") != _STRIDED:
        return None
    last = whole[0] + sum((length - 1) * step for length, step in zip(made.shape, whole[1:], strict=True))
    return tuple(whole) if 0 in made.shape or last < held else None


def _pickles(archive: Archive, prefix: str) -> tuple[dict[str, Contents], tuple[str, ...]]:
    """The torch files inside the archive, and what loading them could run."""
    found: dict[str, Contents] = {}
    names = [name for name in archive.entries if name.endswith((".pt", ".pkl"))]
    for name in names[:_MOST_PICKLES]:
        contents = _pickle(archive, name)
        if contents is not None:
            found[name.removeprefix(prefix)] = contents
    listed = dict.fromkeys(danger for contents in found.values() for danger in contents.dangerous)
    return found, tuple(listed)


def _pickle(archive: Archive, name: str) -> Contents | None:
    file, size = archive.file(name)
    if file.read(4) == b"PK\x03\x04":
        with open_archive(file, size, archive.ration) as inner:
            return inspect_torch(inner)
    return inspect_pickle(file, size, name, archive.ration)


def _design(archive: Archive, prefix: str) -> str | None:
    below = f"{prefix}models/"
    names = [name for name in archive.entries if name.startswith(below) and name.endswith(".json")]
    if f"{prefix}{_OLD}" in archive.entries:
        names.append(f"{prefix}{_OLD}")
    operations = Operations()
    inputs: list[str] = []
    outputs: list[str] = []
    for name in names:
        module = _mapping(archive.json(name, _LARGEST_JSON), "graph_module")
        graph = _mapping(module, "graph")
        for node in _list(graph, "nodes"):
            if isinstance(node, dict) and isinstance(target := node.get("target"), str):
                operations.count(target.removeprefix("torch.ops."))
        signature = _mapping(module, "signature")
        # Inputs of the graph are the weights too; the signature tells which are the caller's.
        inputs += [text for item in _list(signature, "input_specs") if (text := _end(item, "user_input"))]
        outputs += [text for item in _list(signature, "output_specs") if (text := _end(item, "user_output"))]
    return summary(operations, inputs, outputs)


def _end(spec: Any, kind: str) -> str:
    name = _mapping(_mapping(_mapping(spec, kind), "arg"), "as_tensor").get("name")
    return readable(name, 200) if isinstance(name, str) else ""


def _mapping(document: Any, key: str) -> dict[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _list(document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []
