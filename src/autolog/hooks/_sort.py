"""Is it a model? Decides from the object alone, by the names of its types: no framework is imported.

Rules give the *reason* by which something is not a model; they appear in the capture report. What no
rule knows counts as a model: losing somebody's weights is worse than listing one file too many.

A plain mapping of tensors is one if anything says so: `_metadata`, a Parameter in it, entries called as
layers call their weights, or storage that it shares with a module whose state dict was asked for lately.
Else it is a batch, or cached data.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, NamedTuple, Protocol

from ._kinds import MODEL_BASES, RULES_BY_BASE, SCHEDULERS, TENSORS, VARIABLES, are_data, are_weights

__all__ = ["Live", "Verdict", "sort"]

#: How much of a nested container is looked at: enough for any real checkpoint, bounded for any input. Each
#: part of a container gets a fair share of what is left: a large one doesn't hide the model beside it.
#: A mapping takes as long as a dozen other values.
_LOOKS, _MAPPING, _WIDTH, _DEPTH = 512, 12, 64, 4
#: What is plain by its very type is stepped over: so many steps take as long as a look, and a container has
#: so many for each of its looks. People write a model behind all their options, so a mapping is gone through
#: up to a length that options may have. In lists, and in what is longer, so many plain values are data.
_STEPS_IN_A_LOOK, _STEPS, _OPTIONS, _NUMBERS = 16, 8, 4096, 512
#: How many names of a mapping are looked at (in a nested one as many as there are looks), how many parameters
#: of the modules that are alive, and how many tensors are compared with them.
_NAMES, _PARAMETERS, _FEW = 128, 128, 8

_PLAIN = (str, bytes, bytearray, int, float, complex, bool, type(None))
_PLAIN_TYPES = frozenset(_PLAIN)
#: What tells the state dict of an optimizer, and of running averages of all parameters.
_OPTIMIZER = {"state", "param_groups"}
_AVERAGES = {"shadow_params", "decay"}  # torch_ema's, and Diffusers'
_MODULE = "torch.nn.modules.module.Module"
#: Keys that say of a mapping of tensors what it is.
_STATE_DICTS = {"state_dict", "model_state_dict", "model_state", "ema_state_dict"}
#: Modules whose types are never a model's.
_PYTHON = {"builtins", *sys.stdlib_module_names}


class Live(Protocol):
    """What is known of the modules that are alive in this process."""

    def get(self, key: int) -> Any:
        """The module that the state dict with this `id` came from, None if unknown."""

    def modules(self) -> Iterable[Any]:
        """A few modules whose state dicts were asked for lately."""


class Verdict(NamedTuple):
    """`rule` is None for a model, else the rule that skips it.

    `framework` is what the object itself says it belongs to, where it does (a joblib file may hold an
    XGBoost model); `subject` is the model inside a checkpoint, for its description; `model_type` the
    dotted name of its type.
    """

    rule: str | None
    framework: str | None = None
    subject: Any = None
    model_type: str = ""


def bases(kind: type) -> list[str]:
    """Dotted names of a type and all it inherits from."""
    return [_dotted(base) for base in kind.__mro__]


def type_name(value: Any) -> str:
    """The dotted name of a value's type, as a person would write it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else _dotted(kind)


def _dotted(kind: type) -> str:
    # Some classes made in C++ have their module's name in their own, too.
    return f"{kind.__module__}.{kind.__qualname__.removeprefix(f'{kind.__module__}.')}"


def sort(value: Any, live: Live | None = None, *, weights_only: bool = False) -> Verdict:
    """Say whether `value` is a model.

    In a format that is made for weights (`weights_only`), a mapping of tensors is one unless all its names
    are those of data.
    """
    sorting = _Sorting(live)
    verdict = sorting.of(value, 0, _LOOKS)
    if not weights_only or verdict.rule != "array" or not isinstance(value, Mapping):
        return verdict
    return verdict if are_data(_names(value)) else sorting.state_dict(islice(value.values(), _FEW))


