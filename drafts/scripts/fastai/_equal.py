"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

An exported learner remembers how long its epochs took.
"""

import sys
import warnings

import torch
from fastai.learner import load_learner

warnings.filterwarnings("ignore")
for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    ours, theirs = load_learner(path), load_learner(other)
    weights = ours.model.state_dict(), theirs.model.state_dict()
    same = [torch.equal(weights[0][name], weights[1][name]) for name in weights[0]]
    if not all(same) or list(weights[0]) != list(weights[1]) or str(ours.model) != str(theirs.model):
        print(path)
