"""TensorFlow's checkpoints and saved models.

A checkpoint is `<name>.index`, a table of each variable's type, shape and place, and files of their bytes,
`<name>.data-00000-of-00001`. A SavedModel is a folder: `saved_model.pb`, the graph, and a checkpoint in
`variables/`. (TensorFlow's `tensor_bundle.proto`, `saved_model.proto`, `meta_graph.proto`.)
"""

from __future__ import annotations

import os
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._counting import MOST_TENSORS, counted, named
from autolog.formats._graph import Operations, summary
from autolog.formats._pages import Pages
from autolog.formats._shape import Contents, Tensor
from autolog.formats._source import Enough, FileSource, Seekable
from autolog.formats._sstable import FOOTER, MAGIC, entries
from autolog.formats._standins import readable
from autolog.formats._wire import Field, Wire, signed

__all__ = ["inspect_checkpoint", "inspect_saved_model"]

_MOST_SIGNATURES = 20
_MOST_ENDS = 50
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_REFERENCE = 100  # added to a type for a reference to a variable

_TYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "object",
    8: "complex64",
    9: "int64",
    10: "bool",
    11: "qint8",
    12: "quint8",
    13: "qint32",
    14: "bfloat16",
    15: "qint16",
    16: "quint16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    26: "float8_e4m3fnuz",
    27: "float8_e4m3b11fnuz",
    28: "float8_e5m2fnuz",
    29: "int4",
    30: "uint4",
}


def inspect_checkpoint(file: Seekable, size: int) -> Contents | None:
    """What the index of a checkpoint lists; None for any other file.

    Names are those of `tf.train.list_variables`. `parameters` leaves out what names say is the optimizer's
    or a counter.
    """
    if size < FOOTER:
        return None
    file.seek(size - 8)
    if file.read(8) != MAGIC:
        return None
    details: dict[str, Any] = {}
    tensors: list[Tensor] = []
    try:
        for number, (key, value) in enumerate(entries(Pages(file, size))):
            if number == 0:
                if key:
                    return None  # a table of another kind
                details.update(_header(value))
            elif key[:1] != b"\0":  # a slice of a variable that is listed as a whole too
                tensors.append(_variable(key.decode("utf-8", "replace"), value))
            if number >= MOST_TENSORS:
                raise Enough(f"more than {MOST_TENSORS} variables")
    except Enough as bound:
        details["incomplete"] = str(bound)
    if any(tensor.name.endswith(_VALUE) for tensor in tensors):
        details["layout"] = "objects"
    return Contents("TensorFlow checkpoint", tuple(tensors), _parameters(tensors), details)


def _parameters(tensors: list[Tensor]) -> int | None:
    """The elements of the model's own variables.

    What Keras exports lists its variables a second time, without the states of random number
    generators: those count then, and the others not.
    """
    weights = [tensor for tensor in tensors if tensor.name.startswith("_all_variables/")]
    return counted(weights or tensors) if tensors else None


def _header(value: bytes) -> dict[str, Any]:
    shards = 0
    for field in Wire.of(value).fields(len(value)):
        if field.number == 1:
            shards = field.value
    return {"data_files": shards}


def _variable(name: str, value: bytes) -> Tensor:
    wire = Wire.of(value)
    kind, shape = 0, []
    for field in wire.fields(len(value)):
        if field.number == 1:
            kind = field.value
        elif field.number == 2 and field.length >= 0:
            shape = _lengths(wire, field.length)
    return named(name, shape, _TYPES.get(kind % _REFERENCE, "unknown"))


def _lengths(wire: Wire, length: int) -> list[int]:
    """The lengths in a TensorShapeProto."""
    found: list[int] = []
    for field in wire.fields(length):
        if field.number == 2 and field.length >= 0:
            size = 0
            for inner in wire.fields(field.length):
                if inner.number == 1:
                    size = signed(inner.value)
            found.append(size)
    return found


