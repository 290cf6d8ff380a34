"""What boosters and estimators know of themselves, by the names of their types: no framework is imported.

Only what lies in an object is read, never a property or a method of the user's. A metric of a data set is
called `<data set>-<metric>`, as XGBoost writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._shape import Call
from ._sort import bases

__all__ = ["of_argument", "of_estimator", "of_history", "of_scores"]

#: What estimators of scikit-learn keep as a single number, a search among them.
_SCORES = ("best_score_", "best_validation_score_", "oob_score_", "loss_", "best_loss_")


def of_argument(name: str) -> Callable[[Call], dict[str, Any]]:
    """Tells what the estimator or booster knows that a call was given by this name."""
    return lambda call: of_estimator(call.arguments.get(name))


def of_scores(scores: Any) -> dict[str, Any]:
    """`{data set: {metric: value}}` made flat."""
    if not isinstance(scores, Mapping):
        return {}
    return {
        f"{data}-{metric}": value
        for data, metrics in scores.items()
        if isinstance(metrics, Mapping)
        for metric, value in metrics.items()
    }


def of_history(history: Any) -> dict[str, Any]:
    """`{data set: {metric: [values]}}` made flat, the last value of each."""
    return {
        name: values[-1]
        for name, values in of_scores(history).items()
        if isinstance(values, Sequence) and not isinstance(values, str) and values
    }


def of_estimator(model: Any) -> dict[str, Any]:
    """What an estimator or booster of whatever library knows, of a pipeline its last step."""
    kinds = bases(type(model))
    if "sklearn.pipeline.Pipeline" in kinds and vars(model).get("steps"):
        model = vars(model)["steps"][-1][1]
        kinds = bases(type(model))
    if "xgboost.core.Booster" in kinds:
        return _best_of(model)
    if "xgboost.sklearn.XGBModel" in kinds:
        booster = vars(model).get("_Booster")
        best = {} if booster is None else _best_of(booster)
        return {**best, **of_history(vars(model).get("evals_result_"))}
    if "lightgbm.sklearn.LGBMModel" in kinds:
        return of_scores(vars(model).get("_best_score"))
    if "lightgbm.basic.Booster" in kinds:
        return of_scores(vars(model).get("best_score"))
    if "catboost.core._CatBoostBase" in kinds:
        return of_scores(model.get_best_score())
    if "sklearn.base.BaseEstimator" in kinds:
        return {name.rstrip("_"): vars(model)[name] for name in _SCORES if name in vars(model)}
    return {}


def _best_of(booster: Any) -> dict[str, Any]:
    """What early stopping has noted in a booster of XGBoost."""
    best = booster.attr("best_score")
    return {} if best is None else {"best_score": float(best)}
