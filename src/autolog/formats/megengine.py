"""Graphs that MegEngine dumped: FlatBuffers of operators, with the weights among their tensors.

Version 2 is one FlatBuffer behind its length, with the magic `mgv2`. Version 1 begins with `MGBC` (`MGBS` in
old releases), feature bits, and how far behind itself, and behind the weights, the FlatBuffer (`mgb1`) lies.
Test data for MegEngine's benchmark tool put `mgbtest0` and their number in front. (MegEngine's
`src/serialization/impl/schema_v2.fbs`, `schema.fbs`, `dtype.fbs`.)

What a user put in with `user_info` is a pickle, which `Network.metadata` loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from autolog.errors import UnreadableWeights
from autolog.formats._counting import MOST_TENSORS, counted, named
from autolog.formats._flat import Table, root
from autolog.formats._graph import Operations, summary
from autolog.formats._pages import Pages, Span
from autolog.formats._shape import Contents, Tensor
from autolog.formats._source import Enough, Seekable
from autolog.formats._standins import readable
from autolog.formats.pickles import inspect_pickle

__all__ = ["inspect_megengine"]

_TESTS = b"mgbtest0"
#: How version 1 begins, and where its weights do: behind the number that says how long they are.
_FIRST = {b"MGBC\0\0\0\0": 24, b"MGBS\0\0\0\0": 16}
_MOST_OPERATORS = 1_000_000
_MOST_ENDS = 50
#: What operators pass to each other, in version 2; its outputs are numbers of these.
_BETWEEN = 3

# `DTypeEnum`, in its order; NumPy has none of the narrow and the quantized ones.
_KINDS = """
float32 uint8 int8 int16 int32 int1 int2 int4 byte float16 uint4 quantized8_asymm quantized_int32
quantized_int8 quantized4_asymm quantized_int4 quantized_int16 bfloat16
"""
_TYPES = _KINDS.split()


class _Fields(NamedTuple):
    """Where the two schemas have what we look at."""

    operators: int
    outputs: int
    metadata: int
    user_info: int
    kind: int | None
    tensors: int
    #: Of a tensor: its bytes in version 2, how many they are in version 1.
    data: int


_FIELDS = {b"mgv2": _Fields(2, 4, 7, 3, 0, 11, 6), b"mgb1": _Fields(3, 4, 5, 2, None, 7, 4)}


def inspect_megengine(file: Seekable, size: int) -> Contents | None:
    """What such a graph holds; None for any other file.

    Weights have names where the graph was dumped with `keep_param_name`, else the number of their operator.
    Of several graphs in one file the first is looked into.
    """
    file.seek(0)
    head = file.read(64)
    start = 12 if head.startswith(_TESTS) else 0
    if skipped := _FIRST.get(head[start : start + 8]):
        start += skipped + int.from_bytes(head[start + skipped - 8 : start + skipped], "little")
    elif head[start + 8 : start + 12] != b"mgv2":
        return None
    if start + 12 > size:
        raise UnreadableWeights("truncated: a MegEngine graph whose FlatBuffer lies beyond the file")
    file.seek(start)
    head = file.read(12)
    length, fields = int.from_bytes(head[:4], "little"), _FIELDS.get(head[8:])
    if fields is None:
        raise UnreadableWeights("a MegEngine graph of a version that we don't know")
    if start + 4 + length > size:
        raise UnreadableWeights(f"truncated: a MegEngine graph of {length} bytes in a file of {size}")
    return _graph(file, start + 4, length, fields)


def _graph(file: Seekable, start: int, length: int, fields: _Fields) -> Contents:
    tensors: list[Tensor] = []
    operations = Operations()
    inputs: list[str] = []
    outputs: list[str] = []
    details: dict[str, Any] = {}
    dangerous: tuple[str, ...] = ()
    try:
        pages = Pages(Span(file, start, length), length)
        model = root(pages)
        version = model.number(0)
        details["megengine"] = f"{version // 100_000}.{version // 100 % 1000}.{version % 100}"
        dangerous = _user_info(file, start, model.table(fields.metadata), fields)
        for number, operator in enumerate(model.tables(fields.operators, _MOST_OPERATORS)):
            kind = "operator" if fields.kind is None else operator.text(fields.kind, 200) or "operator"
            operations.count(kind)
            for tensor, is_filled in _tensors(operator, number, fields):
                if is_filled:
                    tensors.append(tensor)
                elif len(inputs) < _MOST_ENDS:
                    inputs.append(_end(tensor))
            if len(tensors) > MOST_TENSORS:
                raise Enough(f"more than {MOST_TENSORS} tensors")
        outputs = list(_outputs(model, fields)) if fields.kind is not None else []
        details.update({key: found for key, found in (("inputs", inputs), ("outputs", outputs)) if found})
    except Enough as bound:
        details["incomplete"] = str(bound)
    return Contents(
        "MegEngine graph",
        tuple(tensors),
        # Shapes and indices, which operators take as tensors, too, are integers; quantized weights are not.
        counted(tensor for tensor in tensors if tensor.dtype != "int32") if tensors else None,
        details,
        dangerous,
        summary(operations, inputs, outputs) if fields.kind is not None else None,
    )


def _tensors(operator: Table, number: int, fields: _Fields) -> Iterator[tuple[Tensor, bool]]:
    """An operator's tensors, and whether the file has their values; those of an input it hasn't."""
    for index, table in enumerate(operator.tables(fields.tensors, MOST_TENSORS)):
        name = table.text(0) or f"operator {number}.{index}"
        length = table.number(fields.data) if fields.kind is None else table.vector(fields.data, 1)[1]
        yield named(name, table.numbers(1, 4, 65, signed=False), _dtype(table)), length > 0


def _dtype(table: Table) -> str:
    kind = table.table(3)
    number = 0 if kind is None else kind.number(0, 1)
    return _TYPES[number] if number < len(_TYPES) else "unknown"


def _outputs(model: Table, fields: _Fields) -> Iterator[str]:
    wanted = [each.number(0) for each in model.tables(fields.outputs, _MOST_ENDS)]
    between = list(model.tables(_BETWEEN, min(max(wanted, default=-1) + 1, MOST_TENSORS)))
    for table in (between[number] for number in wanted if number < len(between)):
        yield _end(named(table.text(0), table.numbers(1, 4, 65, signed=False), _dtype(table)))


def _end(tensor: Tensor) -> str:
    return readable(f"{tensor.name}: {tensor.dtype}{list(tensor.shape)}", 400)


def _user_info(file: Seekable, start: int, metadata: Table | None, fields: _Fields) -> tuple[str, ...]:
    """What loading the user's own information could run."""
    at, count = (0, 0) if metadata is None else metadata.vector(fields.user_info, 1)
    if not count:
        return ()
    found = inspect_pickle(Span(file, start + at, count), count, "")
    return () if found is None else found.dangerous
