"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

A learner that is exported after training remembers when, in floating point numbers, and how long its epochs
took, as `00:01`; and cloudpickle gives a class of the script a random number of 32 digits. All else of the
pickle, and all tensors beside it, must be the very same, so what loads the one loads the other.
"""

import pickletools
import re
import sys
import zipfile

VARYING = re.compile(r"[0-9a-f]{32}|\d\d:\d\d")


def contents(path):
    """Entry -> its bytes; of the pickle every instruction but for those."""
    with zipfile.ZipFile(path) as file:
        found = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    found.pop(".data/serialization_id", None)  # a hash of the rest
    found["data.pkl"] = [
        (each.name, None if each.name == "BINFLOAT" else VARYING.sub("", str(argument)))
        for each, argument, _ in pickletools.genops(found["data.pkl"])
    ]
    return found


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    if contents(path) != contents(other):
        print(path)
