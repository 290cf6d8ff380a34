"""scikit-learn's way of saving: `joblib.dump` and `joblib.load`.

Both are defined in `joblib.numpy_pickle`. joblib uses them for its own memory cache and for handing
arrays to worker processes, too: those files are joblib's, not the user's models.
"""

import os
from typing import Any

from ._metrics import of_argument
from ._shape import Call, Hook, load, mute, save

#: How the folders begin through which arrays are handed to workers.
_HANDED = "joblib_memmapping_folder_"


def _describe(estimator: Any) -> str | None:
    # repr of a BaseEstimator names the estimator, its steps and every parameter that is not at its
    # default; N_CHAR_MAX lifts the abbreviation to 700 characters (sklearn.base.BaseEstimator).
    if not hasattr(estimator, "get_params"):
        return None
    try_full = getattr(type(estimator), "__repr__", None)
    code = getattr(try_full, "__code__", None)
    takes_limit = code is not None and "N_CHAR_MAX" in code.co_varnames
    text: str = estimator.__repr__(N_CHAR_MAX=20_000) if takes_limit else repr(estimator)
    return text


def _is_of_user(call: Call) -> bool:
    # In joblib 1.4 `load_temporary_memmap`, by which workers open what they are handed, calls this function.
    path = call.arguments["filename"]
    return not isinstance(path, str) or _HANDED not in os.path.dirname(path)


hook = Hook(
    key="joblib",
    framework="ScikitLearn",
    supports="joblib>=1.4",
    any_object=True,
    design=_describe,
    points=(
        save(
            "joblib.numpy_pickle:dump",
            path="filename",
            model="value",
            metrics=of_argument("value"),
        ),
        load("joblib.numpy_pickle:load", path="filename", when=_is_of_user),
        mute("joblib._store_backends:StoreBackendMixin.dump_item", rule="joblib cache"),
        mute("joblib._store_backends:StoreBackendMixin.load_item", rule="joblib cache"),
        mute("joblib._memmapping_reducer:ArrayMemmapForwardReducer.__call__", rule="joblib scratch"),
    ),
)
