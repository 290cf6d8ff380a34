"""Is it a model? Decides from the object alone, by the names of its types: no framework is imported.

Rules give the *reason* by which something is not a model; they appear in the capture report. What no
rule knows counts as a model: losing somebody's weights is worse than listing one file too many.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

__all__ = ["Verdict", "sort"]

#: How much of a nested container is looked at: enough for any real checkpoint, bounded for any input.
_WIDTH, _DEPTH = 64, 4

_MODEL_BASES = {
    "torch.nn.modules.module.Module": "PyTorch",
    "sklearn.base.BaseEstimator": "ScikitLearn",
    "xgboost.core.Booster": "XGBoost",
    "xgboost.sklearn.XGBModel": "XGBoost",
    "lightgbm.basic.Booster": "LightGBM",
    "lightgbm.sklearn.LGBMModel": "LightGBM",
    "catboost.core._CatBoostBase": "CatBoost",
    "keras.src.models.model.Model": "Keras",
    "tensorflow.python.module.module.Module": "TensorFlow",
    "fastai.learner.Learner": "fastai",
    "megengine.module.module.Module": "MegEngine",
}
_RULES_BY_BASE = {
    "torch.utils.data.dataset.Dataset": "dataset",
    "torch.utils.data.dataloader.DataLoader": "dataset",
    "torch.utils.data.sampler.Sampler": "dataset",
    "torch.optim.optimizer.Optimizer": "optimizer state",
    "torch.optim.lr_scheduler.LRScheduler": "scheduler state",
    "torch.optim.lr_scheduler._LRScheduler": "scheduler state",
    "torch.amp.grad_scaler.GradScaler": "scheduler state",
    "pandas.core.generic.NDFrame": "data frame",
    "pandas.core.indexes.base.Index": "data frame",
    "pandas.Index": "data frame",  # what pandas 3 calls it
    "polars.dataframe.frame.DataFrame": "data frame",
    "polars.lazyframe.frame.LazyFrame": "data frame",
    "polars.series.series.Series": "data frame",
    "pyarrow.lib.Table": "data frame",
    "pyarrow.lib.RecordBatch": "data frame",
    "numpy.ndarray": "array",
    "numpy.generic": "array",
    "scipy.sparse._base._spbase": "array",
    "torch.storage.UntypedStorage": "array",
    "torch.storage.TypedStorage": "array",
    "xgboost.core.DMatrix": "dataset",
    "lightgbm.basic.Dataset": "dataset",
    "sklearn.utils._bunch.Bunch": "dataset",
    "fastai.data.core.DataLoaders": "dataset",
    "fastai.data.core.FilteredBase": "dataset",
    "fastai.data.load.DataLoader": "dataset",
    "fastai.data.block.DataBlock": "dataset",
    "fastai.optimizer._BaseOptimizer": "optimizer state",
    "argparse.Namespace": "arguments",
    "random.Random": "random state",
    "numpy.random.mtrand.RandomState": "random state",
    "numpy.random._generator.Generator": "random state",
}
_PLAIN = (str, bytes, bytearray, int, float, complex, bool, type(None))
_MODEL_SUFFIXES = (".weight", ".bias", ".running_mean", ".running_var", ".in_proj_weight", "_weight", "_bias")


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
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]


def type_name(value: Any) -> str:
    """The dotted name of a value's type, as a person would write it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def sort(value: Any, live: Mapping[int, Any] | None = None) -> Verdict:
    """Say whether `value` is a model. `live` maps the id of a known state dict to its module."""
    return _sort(value, live or {}, 0)


def _sort(value: Any, live: Mapping[int, Any], depth: int) -> Verdict:
    if isinstance(value, _PLAIN):
        return Verdict("plain data")
    names = bases(type(value))
    for name in names:
        if name in _MODEL_BASES:
            return Verdict(None, _MODEL_BASES[name], value, type_name(value))
    for name in names:
        if name in _RULES_BY_BASE:
            return Verdict(_RULES_BY_BASE[name])
    if "torch._tensor.Tensor" in names or "torch.Tensor" in names:
        return Verdict(None, "PyTorch", None, "Parameter") if _is_parameter(value) else Verdict("array")
    if isinstance(value, Mapping):
        return _sort_mapping(value, live, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _sort_parts(value, value, live, depth)
    if type(value).__module__ == "builtins":
        return Verdict("plain data")
    return Verdict(None, None, value, type_name(value))


def _sort_mapping(value: Mapping[Any, Any], live: Mapping[int, Any], depth: int) -> Verdict:
    module = live.get(id(value))
    if module is not None:
        return Verdict(None, "PyTorch", module, type_name(module))
    if hasattr(value, "_metadata"):
        # torch.nn.Module.state_dict puts `_metadata` on what it returns, and nothing else does.
        return Verdict(None, "PyTorch", None, "state_dict")
    keys = set(islice((key for key in value if isinstance(key, str)), 10_000))
    if keys >= {"state", "param_groups"} and len(value) == 2:
        return Verdict("optimizer state")
    if keys >= {"last_epoch", "_step_count"} or keys >= {"scale", "growth_factor", "growth_interval"}:
        return Verdict("scheduler state")
    if any(key.endswith(_MODEL_SUFFIXES) for key in keys) and any(
        _is_tensor(part) for part in islice(value.values(), _WIDTH)
    ):
        return Verdict(None, None, None, "state_dict")
    return _sort_parts(value, value.values(), live, depth)


def _sort_parts(whole: Any, parts: Iterable[Any], live: Mapping[int, Any], depth: int) -> Verdict:
    """A container is a model if a part of it is; else the most telling rule among its parts."""
    if depth >= _DEPTH:
        return Verdict("plain data")
    rules: list[str] = []
    unknown: Verdict | None = None
    for part in islice(iter(parts), _WIDTH):
        verdict = _sort(part, live, depth + 1)
        if verdict.rule is not None:
            rules.append(verdict.rule)
        elif verdict.framework is not None or verdict.model_type == "state_dict":
            kind = type_name(whole) if verdict.model_type == "Parameter" else "checkpoint"
            named = f"{kind} of {verdict.model_type}" if kind == "checkpoint" else kind
            return Verdict(None, verdict.framework, verdict.subject, named)
        else:
            unknown = unknown or verdict
    if unknown is not None:
        return unknown
    for rule in ("optimizer state", "scheduler state", "dataset", "data frame", "array", "random state"):
        if rule in rules:
            return Verdict(rule)
    return Verdict(rules[0] if rules else "plain data")


def _is_tensor(value: Any) -> bool:
    names = bases(type(value))
    return any(name in ("torch.Tensor", "torch._tensor.Tensor", "numpy.ndarray") for name in names)


def _is_parameter(value: Any) -> bool:
    parameter = getattr(sys.modules.get("torch.nn.parameter"), "Parameter", None)
    return parameter is not None and isinstance(value, parameter)
