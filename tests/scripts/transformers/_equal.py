"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

The trainer writes down how long its evaluations took.
"""

import json
import sys
from pathlib import Path


def without_times(value):
    if isinstance(value, dict):
        return {
            key: without_times(part)
            for key, part in value.items()
            if not key.endswith(("_runtime", "_per_second"))
        }
    return [without_times(part) for part in value] if isinstance(value, list) else value


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    one, two = (json.loads(Path(each).read_text()) for each in (path, other))
    if without_times(one) != without_times(two):
        print(path)
