"""TensorFlow Lite models: one FlatBuffer with the magic `TFL3`, the weights among its buffers.

(TensorFlow's `compiler/mlir/lite/schema/schema.fbs`.)
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from autolog.formats._counting import MOST_TENSORS, counted, named
from autolog.formats._flat import Table, root
from autolog.formats._graph import Operations, summary
from autolog.formats._pages import Pages
from autolog.formats._shape import Contents, Tensor
from autolog.formats._source import Enough, Seekable
from autolog.formats._standins import readable

__all__ = ["inspect_tflite"]

_MAGIC = b"TFL3"
_MOST_GRAPHS = 1_000
_MOST_OPERATIONS = 1_000_000
_MOST_ENDS = 50
_CUSTOM = 32

# `TensorType` and `BuiltinOperator` of the schema, in their order.
_KINDS = """
float32 float16 int32 uint8 int64 object bool int16 complex64 int8 float64 complex128 uint64 resource variant
uint32 uint16 int4 bfloat16 int2 uint4
"""
_OPERATORS = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP
FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX
SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD
UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE
UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX
DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER
GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL
LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT
LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE
RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N
GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF
WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE
READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL
GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM
ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD
STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP
STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE
STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL
STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER
STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER
STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD
STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE
STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE
STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""
_TYPES, _NAMES = _KINDS.split(), _OPERATORS.split()


def inspect_tflite(file: Seekable, size: int) -> Contents | None:
    """What such a model holds; None for any other file.

    Tensors are those with bytes in the file; those that are computed aren't listed.
    """
    file.seek(0)
    if file.read(8)[4:] != _MAGIC:
        return None
    details: dict[str, Any] = {}
    tensors: list[Tensor] = []
    operations = Operations()
    ends: dict[str, list[str]] = {"inputs": [], "outputs": []}
    try:
        model = root(Pages(file, size))
        details["version"] = model.number(0)
        if text := model.text(3, 200):
            details["description"] = readable(text, 200)
        filled = _filled(model)
        names = [_operator(code) for code in model.tables(1, 10_000)]
        for number, graph in enumerate(model.tables(2, _MOST_GRAPHS)):
            rows = [_tensor(table) for table in graph.tables(0, MOST_TENSORS)]
            tensors += [tensor for tensor, buffer in rows if buffer in filled]
            if len(tensors) > MOST_TENSORS:
                raise Enough(f"more than {MOST_TENSORS} tensors")
            _count(graph, names, operations)
            if number == 0:
                ends = {"inputs": _ends(graph, 1, rows), "outputs": _ends(graph, 2, rows)}
    except Enough as bound:
        details["incomplete"] = str(bound)
    details.update({key: found for key, found in ends.items() if found})
    return Contents(
        "TFLite",
        tuple(tensors),
        counted(tensors) if tensors else None,
        details,
        design=summary(operations, ends["inputs"], ends["outputs"]),
    )


def _filled(model: Table) -> set[int]:
    """The numbers of the buffers that have bytes, here or, in models beyond 2 GB, behind the FlatBuffer."""
    return {
        index
        for index, buffer in enumerate(model.tables(4, 4 * MOST_TENSORS))
        if buffer.vector(0, 1)[1] or buffer.number(1, 8) > 1
    }


def _operator(code: Table) -> str:
    number = max(code.number(0, 1, signed=True), code.number(3, 4, signed=True))
    if number == _CUSTOM:
        return code.text(1, 200) or "CUSTOM"
    return _NAMES[number] if 0 <= number < len(_NAMES) else f"operator {number}"


def _tensor(table: Table) -> tuple[Tensor, int]:
    kind = table.number(1, 1)
    dtype = _TYPES[kind] if kind < len(_TYPES) else "unknown"
    return named(table.text(3), table.numbers(0, 4, 64), dtype), table.number(2)


def _count(graph: Table, names: list[str], operations: Operations) -> None:
    used = Counter(operator.number(0) for operator in graph.tables(3, _MOST_OPERATIONS))
    for number, times in used.items():
        operations.count(names[number] if number < len(names) else f"operator {number}", times)


def _ends(graph: Table, field: int, rows: list[tuple[Tensor, int]]) -> list[str]:
    numbers = [number for number in graph.numbers(field, 4, _MOST_ENDS) if 0 <= number < len(rows)]
    found = [rows[number][0] for number in numbers]
    return [readable(f"{tensor.name}: {tensor.dtype}{list(tensor.shape)}", 400) for tensor in found]
