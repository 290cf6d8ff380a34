"""Naming the arrays in a pickled object, and counting the model's parameters among them.

Names are dotted paths: through mappings by key, lists by index, objects by attribute. A pickled
PyTorch module is walked the way `Module.state_dict()` walks the living one, so that a module and its
state dict yield the same names.
"""

from __future__ import annotations

import math
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

from autolog.formats._arrays import Array, as_array, as_scalar, element_bytes
from autolog.formats._layout import Layout
from autolog.formats._model import Found, of_model
from autolog.formats._shape import Stored, Tensor
from autolog.formats._standins import MAPPINGS, Made, Pairs, as_pairs, readable

__all__ = ["BESIDE", "Naming", "attributes", "class_path", "scalars"]

_DEEPEST = 60
_MOST_VALUES = 400_000
_MOST_LOOKS = 4_000_000  # at the items of containers, one that is there several times each time
_MOST_TENSORS = 100_000
_LONGEST_NAME = 1_000
_MOST_SCALARS = 50
_LONGEST_SCALAR = 200

# Beside the model, not of it: optimizer(s), opt, optim_g, optimizer_state_dict, optimizerD; the states
# of schedulers, gradient scalers and random number generators.
BESIDE = re.compile(
    r"(^|_)(opt(im(izer)?)?s?(?=_|$|[A-Z0-9])|(lr_)?schedulers?(?=_|$)|(grad_)?scaler$|rng(?=_|$))"
)
_REBUILT = ("torch._tensor._rebuild", "torch._utils._rebuild")
_ARRAYS = ("numpy.", "joblib.", "sklearn.externals.joblib.")
_RANDOM = ("numpy.random.", "random.", "torch.Generator", "torch._C.Generator")
_COUNTERS = ("epoch", "step", "global_step", "iteration")


class _Way(NamedTuple):
    """How a value was reached: its name, whether it is the model's, the keys of the mappings above it.

    It is `loose` as long as there are only mappings and lists above it.
    """

    name: str
    mine: bool
    parts: tuple[str, ...]
    loose: bool


