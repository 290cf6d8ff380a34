"""Reading arrays and tensors off the stand-ins of a pickle: shape, element type and storage.

PyTorch pickles a tensor as a call of a function in `torch._utils` (`_rebuild_tensor_v2` and its
relatives) on a storage, which is a persistent id; NumPy as `_reconstruct` or `_frombuffer` on a
`dtype`; joblib as a `NumpyArrayWrapper` before the raw elements.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from autolog.errors import UnreadableWeights
from autolog.formats._shape import Place
from autolog.formats._standins import Bag, Blob, Global, Made, Pairs, as_bytes, as_pairs

__all__ = [
    "Array",
    "DType",
    "Storage",
    "as_array",
    "as_dtype",
    "as_scalar",
    "as_storage",
    "element_bytes",
    "fortran_strides",
    "lengths",
    "torch_dtype",
]

_DEEPEST = 8  # wrappers around one tensor: a parameter of a subclass of a sparse tensor...
_MOST_DIMENSIONS = 64  # NumPy's and PyTorch's own limit
_MOST_ELEMENTS = 1 << 63
_IMPOSSIBLE = "a tensor's shape is negative or beyond what memory addresses"
_LONGEST_TYPE = 64  # characters

_STORAGES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "QInt8": "qint8",
    "QUInt8": "quint8",
    "QInt32": "qint32",
    "QUInt4x2": "quint4x2",
    "QUInt2x4": "quint2x4",
    "Untyped": "uint8",
}
_BYTES = {
    "bool": 1,
    "bfloat16": 2,
    "qint8": 1,
    "quint8": 1,
    "qint32": 4,
    "float8_e4m3fn": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2": 1,
    "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
    **{f"{kind}{bits}": bits // 8 for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": bits // 8 for bits in (16, 32, 64)},
    **{f"complex{bits}": bits // 8 for bits in (32, 64, 128)},
}


@dataclass(frozen=True, slots=True)
class Storage:
    """The flat memory under one or more tensors: `length` counts elements of `dtype`."""

    dtype: str
    key: str
    length: int


@dataclass(frozen=True, slots=True)
class DType:
    """A NumPy element type: NumPy's name of it, its size in bytes, and whether it holds Python objects."""

    name: str
    size: int
    objects: bool = False
    big: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """An array or tensor: its shape and element type, and for a tensor the piece of storage it shows.

    `piece` is the offset and the strides in elements, empty where there is no storage; `place` and the size
    of an element are there for an array of NumPy's whose bytes lie in the file as they are. Of what isn't
    `whole` the storage doesn't tell all: quantized, conjugated, ragged.
    """

    shape: tuple[int, ...]
    dtype: str
    storage: Storage | None = None
    piece: tuple[int, ...] = ()
    place: Place | None = None
    itemsize: int = 0
    whole: bool = True

    def elements(self) -> int:
        """The product of the shape."""
        return prod(self.shape)


def element_bytes(dtype: str) -> int | None:
    """The bytes of one element of that type; None where a type packs several, or is unknown."""
    return _BYTES.get(dtype)


def as_storage(identity: object) -> object:
    """What stands in for a persistent id of PyTorch.

    `("storage", type, key, location, length)` is a storage; `("module", class, file, source)`, which
    PyTorch before 1.6 wrote so as to keep the source of a module, is that class.
    """
    if not isinstance(identity, tuple) or not identity:
        return Made(None)
    if identity[0] == "module" and len(identity) > 1 and isinstance(identity[1], Global):
        return identity[1]
    if identity[0] != "storage" or len(identity) < 5:
        return Made(None)
    kind, key, length = identity[1], identity[2], identity[4]
    if (
        not isinstance(kind, Global)
        or not isinstance(key, (str, int))
        or type(length) is not int
        or length < 0
    ):
        raise UnreadableWeights("malformed tensor storage")
    name = kind.name.removesuffix("Storage")
    return Storage(_STORAGES.get(name, name[:_LONGEST_TYPE].lower()), str(key)[:64], length)


def as_array(value: object, depth: int = 0) -> Array | None:
    """The array that a stand-in is; None if it is something else. A negative shape raises."""
    if not isinstance(value, Made) or depth > _DEEPEST:
        return None
    read = _READERS.get(value.path)
    return None if read is None else read(value, depth + 1)


def lengths(value: object) -> tuple[int, ...] | None:
    """The shape that a tuple, a list, a number or a `torch.Size` says; None for anything else.

    `UnreadableWeights` is raised for a shape that no memory holds.
    """
    found = _numbers(value)
    if found is not None and prod(found) >= _MOST_ELEMENTS:
        raise UnreadableWeights(_IMPOSSIBLE)
    return found


