"""fastai's save_model and load_model, and Learner.save, which goes through the former."""

from pathlib import Path

import torch
from driving import Unpicklable, damage, files_of  # noqa: F401
from fastai.data.core import DataLoaders
from fastai.learner import Learner, load_model, save_model

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
    learner = Learner(DataLoaders(), model, loss_func=torch.nn.functional.mse_loss, model_dir=".")
    learner.path = Path()
    learner.save(target.removesuffix(SUFFIX))


def save_failing(target):
    class Broken(torch.nn.Linear):
        def state_dict(self, *args, **more):
            return {**super().state_dict(*args, **more), "more": Unpicklable()}

    save_model(target, Broken(2, 2), None, with_opt=False)


def load(target):
    model = torch.nn.Linear(20, 10)
    load_model(target, model, None, with_opt=False)
    return model
