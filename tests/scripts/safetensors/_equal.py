"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

safetensors writes the entries of its metadata in a random order.
"""

import sys

from safetensors import safe_open


def contents(path):
    with safe_open(path, framework="np") as file:
        names = list(file.keys())
        return file.metadata(), {name: file.get_tensor(name).tobytes() for name in names}


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    if contents(path) != contents(other):
        print(path)
