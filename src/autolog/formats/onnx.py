"""ONNX models: one `ModelProto`, whose graph has operations and the weights, its initializers.

Neither the weights' bytes nor files that they may lie in are read. Protocol buffers have no magic: a file is
taken for ONNX by its suffix, or where it begins with a plausible version, holds a graph, and is well formed
to its end. (https://github.com/onnx/onnx, `onnx/onnx.proto`.)
"""

from __future__ import annotations

from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import element_bytes
from autolog.formats._counting import MOST_TENSORS, named
from autolog.formats._graph import Operations, summary
from autolog.formats._layout import Layout
from autolog.formats._shape import Contents, Place, Stored, Tensor
from autolog.formats._source import Enough, FileSource, Seekable
from autolog.formats._standins import readable
from autolog.formats._wire import Field, Wire, signed, varints

__all__ = ["inspect_onnx"]

_DEEPEST = 12  # graphs in graphs
_MOST_DIMENSIONS = 64
_MOST_FILES = 20
_MOST_ENDS = 100
_MOST_METADATA = 50
_NEWEST = 30  # of the versions of the format; 13 is today's
_SUFFIXES = (".onnx", ".ort.onnx")

_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "object",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1fn",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
}


def inspect_onnx(file: Seekable, size: int, name: str) -> Contents | None:
    """What an ONNX model holds; None for any other file.

    The tensors are its initializers; the design summarizes inputs, outputs and operations.
    """
    hinted = name.lower().endswith(_SUFFIXES)
    file.seek(0)
    head = file.read(3)
    # The format's version comes first, then who made it or the graph: fields 2 to 8.
    plausible = len(head) == 3 and head[0] == 8 and 3 <= head[1] <= _NEWEST and 2 <= head[2] >> 3 <= 8
    if not plausible and not hinted:
        return None
    model = _Model(Wire(FileSource(file, 0, size)))
    try:
        model.read(size)
    except Enough as bound:
        model.details["incomplete"] = str(bound)
    except UnreadableWeights:
        if hinted or model.graphs:
            raise
        return None
    if not model.graphs:
        if hinted and size:
            raise UnreadableWeights("truncated or malformed: an ONNX model without a graph")
        return None
    return model.contents()