class Naming:
    """Collects the arrays below one value; `cut` tells whether a bound of ours stopped it early.

    `parameters` is the number of elements of the arrays of numbers that are the model's, buffers that
    a state dict carries included: neither optimizer, scheduler nor random states, a shared storage
    (tied weights) once, nothing for arrays of texts or Python objects.
    """

    def __init__(self, layout: Layout) -> None:
        self.tensors: list[Tensor] = []
        self._layout = layout
        self._found: list[Found] = []
        self._lost = False
        self.cut = False
        self._left = _MOST_VALUES
        self._looks = _MOST_LOOKS
        self._above: set[int] = set()
        self._barren: set[int] = set()
        self._pieces: dict[str, dict[tuple[tuple[int, ...], tuple[int, ...]], int]] = {}
        self._lengths: dict[str, int] = {}
        self._counted: dict[int, int] = {}

    @property
    def parameters(self) -> int:
        """The elements of the model's arrays."""
        shared = sum(min(self._lengths[key], sum(pieces.values())) for key, pieces in self._pieces.items())
        return shared + sum(self._counted.values())

    @property
    def stored(self) -> tuple[Stored, ...]:
        """The model's tensors and where they lie; none if not all of them were found."""
        return () if self.cut or self._lost else of_model(self._found)

    def walk(self, value: object) -> None:
        """Name everything below `value`."""
        self._walk(value, _Way("", True, (), True))

    def _walk(self, value: object, way: _Way) -> bool:
        """Name what is below `value`; False if there is nothing, on whichever way it is reached."""
        name, strange = way.name, False
        if isinstance(value, Made):
            array = as_array(value)
            if array is not None:
                self._add(array, value, way)
                return True
            if value.path.startswith(_REBUILT):
                self._lost = strange = True  # a tensor of a kind that we don't know
        elif not isinstance(value, (list, tuple)):
            return False
        if id(value) in self._barren:
            return False
        self._left -= 1
        if self._left < 0 or len(self._above) > _DEEPEST or len(self.tensors) >= _MOST_TENSORS:
            self.cut = True
            return True
        if id(value) in self._above:
            return True
        if len(name) > _LONGEST_NAME:
            self._lost = True
            return True
        self._above.add(id(value))
        found = self._walk_below(value, way) or strange
        self._above.discard(id(value))
        if not found:
            self._barren.add(id(value))
        return found

    def _walk_below(self, value: Made | list[object] | tuple[object, ...], way: _Way) -> bool:
        # What a mapping holds may be all of a model; the parts of an object are below its one name.
        loose = way.loose and (not isinstance(value, Made) or as_pairs(value) is not None)
        found = False
        for below, part, belongs in self._children(value, way.mine):
            if self._left < 0 or not self._look():
                return True
            if not isinstance(below, (Made, list, tuple)):
                continue
            part = part[: _LONGEST_NAME + 1]
            parts = (*way.parts, part) if part and loose else way.parts
            joined = f"{way.name}.{part}" if way.name and part else way.name or part
            found = self._walk(below, _Way(joined, belongs, parts, loose)) or found
        return found

    def _look(self, count: int = 1) -> bool:
        """Account for so many looks at an item; False if there were too many."""
        self._looks -= count
        self.cut = self.cut or self._looks < 0
        return self._looks >= 0

    def _add(self, array: Array, value: Made, way: _Way) -> None:
        if len(self.tensors) >= _MOST_TENSORS:
            self.cut = True
            return
        name = readable(way.name, _LONGEST_NAME)
        self._lost = self._lost or len(way.name) > _LONGEST_NAME
        self.tensors.append(Tensor(name, array.shape, array.dtype))
        if array.place is not None:
            length = array.elements() * array.itemsize
            self._layout.add(array.place.offset, length, array.itemsize, array.dtype)
        if not way.mine or array.dtype.startswith(("object", "str", "bytes", "datetime", "timedelta")):
            return
        size = element_bytes(array.dtype) or array.itemsize
        place = array.place
        if array.storage is not None:
            place = self._layout.place(array.storage.key, array.dtype, array.shape, array.piece)
        stored = Stored(
            name, name, array.shape, array.dtype, array.elements() * size, place if array.whole else None
        )
        around = way.parts[:-1] if way.loose else way.parts
        self._found.append(Found(stored, around, value.path.startswith(_ARRAYS)))
        if array.storage is None:
            self._counted[id(value)] = array.elements()
            return
        # Views of one storage count as far as they differ (an RNN's weights are slices of one), and
        # never for more than the storage holds (an expanded tensor repeats its elements).
        pieces = self._pieces.setdefault(array.storage.key, {})
        pieces[array.shape, array.piece] = array.elements()
        self._lengths[array.storage.key] = max(self._lengths.get(array.storage.key, 0), array.storage.length)

    def _children(self, value: object, mine: bool) -> Iterator[tuple[object, str, bool]]:
        pairs = as_pairs(value)
        if pairs is not None:
            yield from self._entries(pairs, mine)
        elif isinstance(value, Made):
            yield from self._parts(value, mine)
        elif _is_titled(value):
            yield value[1], "", mine
        elif isinstance(value, (list, tuple)):
            for index, below in enumerate(value):
                yield below, str(index), mine

    def _entries(self, pairs: Pairs, mine: bool) -> Iterator[tuple[object, str, bool]]:
        mine = mine and not _is_optimizer(pairs.texts())
        last = {key: at for at, (key, _) in enumerate(pairs) if isinstance(key, str)}
        for at, (key, below) in enumerate(pairs):
            if not isinstance(key, (str, int)):
                yield below, f"[{at}]", mine
            elif not isinstance(key, str) or last[key] == at:
                yield below, str(key), mine and not _is_beside(str(key), below)

    def _parts(self, value: Made, mine: bool) -> Iterator[tuple[object, str, bool]]:
        if value.path.startswith(_RANDOM):
            return
        facts = attributes(value)
        if "_modules" in facts and "_parameters" in facts:
            yield from self._module(facts, mine)
        elif facts:
            mine = mine and not _is_optimizer(facts)
            for key, below in facts.items():
                yield below, key, mine and not _is_beside(key, below)
        elif isinstance(value.state, (list, tuple)):
            yield value.state, "", mine
        elif value.items is not None:
            yield value.items, "", mine
        elif value.path == "torch.jit._pickle.restore_type_tag":
            yield value.args[0] if value.args else None, "", mine
        else:
            for index, below in enumerate(value.args):
                yield below, str(index), mine

    def _module(self, facts: Mapping[str, object], mine: bool) -> Iterator[tuple[object, str, bool]]:
        """What `Module.state_dict()` would list, in its order: parameters, persistent buffers, submodules."""
        unsaved = _listed(facts.get("_non_persistent_buffers_set"))
        if not self._look(len(unsaved)):
            return
        skipped = {item for item in unsaved if isinstance(item, str)}
        for kind in ("_parameters", "_buffers", "_modules"):
            for key, below in (as_pairs(facts.get(kind)) or Pairs()).texts().items():
                yield None if kind == "_buffers" and key in skipped else below, key, mine


