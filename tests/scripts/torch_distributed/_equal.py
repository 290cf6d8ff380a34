"""Whether two `.metadata` of distributed checkpoints say the same, but for ids made up for each save."""

import pickle
import sys

for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    with open(path, "rb") as one, open(other, "rb") as two:
        found, wanted = pickle.load(one), pickle.load(two)
    if any(
        getattr(found, name) != getattr(wanted, name)
        for name in ("state_dict_metadata", "planner_data", "storage_data")
    ):
        print(path)
