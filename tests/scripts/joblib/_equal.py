"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

A grid search keeps how long its fits took, and so does the memory cache.
"""

import json
import sys
from pathlib import Path

import joblib


def facts(path):
    if path.endswith("metadata.json"):
        found = json.loads(Path(path).read_text())
        return {key: value for key, value in found.items() if key not in ("duration", "time")}
    search = joblib.load(path)
    scores = {key: repr(value) for key, value in search.cv_results_.items() if "time" not in key}
    return repr(search), scores, repr(search.best_estimator_.coef_)


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    if facts(path) != facts(other):
        print(path)
