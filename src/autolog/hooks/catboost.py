"""CatBoost: everything is written and read from C++, below `CatBoost.save_model` and `load_model`.

The formats (cbm, json, onnx, coreml, cpp, python, pmml) are all models. A training snapshot
(`save_snapshot=True`) is written during `fit` and is whole at its end; a later `fit` that finds it resumes
from it, which is a load. `init_model=` loads through `load_model`.
"""

import os
from collections.abc import Mapping
from typing import Any

from ._metrics import of_argument
from ._shape import Call, Hook, load, save


def _source(call: Call) -> Any:
    given = (call.arguments.get(name) for name in ("fname", "stream", "blob"))
    return next((each for each in given if each is not None), None)


def _progress(settings: Mapping[str, Any]) -> str | None:
    # catboost.core._get_train_dir: the folder is `catboost_info` by default, and C++ puts a relative
    # snapshot into it, under the name below by default.
    if not settings.get("save_snapshot"):
        return None
    name = os.fspath(settings.get("snapshot_file") or "experiment.cbsnapshot")
    return os.path.join(os.fspath(settings.get("train_dir") or "catboost_info"), name)


def _resumed(call: Call) -> str | None:
    settings = dict(call.arguments["self"].get_params())
    settings |= {name: value for name, value in call.arguments.items() if value is not None}
    path = _progress(settings)
    return path if call.result is None and path is not None and os.path.exists(path) else None


def _reached(call: Call) -> str | None:
    return _progress(call.arguments["params"])


def _settings(model: Any) -> str | None:
    parameters = model.get_params()
    return "\n".join(f"{name}: {value}" for name, value in sorted(parameters.items())) or None


def _labels(model: Any) -> dict[str, int] | None:
    classes = getattr(model, "classes_", None)
    if classes is None or not 0 < len(classes) <= 10_000:
        return None
    return {str(each): index for index, each in enumerate(classes)}


#: The best scores: with an evaluation set CatBoost cuts a model back to where it was best.
_scores = of_argument("self")


hook = Hook(
    key="catboost",
    framework="CatBoost",
    supports="catboost>=1.2.7",
    design=_settings,
    labels=_labels,
    points=(
        save("catboost.core:CatBoost.save_model", path="fname", model="self", metrics=_scores),
        load("catboost.core:CatBoost.load_model", path=_source, model="self"),
        load("catboost.core:CatBoost._prepare_train_params", path=_resumed, model="self"),
        save(
            "catboost.core:_CatBoostBase._train",
            path=_reached,
            model="self",
            when=lambda call: os.path.exists(_reached(call) or ""),
            metrics=_scores,
        ),
    ),
)
