"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

Checkpoints name the folder that they are in, and how long the training took.
"""

import sys

import torch


def equal(one, two):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return list(one) == list(two) and all(equal(one[key], two[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(equal, one, two))
    return one == two


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    ours, theirs = (torch.load(each, weights_only=False) for each in (path, other))
    if "callbacks" in ours:
        ours["callbacks"], theirs["callbacks"] = list(ours["callbacks"]), list(theirs["callbacks"])
    if not equal(ours, theirs):
        print(path)