def inspect_saved_model(file: Seekable, size: int, name: str) -> Contents | None:
    """What a `saved_model.pb` tells: tags, signatures, TensorFlow's version, and a summary of the graph.

    Its weights are in the checkpoint beside it. It is told by its name; protocol buffers have no magic.
    """
    if os.path.basename(name) != "saved_model.pb":
        return None
    model = _SavedModel(Wire(FileSource(file, 0, size)))
    try:
        model.read(size)
    except Enough as bound:
        model.details["incomplete"] = str(bound)
    if not model.graphs:
        raise UnreadableWeights("truncated or malformed: a SavedModel without a graph")
    return model.contents()


class _SavedModel:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.details: dict[str, Any] = {}
        self.graphs = 0
        self._operations = Operations()
        self._signatures: dict[str, dict[str, list[str]]] = {}

    def read(self, size: int) -> None:
        for field in self._wire.fields(size):
            if field.number == 2 and field.length >= 0:
                self.graphs += 1
                self._meta_graph(field.length)

    def contents(self) -> Contents:
        """What was found so far."""
        self.details["signatures"] = self._signatures
        first = next(iter(self._signatures.values()), {})
        shown = self._signatures.get("serving_default", first)
        design = summary(self._operations, shown.get("inputs", ()), shown.get("outputs", ()))
        return Contents("SavedModel", details=self.details, design=design)

    def _meta_graph(self, length: int) -> None:
        for field in self._wire.fields(length):
            if field.length < 0:
                continue
            if field.number == 1:
                self._info(field.length)
            elif field.number == 2:
                self._graph(field.length)
            elif field.number == 5 and len(self._signatures) < _MOST_SIGNATURES:
                self._signature(field.length)

    def _info(self, length: int) -> None:
        for field in self._wire.fields(length):
            if field.number == 4 and len(self.details.setdefault("tags", [])) < 10:
                self.details["tags"].append(readable(self._wire.text(field), 100))
            elif field.number == 5:
                self.details["tensorflow_version"] = readable(self._wire.text(field), 100)

    def _graph(self, length: int) -> None:
        """The operations of the graph and of the functions in its library."""
        for field in self._wire.fields(length):
            if field.number == 1 and field.length >= 0:
                self._node(field)
            elif field.number == 2 and field.length >= 0:
                for function in self._wire.fields(field.length):
                    if function.number == 1 and function.length >= 0:
                        self._function(function)

    def _function(self, function: Field) -> None:
        for field in self._wire.fields(function.length):
            if field.number == 3 and field.length >= 0:
                self._node(field)

    def _node(self, node: Field) -> None:
        for field in self._wire.fields(node.length):
            if field.number == 2:
                self._operations.count(self._wire.text(field, 200))

    def _signature(self, length: int) -> None:
        name = ""
        ends: dict[str, list[str]] = {"inputs": [], "outputs": []}
        for field in self._wire.fields(length):
            if field.number == 1:
                name = self._wire.text(field, 200)
            elif field.number == 2 and field.length >= 0:
                for inner in self._wire.fields(field.length):
                    if inner.number in (1, 2) and inner.length >= 0:
                        found = ends["inputs" if inner.number == 1 else "outputs"]
                        if len(found) < _MOST_ENDS:
                            found.append(self._end(inner.length))
        self._signatures[readable(name, 200)] = ends

    def _end(self, length: int) -> str:
        """An input or output: `images: float32[?, 224, 224, 3]`."""
        name = kind = shape = ""
        for field in self._wire.fields(length):
            if field.number == 1:
                name = self._wire.text(field, 200)
            elif field.number == 2 and field.length >= 0:
                for inner in self._wire.fields(field.length):
                    if inner.number == 2:
                        kind = _TYPES.get(inner.value, "unknown")
                    elif inner.number == 3 and inner.length >= 0:
                        lengths = _lengths(self._wire, inner.length)[:64]
                        shape = f"[{', '.join('?' if item < 0 else str(item) for item in lengths)}]"
        return readable(f"{name}: {kind}{shape}", 400)
