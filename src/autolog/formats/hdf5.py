"""HDF5 files, those of Keras above all.

A legacy Keras model (`.h5`) has its weights below `model_weights`, its optimizer's below
`optimizer_weights`, and tells design and training as JSON in the root's attributes; weights alone have
the layers at the root. Keras 3 writes `layers/<layer>/vars/<number>` (`.weights.h5`).
(`keras/src/legacy/saving/legacy_h5_format.py`, `keras/src/saving/saving_lib.py`.)
"""

from __future__ import annotations

import json
import math
from math import prod
from struct import error
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import element_bytes
from autolog.formats._counting import MOST_TENSORS, counted, counts, cut_design, named
from autolog.formats._hdf5 import MAGIC, Dataset, Hdf5, Value
from autolog.formats._keras import Config, read_config, training_facts
from autolog.formats._layout import Layout
from autolog.formats._shape import Contents, Place, Stored, Tensor
from autolog.formats._source import Enough, Seekable
from autolog.formats._standins import readable

__all__ = ["inspect_hdf5"]

_MOST_ATTRIBUTES = 50
_LONGEST_TEXT = 200
_LARGEST_JSON = 1 << 22
_WEIGHTS = "model_weights/"


def inspect_hdf5(file: Seekable, size: int) -> Contents | None:
    """What an HDF5 file holds, its tensors under their paths; None for any other file.

    `design` is Keras' JSON of the model where it is there. `parameters` leaves out what Keras keeps of
    the optimizer and of random number generators.
    """
    file.seek(0)
    if file.read(8) != MAGIC:
        return None
    try:
        opened = Hdf5(file, size)
        return _inspect(opened)
    except Enough as bound:
        return Contents("HDF5", details={"incomplete": str(bound)})
    except (IndexError, ValueError, error) as fault:
        raise UnreadableWeights(f"malformed HDF5: {fault}") from fault


def _inspect(opened: Hdf5) -> Contents:
    facts = opened.attributes(opened.root)
    details: dict[str, Any] = {}
    tensors: list[Tensor] = []
    layout = Layout()
    stored: list[Stored] = []
    try:
        for found in opened.walk():
            if len(tensors) >= MOST_TENSORS:
                raise Enough(f"more than {MOST_TENSORS} arrays")
            tensors.append(named(found.path, found.shape, _dtype(opened, found)))
            start = _lay_out(opened, found, tensors[-1], layout)
            if counts(tensors[-1]):
                stored.append(_stored(tensors[-1], found, start))
    except Enough as bound:
        details["incomplete"] = str(bound)
    if "model_weights" in opened.groups:
        # Weights written without their model have these at the root.
        facts = {**opened.attributes(opened.groups["model_weights"]), **facts}
    form = _form(opened, facts)
    design = facts.pop("model_config", None)
    details.update(_training(facts.pop("training_config", None)))
    config = read_config(design) if isinstance(design, str) else Config({}, ())
    details = {**_attributes(facts), **config.details, **details}
    if opened.incomplete:
        details.setdefault("incomplete", opened.incomplete)
    return Contents(
        form,
        tuple(tensors),
        counted(tensors) if tensors else None,
        details,
        config.dangerous,
        cut_design(design) if isinstance(design, str) else None,
        regions=tuple(layout.regions),
        stored=() if "incomplete" in details else tuple(stored),
    )


def _stored(tensor: Tensor, found: Dataset, start: int | None) -> Stored:
    """An array of the model, of which the older format keeps the weights below one name."""
    length, itemsize = _bytes(tensor, found), element_bytes(tensor.dtype)
    place = None
    if start is not None and found.kind.big is not None and (itemsize or 0) * tensor.elements in (0, length):
        place = Place(start, big=found.kind.big)
    return Stored(tensor.name, tensor.name.removeprefix(_WEIGHTS), tensor.shape, tensor.dtype, length, place)


def _bytes(tensor: Tensor, found: Dataset) -> int:
    """What the elements take, each of which may be an array itself."""
    return tensor.elements // max(1, prod(found.kind.shape)) * found.kind.size


def _lay_out(opened: Hdf5, found: Dataset, tensor: Tensor, layout: Layout) -> int | None:
    """Note where the elements of an array lie, and tell it if they lie in one piece."""
    origin, kind = opened.pages.origin, found.kind
    if origin is None or kind.name == "object":
        return None
    itemsize = element_bytes(tensor.dtype) or kind.size
    start = opened.piece(found, _bytes(tensor, found))
    if start is not None:
        layout.add(origin + start, _bytes(tensor, found), itemsize, tensor.dtype)
        return origin + start
    for begin, length in opened.chunks(found):
        layout.add(origin + begin, length, itemsize, tensor.dtype)
    return None


def _form(opened: Hdf5, facts: dict[str, Value]) -> str:
    if "model_config" in facts:
        return "Keras HDF5"
    keras = "layer_names" in facts or any(
        name.endswith("/vars") or name == "_layer_checkpoint_dependencies" for name in opened.groups
    )
    return "Keras weights" if keras else "HDF5"


def _dtype(opened: Hdf5, found: Dataset) -> str:
    """The type of the elements; what HDF5 has no type for Keras keeps as bytes, its name beside them."""
    if found.kind.name.startswith("void"):
        name = opened.attributes(found.address).get("dtype")
        if isinstance(name, str) and name.isidentifier():
            return readable(name, _LONGEST_TEXT)
    return found.kind.name


def _attributes(facts: dict[str, Value]) -> dict[str, Any]:
    """The plain attributes as JSON has them; of lists (of the layers' names) there is the length."""
    found: dict[str, Any] = {}
    for key, value in list(facts.items())[:_MOST_ATTRIBUTES]:
        if isinstance(value, str):
            value = readable(value, _LONGEST_TEXT)
        elif (isinstance(value, float) and not math.isfinite(value)) or abs(value) >= 1 << 63:
            value = str(value)
        found[readable(key, _LONGEST_TEXT)] = value
    return found


def _training(text: Value | None) -> dict[str, Any]:
    """The loss and the optimizer, out of the JSON that Keras keeps of `compile`."""
    if not isinstance(text, str) or len(text) > _LARGEST_JSON:
        return {}
    try:
        return training_facts(json.loads(text))
    except (ValueError, RecursionError):
        return {}