def _numbers(value: object) -> tuple[int, ...] | None:
    """As `lengths`, but for steps between elements too, whose product says nothing."""
    if isinstance(value, Made) and value.path == "torch.Size" and value.args:
        value = value.args[0]
    if type(value) is int:
        value = (value,)
    if not isinstance(value, (tuple, list)) or isinstance(value, (Pairs, Bag)):
        return None
    found: list[int] = []
    # A list of a million may stand in a million tensors: no more of it is looked at than tells.
    for length in value[: _MOST_DIMENSIONS + 1]:
        number = as_scalar(length) if isinstance(length, Made) else length
        if type(number) is not int:
            return None
        found.append(number)
    if len(found) > _MOST_DIMENSIONS or any(length < 0 for length in found):
        raise UnreadableWeights(_IMPOSSIBLE)
    return tuple(found)


def torch_dtype(value: object) -> str | None:
    """The name of an element type of PyTorch, which pickles as a global."""
    return value.name if isinstance(value, Global) and value.module == "torch" else None


def _tensor(value: Made, _depth: int) -> Array | None:
    """`_rebuild_tensor_v2(storage, offset, shape, strides, ...)`; v3 names the element type besides."""
    if len(value.args) < 4 or not isinstance(value.args[0], Storage):
        return None
    storage, offset, strides = value.args[0], value.args[1], _numbers(value.args[3])
    shape = lengths(value.args[2])
    if shape is None or strides is None or type(offset) is not int or len(strides) != len(shape):
        raise UnreadableWeights("a tensor's shape and strides don't fit each other")
    dtype = storage.dtype
    if value.path.endswith("_v3") and len(value.args) > 6 and (named := torch_dtype(value.args[6])):
        # Types without a storage class of their own lie in a storage that counts bytes.
        dtype = named
        storage = Storage(dtype, storage.key, storage.length // (element_bytes(dtype) or 1))
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if offset < 0 or (0 not in shape and element_bytes(dtype) is not None and last >= storage.length):
        raise UnreadableWeights("a tensor reaches beyond its storage")
    # The last argument is there for what the bytes don't show: a conjugation, a sign.
    extra = value.args[7:8] if value.path.endswith("_v3") else value.args[6:7]
    return Array(shape, dtype, storage, (offset, *strides), whole=extra in ((), (None,)))


def _quantized(value: Made, depth: int) -> Array | None:
    """`_rebuild_qtensor(storage, offset, shape, strides, quantizer...)`: its scales lie elsewhere."""
    return _in_part(_tensor(value, depth))


def _in_part(array: Array | None) -> Array | None:
    return None if array is None else replace(array, place=None, whole=False)


def _converted(value: Made, depth: int) -> Array | None:
    """`_rebuild_device_tensor_from_numpy(data, dtype, ...)`: an array whose elements are converted."""
    return _in_part(_first(value, depth))


def _first(value: Made, depth: int) -> Array | None:
    """A wrapper whose first argument is the tensor: `_rebuild_parameter(data, ...)`."""
    return as_array(value.args[0], depth) if value.args else None


def _subclass(value: Made, depth: int) -> Array | None:
    """`_rebuild_from_type(_v2)(function, type, args, state)`: calls function(*args), then fills it."""
    if len(value.args) < 3 or not isinstance(value.args[2], tuple):
        return None
    return as_array(Made(value.args[0], value.args[2]), depth)


def _sparse(value: Made, depth: int) -> Array | None:
    """`_rebuild_sparse_tensor(layout, data)`: data are one or two index tensors, values, shape."""
    data = value.args[1] if len(value.args) > 1 else None
    if not isinstance(data, tuple) or len(data) < 3:
        return None
    at = 1 if as_array(data[2], depth) is None else 2
    values = as_array(data[at], depth)
    shape = lengths(data[at + 1]) if len(data) > at + 1 else None
    return Array(shape, values.dtype) if values is not None and shape is not None else None


def _nested(value: Made, depth: int) -> Array | None:
    """`_rebuild_nested_tensor(buffer, ...)`: rows of unequal length have no shape but the buffer's."""
    return _in_part(_first(value, depth))


def _without_storage(value: Made, _depth: int) -> Array | None:
    """`_rebuild_meta_tensor_no_storage(dtype, shape, strides, ...)`."""
    if len(value.args) < 2:
        return None
    shape, dtype = lengths(value.args[1]), torch_dtype(value.args[0])
    return Array(shape, dtype) if shape is not None and dtype is not None else None


def _numpy_state(value: Made, _depth: int) -> Array | None:
    """`_reconstruct(...)` filled with (version, shape, dtype, is_fortran, elements)."""
    state = value.state
    if not isinstance(state, tuple) or len(state) < 5:
        return None
    return _numpy(state[1], state[2], state[4], state[3] is True)


def _numpy_buffer(value: Made, _depth: int) -> Array | None:
    """`_frombuffer(elements, dtype, shape, order)`, which protocol 5 uses."""
    args = value.args
    return _numpy(args[2], args[1], args[0], args[3:4] == ("F",)) if len(args) > 2 else None


def _joblib_wrapper(value: Made, _depth: int) -> Array | None:
    """joblib's NumpyArrayWrapper: attributes `shape` and `dtype`."""
    pairs = as_pairs(value.state)
    facts = pairs.texts() if pairs is not None else {}
    return _numpy(facts.get("shape"), facts.get("dtype"), value.place, facts.get("order") == "F")


def _numpy(shape: object, dtype: object, elements: object, fortran: bool) -> Array | None:
    """An array whose elements are bytes that were stepped over, or else begin at that offset in the file."""
    found, kind = lengths(shape), as_dtype(dtype)
    if found is None or kind is None:
        return None
    start = elements if type(elements) is int else None
    if isinstance(elements, Blob) and elements.length == prod(found) * kind.size:
        start = elements.place
    if start is None or kind.objects:
        return Array(found, kind.name)
    strides = fortran_strides(found) if fortran else ()
    return Array(found, kind.name, place=Place(start, strides, kind.big), itemsize=kind.size)


def fortran_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of an array whose first index changes fastest."""
    return tuple(prod(shape[:axis]) for axis in range(len(shape)))


_READERS: dict[str, Callable[[Made, int], Array | None]] = {
    **dict.fromkeys((f"torch._utils._rebuild_tensor{version}" for version in ("", "_v2", "_v3")), _tensor),
    "torch._utils._rebuild_qtensor": _quantized,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_nested_tensor": _nested,
    "torch._utils._rebuild_meta_tensor_no_storage": _without_storage,
    "torch._utils._rebuild_device_tensor_from_numpy": _converted,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _first,
    "torch._tensor._rebuild_from_type": _subclass,
    "torch._tensor._rebuild_from_type_v2": _subclass,
    "torch.nn.parameter.Parameter": _first,
    "numpy.core.multiarray._reconstruct": _numpy_state,
    "numpy._core.multiarray._reconstruct": _numpy_state,
    "numpy.ma.core._mareconstruct": _numpy_state,
    "numpy.core.numeric._frombuffer": _numpy_buffer,
    "numpy._core.numeric._frombuffer": _numpy_buffer,
    # MegEngine makes a tensor of a NumPy array, its type and a device.
    "megengine.tensor.Tensor": _first,
    "megengine.tensor.Parameter": _first,
    "joblib.numpy_pickle.NumpyArrayWrapper": _joblib_wrapper,
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper": _joblib_wrapper,
}

_TEXTS = "numpy._core._internal._convert_to_stringdtype_kwargs"
_NUMERIC = {"f": "float", "i": "int", "u": "uint", "c": "complex"}


def as_dtype(value: object) -> DType | None:
    """The NumPy element type that a stand-in of `numpy.dtype(code, False, True)` is, by its code.

    Texts of any length (`StringDType`) have a function of their own, and are elements as objects are.

    The state's byte order doesn't change the name; its item size and flags (NumPy's `dtype.__reduce__`)
    tell of structured types whether they hold Python objects (flag 1).
    """
    if not isinstance(value, Made):
        return None
    if value.path == _TEXTS:
        return DType("str", 16, objects=True)
    if value.path != "numpy.dtype" or not value.args:
        return None
    code = value.args[0]
    if not isinstance(code, str) or len(code) > 12 or not code[1:].isdecimal() or not code.isascii():
        return None
    kind, size = code[0], int(code[1:])
    state = value.state if isinstance(value.state, tuple) else ()
    flags = state[7] if len(state) > 7 and type(state[7]) is int else 0
    if kind in _NUMERIC:
        return DType(f"{_NUMERIC[kind]}{size * 8}", size, big=state[1:2] == (">",))
    if kind == "b":
        return DType("bool", 1)
    if kind == "O":
        return DType("object", 8, objects=True)
    if kind == "U":
        return DType(f"str{size * 32}", size * 4)
    if kind in "SV":
        name = "bytes" if kind == "S" else "void"
        return DType(f"{name}{size * 8}", size, objects=kind == "V" and flags & 1 == 1)
    return DType("datetime64" if kind == "M" else "timedelta64", 8) if kind in "Mm" else None


_SCALARS = {"float64": "<d", "float32": "<f", "float16": "<e", "bool": "<?"}
_INTEGERS = {f"{kind}{bits}": kind == "int" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}


def as_scalar(value: object) -> float | int | bool | None:
    """The number that a pickled NumPy scalar is: `scalar(dtype, bytes)`; None for anything else."""
    if (
        not isinstance(value, Made)
        or not value.path.endswith("core.multiarray.scalar")
        or len(value.args) != 2
    ):
        return None
    kind, data = as_dtype(value.args[0]), as_bytes(value.args[1])
    if kind is None or len(data) != kind.size:
        return None
    state = value.args[0].state if isinstance(value.args[0], Made) else None
    big = isinstance(state, tuple) and len(state) > 1 and state[1] == ">"
    if kind.name in _INTEGERS:
        return int.from_bytes(data, "big" if big else "little", signed=_INTEGERS[kind.name])
    if kind.name in _SCALARS:
        number: float = struct.unpack(_SCALARS[kind.name].replace("<", ">" if big else "<"), data)[0]
        return number
    return None
