"""XGBoost: everything goes through `Booster.save_model`, `save_raw` (into memory) and `load_model`.

The scikit-learn classes, `Booster(model_file=)` and `xgb_model=` continuation call these. The
files are written from C++, so Python's `open` never sees them. `TrainingCheckPoint` writes
`<name>_<round>.ubj` through `save_model`, or pickles with plain `pickle.dump` into a file of its own.
"""

import os
import sys
from typing import Any

from ._metrics import of_argument, of_history
from ._shape import Call, Hook, knows, load, save


def _file(call: Call) -> Any:
    # Both functions take `~` for the home folder (xgboost.core.Booster.save_model); a load also takes
    # the bytes themselves.
    target = call.arguments["fname"]
    return os.path.expanduser(target) if isinstance(target, (str, os.PathLike)) else target


def _is_due(callback: Any) -> bool:
    # xgboost.callback.TrainingCheckPoint.after_iteration saves when its counter has reached the
    # interval, and on the first worker only.
    if callback._epoch != callback._iterations:
        return False
    collective = sys.modules.get("xgboost.collective")
    return collective is None or collective.get_rank() == 0


def _round(call: Call) -> int:
    return int(call.arguments["epoch"]) + int(call.arguments["self"]._start)


def _checkpoint(call: Call) -> str | None:
    callback = call.arguments["self"]
    if call.result is not None or not _is_due(callback):  # asked again afterwards: it counts on by then
        return None
    suffix = "pkl" if callback._as_pickle else getattr(callback, "default_format", "json")
    return os.path.join(callback._path, f"{callback._name}_{_round(call)}.{suffix}")


def _series(call: Call) -> tuple[str, int | None]:
    callback = call.arguments["self"]
    return os.path.join(callback._path, callback._name), _round(call)


hook = Hook(
    key="xgboost",
    framework="XGBoost",
    supports="xgboost>=2.1",
    design=lambda model: (model.get_booster() if hasattr(model, "get_booster") else model).save_config(),
    points=(
        save("xgboost.core:Booster.save_model", path=_file, model="self", metrics=of_argument("self")),
        save("xgboost.core:Booster.save_raw", path="return", model="self", metrics=of_argument("self")),
        load("xgboost.core:Booster.load_model", path=_file, model="self"),
        save(
            "xgboost.callback:TrainingCheckPoint.after_iteration",
            path=_checkpoint,
            model="model",
            group=_series,
            metrics=lambda call: of_history(call.arguments["evals_log"]),
        ),
        knows("xgboost.sklearn:XGBModel.save_model", metrics=of_argument("self")),
    ),
)
