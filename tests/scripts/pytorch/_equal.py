"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

torch's legacy format numbers storages by their address in memory.
"""

import sys

import torch


def equal(one, two):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return list(one) == list(two) and all(equal(one[key], two[key]) for key in one)
    return one == two


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    if not equal(torch.load(path), torch.load(other)):
        print(path)
