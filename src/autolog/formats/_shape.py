"""What looking into a weights file yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Change", "Contents", "Place", "Region", "Stored", "Tensor"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named array in a weights file.

    `shape` counts elements per dimension (empty for a scalar); `dtype` is NumPy's name of the
    element type (`float32`, `int64`, `bool`), or `bfloat16`, `float8_e4m3fn`... where NumPy has none.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        """The number of elements: the product of the shape, 1 for a scalar."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file the elements of one tensor lie.

    `offset` is that of the first element's first byte; `strides` count elements, as `Tensor.shape` does,
    and are empty for elements in row-major order without gaps; `big` is the order of bytes in one element.
    """

    offset: int
    strides: tuple[int, ...] = ()
    big: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes of a file that are the raw elements of a tensor, or of a storage that several share.

    `offset` and `length` count bytes; `itemsize` is the bytes of one element, 1 where the type packs several
    into one byte or is unknown; `dtype` names the type as `Tensor.dtype` does. Elements begin at `offset`.
    """

    offset: int
    length: int
    itemsize: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of the model, and where its elements lie.

    `name` is that in `Contents.tensors`, `key` the one within the model: without the names of what contains
    the model, as in `{"model": ..., "optimizer": ...}`. `length` is the bytes that its elements take in
    row-major order without gaps. `place` is None where the file doesn't hold them as they are: compressed,
    quantized, sparse, in another file...
    """

    name: str
    key: str
    shape: tuple[int, ...]
    dtype: str
    length: int
    place: Place | None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one tensor of a model, by its name within the model (`Stored.key`).

    `kind` is `added`, `removed`, `reshaped` (its element type may be another one, too), `retyped`, `changed`,
    `unchanged`, or `unseen`: of that shape and type before and after, but its bytes can't be compared.

    Of a tensor that is `changed` or `retyped`: `norm` is the L2 norm of new minus old, `relative` that norm
    divided by the norm of the old (None where that is 0), `largest` the largest absolute difference, `share`
    the part of the elements that aren't the same, 0 to 1: in their bytes, or of another type in value.
    Elements that are infinite or NaN before or after are in `share` only; `nonfinite` counts those of them
    that aren't the same. All are None for types that we can't calculate with.
    """

    name: str
    kind: str
    old: Tensor | None
    new: Tensor | None
    norm: float | None = None
    relative: float | None = None
    largest: float | None = None
    share: float | None = None
    nonfinite: int | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a weights file holds, found without running any of it.

    `format` names the container (`torch zip`, `safetensors`, `xgboost ubj`, `Keras HDF5`, `ONNX`,
    `TensorFlow checkpoint`, `pickle`...; of several files `safetensors (2 files)`); `parameters` counts
    the elements of the tensors that belong to the model (an optimizer's moments do not), None where the
    format doesn't tell; `details` holds facts particular to the format, JSON types only; `dangerous`
    lists the globals named by a pickle (`os.system`) that could run code when somebody loads the file,
    and what does the same elsewhere (`keras.layers.Lambda`); `design` is the network description and
    `labels` the label enumeration, where the file itself tells them. `regions` are the places of raw tensor
    bytes in a single file, sorted and without overlaps, and `stored` the model's tensors there; two contents
    that differ only in these are equal.
    """

    format: str
    tensors: tuple[Tensor, ...] = ()
    parameters: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    dangerous: tuple[str, ...] = ()
    design: str | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    regions: tuple[Region, ...] = field(default=(), compare=False, repr=False)
    stored: tuple[Stored, ...] = field(default=(), compare=False, repr=False)
