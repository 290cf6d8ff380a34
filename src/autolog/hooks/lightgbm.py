"""LightGBM: files are written from C++ by `Booster.save_model`, read by `Booster(model_file=)`.

Continued training (`init_model=`) reads its file through `_InnerPredictor`. A booster as text goes through
`model_to_string`, `model_from_string` and `Booster(model_str=)`, which LightGBM itself also uses to copy,
pickle and finish a booster: those are not the user's saves. A `CVBooster` is one JSON text, written by
Python from those of its boosters.
"""

from typing import Any

from ._metrics import of_estimator
from ._shape import Call, Hook, load, save

#: Text longer than this isn't encoded on the training thread: about two milliseconds' worth.
_TEXT = 8 << 20


def _bytes(text: Any) -> bytes | None:
    return text.encode() if isinstance(text, str) and len(text) <= _TEXT else None


def _written(call: Call) -> bytes | None:
    return None if call.caller.startswith("lightgbm.") else _bytes(call.result)


def _given(call: Call) -> bytes | None:
    return None if call.caller.startswith("lightgbm.") else _bytes(call.arguments.get("model_str"))


def _read(call: Call) -> Any:
    path = call.arguments.get("model_file")
    return _given(call) if path is None else path


def _settings(booster: Any) -> str | None:
    parameters = getattr(booster, "params", None)
    if not parameters:
        return None
    return "\n".join(f"{name}: {value}" for name, value in sorted(parameters.items()))


def _scores(call: Call) -> dict[str, Any]:
    # They are those of the last iteration, or of the one that early stopping found best: a booster is saved
    # up to there, unless somebody says otherwise.
    is_whole = call.arguments["num_iteration"] is None and not call.arguments["start_iteration"]
    return of_estimator(call.arguments["self"]) if is_whole else {}


hook = Hook(
    key="lightgbm",
    framework="LightGBM",
    supports="lightgbm>=4.5",
    design=_settings,
    points=(
        save("lightgbm.basic:Booster.save_model", path="filename", model="self", metrics=_scores),
        save("lightgbm.basic:Booster.model_to_string", path=_written, model="self", metrics=_scores),
        save("lightgbm.engine:CVBooster.save_model", path="filename"),
        save("lightgbm.engine:CVBooster.model_to_string", path=_written),
        load("lightgbm.basic:Booster.__init__", path=_read, model="self"),
        load("lightgbm.basic:Booster.model_from_string", path=_given, model="self"),
        load("lightgbm.basic:_InnerPredictor.from_model_file", path="model_file", model=None),
        load("lightgbm.engine:CVBooster.__init__", path="model_file", model=None),
        load("lightgbm.engine:CVBooster.model_from_string", path=_given, model=None),
    ),
)
