"""fastai's save_model and load_model."""

import torch
from driving import Unpicklable, damage, files_of  # noqa: F401
from fastai.learner import load_model, save_model

SUFFIX = ".pth"
KIND = "file"
FRAMEWORK = "fastai"
IMPOSSIBLE = {"folder_over": "save_model writes one file"}


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(20, 10)


def save(model, target):
    save_model(target, model, None, with_opt=False)


def save_nested(model, target):
    # save_model goes through torch.save
    save(model, target)


def save_failing(target):
    class Broken(torch.nn.Linear):
        def state_dict(self, *args, **more):
            return {**super().state_dict(*args, **more), "more": Unpicklable()}

    save_model(target, Broken(2, 2), None, with_opt=False)


def load(target):
    model = torch.nn.Linear(20, 10)
    load_model(target, model, None, with_opt=False)
    return model
