"""The numbers that raw bytes are, as double precision, for calculating with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autolog.formats._arrays import element_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_numbers", "can_calculate", "differ"]

# Of the narrow types: bits of the exponent and of the mantissa, the exponent's bias, what has no number.
_NARROW = {
    "float8_e4m3fn": (4, 3, 7, "all ones"),
    "float8_e4m3fnuz": (4, 3, 8, "minus zero"),
    "float8_e5m2": (5, 2, 15, "ieee"),
    "float8_e5m2fnuz": (5, 2, 16, "minus zero"),
    "float8_e8m0fnu": (8, 0, 127, "power"),
}
_PLAIN = frozenset(
    (
        "bool",
        *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)


def can_calculate(dtype: str) -> bool:
    """Whether we know the numbers of that element type."""
    return dtype in _PLAIN or dtype in _NARROW or dtype in ("bfloat16", "complex32")


def as_numbers(data: bytes, dtype: str) -> NDArray[Any]:
    """The numbers that little-endian bytes are: `float64`, or `complex128` for complex types."""
    import numpy as np

    if dtype == "bfloat16":
        # It is the upper half of a float32.
        halves = np.frombuffer(data, "<u2").astype("<u4") << 16
        return halves.view("<f4").astype(np.float64)
    if dtype == "complex32":
        return np.frombuffer(data, "<f2").astype(np.float64).view(np.complex128)
    if dtype in _NARROW:
        table: NDArray[Any] = _table(*_NARROW[dtype])[np.frombuffer(data, np.uint8)]
        return table
    numbers = np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))
    return numbers.astype(np.complex128 if dtype.startswith("complex") else np.float64)


def differ(old: bytes, new: bytes, dtype: str) -> NDArray[Any]:
    """Which elements haven't the same bytes, as booleans."""
    import numpy as np

    size = element_bytes(dtype) or 1
    unit = min(size, 8)
    different = np.frombuffer(old, f"u{unit}") != np.frombuffer(new, f"u{unit}")
    elements: NDArray[Any] = different.reshape(-1, size // unit).any(axis=1)
    return elements


def _table(exponent_bits: int, mantissa_bits: int, bias: int, special: str) -> NDArray[Any]:
    """What each of the 256 bytes is of a type of eight bits."""
    import numpy as np

    codes = np.arange(256)
    mantissa = codes & (1 << mantissa_bits) - 1
    exponent = codes >> mantissa_bits & (1 << exponent_bits) - 1
    if special == "power":
        return np.where(codes == 255, np.nan, np.exp2(codes.astype(np.float64) - bias))
    scale = 2.0**-mantissa_bits
    normal = (1 + mantissa * scale) * np.exp2(exponent.astype(np.float64) - bias)
    subnormal = mantissa * scale * 2.0 ** (1 - bias)
    values = np.where(exponent == 0, subnormal, normal) * np.where(codes & 128, -1.0, 1.0)
    if special == "minus zero":
        values[128] = np.nan
    elif special == "all ones":
        values[[127, 255]] = np.nan
    else:
        top = exponent == (1 << exponent_bits) - 1
        values[top] = np.where(mantissa[top], np.nan, np.copysign(np.inf, values[top]))
    return values