class _Sorting:
    """One question, and what has been found out on the way."""

    def __init__(self, live: Live | None) -> None:
        self._live = live
        self._bases: dict[type, list[str]] = {}
        self._owners: dict[int, Any] | None = None
        self._looked = 0

    def of(self, value: Any, depth: int, looks: int) -> Verdict:
        """What `value` is, from so many looks at what is inside."""
        self._looked += 1
        if isinstance(value, _PLAIN):
            return Verdict("plain data")
        names = self._names_of(type(value))
        for name in names:
            if name in MODEL_BASES:
                return Verdict(None, MODEL_BASES[name], value, type_name(value))
        for name in names:
            if name in RULES_BY_BASE:
                return Verdict(RULES_BY_BASE[name])
        for name in names:
            if name in VARIABLES:
                return Verdict(None, VARIABLES[name], None, "Parameter")
        for name in names:
            if name in TENSORS:
                is_weight = TENSORS[name] == "PyTorch" and _is_parameter(value)
                return Verdict(None, "PyTorch", None, "Parameter") if is_weight else Verdict("array")
        if isinstance(value, Mapping):
            return self._mapping(value, depth, looks)
        if isinstance(value, (list, tuple, set, frozenset, deque)):
            end = self._looked + looks
            few = self._few(value, looks, _NUMBERS) if depth < _DEPTH else []
            return self._parts(value, few, depth, end)
        if type(value).__module__.partition(".")[0] in _PYTHON:
            return Verdict("plain data")
        return Verdict(None, None, value, type_name(value))

    def state_dict(self, tensors: Iterable[Any], kind: str = "state_dict") -> Verdict:
        """Weights, of the framework that these tensors are of."""
        return Verdict(None, next((TENSORS[name] for name in self._tensors(tensors)), None), None, kind)

    def _mapping(self, value: Mapping[Any, Any], depth: int, looks: int) -> Verdict:
        module = None if self._live is None else self._live.get(id(value))
        if module is not None:
            return Verdict(None, self._framework_of(module), module, type_name(module))
        if hasattr(value, "_metadata"):
            # torch.nn.Module.state_dict puts `_metadata` on what it returns, and nothing else does.
            return Verdict(None, "PyTorch", None, "state_dict")
        self._looked += _MAPPING
        end = self._looked + looks
        names = _names(value, looks)
        if names >= _OPTIMIZER and len(value) == 2:
            return Verdict("optimizer state")
        if _is_flat_optimizer(names):
            return Verdict("optimizer state")
        if names >= _AVERAGES:
            return self.state_dict(islice(_items(value["shadow_params"]), _FEW))
        most = _most(value)
        few = self._few(value.values(), looks, most)
        is_of_tensors = any(self._tensors(few))
        if is_of_tensors and (are_weights(names) or are_weights(self._names_behind(value, names, looks))):
            return self.state_dict(few)
        verdict = self._parts(value, few if depth < _DEPTH else [], depth, end)
        if _is_known(verdict):
            return verdict
        if any(names >= scheduler for scheduler in SCHEDULERS):
            # Not before: people put how early stopping stands beside the model, under these very names. An
            # object that no rule knows may well be what a scheduler of somebody's own was set up with.
            return Verdict("scheduler state")
        if verdict.rule is None:
            return verdict
        for key in _STATE_DICTS:
            if key in value and isinstance(value[key], Mapping):
                inside = self._few(value[key].values(), looks, _most(value[key]))
                if any(self._tensors(inside)):
                    return self.state_dict(inside, "checkpoint of state_dict")
        module = self._owner(few) if is_of_tensors else None
        return verdict if module is None else Verdict(None, "PyTorch", module, type_name(module))

    def _few(self, parts: Iterable[Any], looks: int, most: int) -> list[Any]:
        """The first parts of a container that are more than plain data, among so many at most."""
        few: list[Any] = []
        width, steps = min(looks, _WIDTH), 0
        for part in islice(parts, min(looks * _STEPS, most)):
            if type(part) in _PLAIN_TYPES:
                steps += 1
                continue
            few.append(part)
            if len(few) >= width:
                break
        self._looked += steps // _STEPS_IN_A_LOOK
        return few

    def _names_behind(
        self, value: Mapping[Any, Any], names: AbstractSet[str], looks: int
    ) -> AbstractSet[str]:
        """The names beyond the first ones, `names`, of entries that are more than plain data."""
        if len(names) == len(value):
            return frozenset()
        found: set[str] = set()
        steps = 0
        for key in islice(value, min(looks * _STEPS, _most(value))):
            steps += 1
            if type(value[key]) not in _PLAIN_TYPES:
                found.add(key)
                if len(found) >= _WIDTH:
                    break
        self._looked += steps // _STEPS_IN_A_LOOK
        return {key for key in found if isinstance(key, str)} - names

    def _parts(self, whole: Any, few: list[Any], depth: int, end: int) -> Verdict:
        """A container is a model if a part of it is; else the most telling rule among its parts.

        `few` are the parts to look at, `end` is when there have been enough looks.
        """
        if not few:
            return Verdict("plain data")
        rules: list[str] = []
        unknown: Verdict | None = None
        for number, part in enumerate(few):
            left = end - self._looked
            if left <= 0:
                break
            verdict = self.of(part, depth + 1, left // (len(few) - number))
            if verdict.rule is not None:
                rules.append(verdict.rule)
            elif _is_known(verdict):
                named = f"checkpoint of {verdict.model_type.removeprefix('checkpoint of ')}"
                named = type_name(whole) if verdict.model_type == "Parameter" else named
                return Verdict(None, verdict.framework, verdict.subject, named)
            else:
                unknown = unknown or verdict
        if unknown is not None:
            return unknown
        for rule in ("optimizer state", "scheduler state", "dataset", "data frame", "array", "random state"):
            if rule in rules:
                return Verdict(rule)
        return Verdict(rules[0] if rules else "plain data")

    def _tensors(self, values: Iterable[Any]) -> Iterator[str]:
        """The kinds of tensors among some values."""
        seen: set[type] = set()
        for kind in map(type, values):
            if kind not in seen:
                seen.add(kind)
                yield from (name for name in self._names_of(kind) if name in TENSORS)

    def _framework_of(self, module: Any) -> str | None:
        return next((MODEL_BASES[name] for name in self._names_of(type(module)) if name in MODEL_BASES), None)

    def _names_of(self, kind: type) -> list[str]:
        found = self._bases.get(kind)
        if found is None:
            found = self._bases[kind] = bases(kind)
        return found

    def _owner(self, values: Iterable[Any]) -> Any:
        """The module that one of these tensors is a parameter of, by its storage; None if there is none."""
        if self._owners is None:
            modules = () if self._live is None else self._live.modules()
            ours = (each for each in modules if _MODULE in self._names_of(type(each)))
            owned = ((each, module) for module in ours for each in _parameters(module))
            stored = ((_storage(each), module) for each, module in islice(owned, _PARAMETERS))
            self._owners = {storage: module for storage, module in stored if storage is not None}
        if not self._owners:
            return None
        found = (self._owners.get(_storage(value) or 0) for value in islice(values, _FEW))
        return next((module for module in found if module is not None), None)


def _is_known(verdict: Verdict) -> bool:
    """Whether it is a model, and not just something that no rule knows."""
    return verdict.rule is None and (
        verdict.framework is not None or verdict.model_type.endswith("state_dict")
    )


def _names(value: Mapping[Any, Any], looks: int = _NAMES) -> AbstractSet[str]:
    return {key for key in islice(value, min(max(looks, _FEW), _NAMES)) if isinstance(key, str)}


def _most(value: Mapping[Any, Any]) -> int:
    """How many entries of a mapping are gone through: few of one that may read each from a file."""
    if not isinstance(value, dict):
        return _WIDTH
    return _OPTIONS if len(value) <= _OPTIONS else _NUMBERS


def _is_flat_optimizer(names: AbstractSet[str]) -> bool:
    """Whether these are the names of an optimizer's state made flat, as distributed checkpoints have it."""
    roots = {name.partition(".")[0] for name in names}
    return "param_groups" in roots and roots <= _OPTIMIZER and len(names) > 1


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()


def _is_parameter(value: Any) -> bool:
    parameter = getattr(sys.modules.get("torch.nn.parameter"), "Parameter", None)
    return parameter is not None and isinstance(value, parameter)


def _parameters(module: Any) -> Iterator[Any]:
    """Its parameters, read past anything that a class of the user's may have put in the way."""
    inside = [module]
    while inside:
        each = inside.pop()
        yield from (found for found in each.__dict__.get("_parameters", {}).values() if found is not None)
        inside.extend(
            found for found in reversed(each.__dict__.get("_modules", {}).values()) if found is not None
        )


def _storage(value: Any) -> int | None:
    """What a tensor of the plain kind keeps its numbers in; a view and a detached one have the same."""
    torch = sys.modules.get("torch")
    if torch is None or type(value) not in (torch.Tensor, torch.nn.Parameter):
        return None
    # The address of the storage itself: asking where its numbers are could make a lazy copy a real one.
    return value.untyped_storage()._cdata if value.layout is torch.strided else None