def _is_optimizer(facts: Mapping[str, object]) -> bool:
    return "state" in facts and "param_groups" in facts


def _is_beside(key: str, value: object) -> bool:
    key = key[:_LONGEST_NAME]
    return BESIDE.search(key) is not None and not (isinstance(value, Made) and _is_bare(value, key))


def _is_bare(value: Made, key: str) -> bool:
    """Whether it is a tensor under a name that only happens to look like an optimizer's."""
    return "rng" not in key and as_array(value) is not None


def _is_titled(value: object) -> TypeGuard[tuple[str, Made]]:
    """Whether it is a step of scikit-learn: a name, an estimator, and perhaps columns."""
    return (
        isinstance(value, tuple)
        and 2 <= len(value) <= 3
        and isinstance(value[0], str)
        and isinstance(value[1], Made)
        and as_array(value[1]) is None
    )


def _listed(value: object) -> list[object]:
    """What is in a set; before protocol 4 that is a call of `set` on a list."""
    if isinstance(value, Made) and value.args:
        value = value.args[0]
    return value if isinstance(value, list) else []


def attributes(value: Made) -> Mapping[str, object]:
    """The attributes that an object's state sets: a mapping, or a pair of them, the second for slots."""
    states = value.state if isinstance(value.state, tuple) and len(value.state) == 2 else (value.state,)
    found = [pairs.texts() for state in states if (pairs := as_pairs(state))]
    return ChainMap(*reversed(found)) if len(found) > 1 else found[0] if found else {}


def class_path(value: object) -> str:
    """The dotted name of the class of a pickled object; empty for plain containers and tensors."""
    if not isinstance(value, Made) or as_array(value) is not None or value.path in MAPPINGS:
        return ""
    return readable(value.path, _LONGEST_SCALAR)


def scalars(value: object) -> dict[str, Any]:
    """The plain entries of a mapping (epoch, loss, best accuracy), at most 50, as JSON types.

    The counters a checkpoint is known by come first; texts are cut at 200 characters, and a number
    that JSON has no form for (infinities, NaN, beyond 64 bits) becomes a text.
    """
    pairs = as_pairs(value)
    if pairs is None:
        return {}
    entries = pairs.texts()
    found: dict[str, Any] = {}
    for key in (*(key for key in _COUNTERS if key in entries), *entries):
        plain, entry = _plain(entries[key])
        if plain and len(key) <= _LONGEST_SCALAR and len(found) < _MOST_SCALARS:
            found[readable(key)] = entry
    return found


def _plain(value: object) -> tuple[bool, Any]:
    if isinstance(value, Made):
        number = as_scalar(value)
        return (number is not None, number) if number is None else _plain(number)
    if isinstance(value, str):
        return True, readable(value, _LONGEST_SCALAR)
    if isinstance(value, float):
        return True, value if math.isfinite(value) else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return True, value if abs(value) < 1 << 63 else hex(value)[:_LONGEST_SCALAR]
    return value is None or isinstance(value, bool), value