class _Model:
    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.details: dict[str, Any] = {}
        self.graphs = 0
        self._tensors: list[Tensor] = []
        self._layout = Layout()
        self._stored: list[Stored] = []
        self._operations = Operations()
        self._ends: dict[int, list[str]] = {11: [], 12: []}
        self._opsets: dict[str, int] = {}
        self._metadata: dict[str, str] = {}
        self._files: dict[str, None] = {}

    def read(self, size: int) -> None:
        names = {2: "producer", 3: "producer_version", 4: "domain"}
        for field in self.wire.fields(size):
            if field.number == 1:
                self.details["ir_version"] = field.value
            elif field.number in names and field.length > 0:
                self.details[names[field.number]] = readable(self.wire.text(field), 200)
            elif field.number == 5 and field.value:
                self.details["model_version"] = signed(field.value)
            elif field.number == 7 and field.length >= 0:
                self.graphs += 1
                self._graph(field.length, 0)
            elif field.number == 8 and field.length >= 0 and len(self._opsets) < _MOST_METADATA:
                domain, version = self._pair(field)
                self._opsets[domain or "ai.onnx"] = version
            elif field.number == 14 and len(self._metadata) < _MOST_METADATA:
                key, value = self._entry(field)
                self._metadata[key] = value

    def contents(self) -> Contents:
        """What was found so far."""
        inputs, outputs = self._ends[11], self._ends[12]
        # Older files list the initializers among the inputs too.
        weights = {tensor.name for tensor in self._tensors}
        inputs = [text for text in inputs if text.partition(":")[0] not in weights]
        facts = {
            "opset": self._opsets.get("ai.onnx"),
            "opsets": self._opsets if len(self._opsets) > 1 else None,
            "inputs": inputs[:_MOST_ENDS],
            "outputs": outputs[:_MOST_ENDS],
            "nodes": sum(self._operations.values()),
            "metadata": self._metadata,
            "external_data": list(self._files),
        }
        details = {**self.details, **{key: value for key, value in facts.items() if value}}
        total = sum(tensor.elements for tensor in self._tensors if tensor.dtype != "object")
        if total >= 1 << 63:
            raise UnreadableWeights("more elements than memory addresses")
        return Contents(
            "ONNX",
            tuple(self._tensors),
            total if self._tensors else None,
            details,
            design=summary(self._operations, inputs, outputs),
            regions=tuple(self._layout.regions),
            stored=() if "incomplete" in self.details else tuple(self._stored),
        )

    def _graph(self, length: int, depth: int) -> None:
        if depth > _DEEPEST:
            raise UnreadableWeights("malformed ONNX: graphs nested too deeply")
        for field in self.wire.fields(length):
            if field.length < 0:
                continue
            if field.number == 1:
                self._node(field.length, depth)
            elif field.number == 5:
                self._tensor(field.length)
            elif field.number == 15:
                self._sparse(field.length)
            elif field.number in self._ends and depth == 0 and len(self._ends[field.number]) <= 10_000:
                self._ends[field.number].append(self._value_info(field.length))

    def _node(self, length: int, depth: int) -> None:
        kind = domain = ""
        for field in self.wire.fields(length):
            if field.number == 4:
                kind = self.wire.text(field, 200)
            elif field.number == 7:
                domain = self.wire.text(field, 200)
            elif field.number == 5 and field.length >= 0:
                self._attribute(field.length, depth)
        self._operations.count(f"{domain}.{kind}" if domain and domain != "ai.onnx" else kind)

    def _attribute(self, length: int, depth: int) -> None:
        """The graphs in an attribute: bodies of loops and branches."""
        for field in self.wire.fields(length):
            if field.number in (6, 11) and field.length >= 0:
                self._graph(field.length, depth + 1)

    def _tensor(self, length: int) -> None:
        found, place = self._tensor_facts(length)
        if len(self._tensors) >= MOST_TENSORS:
            raise Enough(f"more than {MOST_TENSORS} initializers")
        self._tensors.append(found)
        if found.dtype != "object":
            size = found.elements * (element_bytes(found.dtype) or 0)
            self._stored.append(Stored(found.name, found.name, found.shape, found.dtype, size, place))

    def _tensor_facts(self, length: int) -> tuple[Tensor, Place | None]:
        shape: list[int] = []
        kind, name = 0, ""
        start, size = None, 0
        for field in self.wire.fields(length):
            if field.number == 1:
                shape += self._lengths(field)
            elif field.number == 2:
                kind = field.value
            elif field.number == 8:
                name = self.wire.text(field)
            elif field.number == 9 and field.length >= 0:
                start, size = self.wire.source.place, field.length
            elif field.number == 13 and field.length >= 0:
                key, value = self._entry(field)
                if key == "location" and len(self._files) < _MOST_FILES:
                    self._files[value] = None
        made = named(name, shape, _TYPES.get(kind, "unknown"))
        itemsize = element_bytes(made.dtype)
        self._layout.add(start, size, itemsize, made.dtype)
        fits = itemsize is not None and size == made.elements * itemsize
        return made, Place(start) if fits and start is not None else None

    def _sparse(self, length: int) -> None:
        """A sparse initializer: its values, which carry the name, and its shape."""
        values: Tensor | None = None
        shape: list[int] = []
        for field in self.wire.fields(length):
            if field.number == 1 and field.length >= 0:
                values, _ = self._tensor_facts(field.length)
            elif field.number == 3:
                shape += self._lengths(field)
        if values is not None and len(self._tensors) < MOST_TENSORS:
            made = named(values.name, shape, values.dtype)
            self._tensors.append(made)
            self._stored.append(Stored(made.name, made.name, made.shape, made.dtype, 0, None))

    def _lengths(self, field: Field) -> list[int]:
        if field.length < 0:
            return [signed(field.value)]
        if field.length > _MOST_DIMENSIONS * 10:
            raise UnreadableWeights("malformed ONNX: a tensor of too many dimensions")
        return varints(self.wire.source.take(field.length))

    def _value_info(self, length: int) -> str:
        """An input or output: `images: float32[batch, 3, 224, 224]`."""
        name, kind = "", ""
        for field in self.wire.fields(length):
            if field.number == 1:
                name = self.wire.text(field, 200)
            elif field.number == 2 and field.length >= 0:
                kind = self._type(field.length)
        return readable(f"{name}: {kind}" if kind else name, 400)

    def _type(self, length: int) -> str:
        for field in self.wire.fields(length):
            if field.number == 1 and field.length >= 0:
                kind, shape = "", ""
                for inner in self.wire.fields(field.length):
                    if inner.number == 1:
                        kind = _TYPES.get(inner.value, "unknown")
                    elif inner.number == 2 and inner.length >= 0:
                        shape = f"[{', '.join(self._dimensions(inner.length))}]"
                return kind + shape
        return ""

    def _dimensions(self, length: int) -> list[str]:
        found: list[str] = []
        for field in self.wire.fields(length):
            text = "?"
            for inner in self.wire.fields(max(0, field.length)):
                text = str(signed(inner.value)) if inner.length < 0 else self.wire.text(inner, 100)
            if len(found) < _MOST_DIMENSIONS:
                found.append(text)
        return found

    def _pair(self, field: Field) -> tuple[str, int]:
        domain, version = "", 0
        for inner in self.wire.fields(field.length):
            if inner.number == 1:
                domain = readable(self.wire.text(inner, 200))
            elif inner.number == 2:
                version = signed(inner.value)
        return domain, version

    def _entry(self, field: Field) -> tuple[str, str]:
        found = {1: "", 2: ""}
        for inner in self.wire.fields(max(0, field.length)):
            if inner.number in found:
                found[inner.number] = readable(self.wire.text(inner), 200)
        return found[1], found[2]
