"""Recommends: ratings of films, every second epoch kept, a training that stops half way, and what fails."""

import inspect
import warnings

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import CancelFitException
from fastai.callback.tracker import EarlyStoppingCallback, SaveModelCallback
from fastai.collab import CollabDataLoaders, collab_learner
from fastai.learner import Callback, Learner, load_learner
from fastai.torch_core import set_seed
from fastcore.basics import patch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
set_seed(0, reproducible=True)

random = np.random.default_rng(0)
users, films = random.integers(0, 20, 400), random.integers(0, 15, 400)
ratings = pd.DataFrame({"user": users, "film": films, "rating": 1 + (users * films % 5)})
data = CollabDataLoaders.from_df(ratings, item_name="film", bs=64, seed=0, device="cpu")
print(inspect.signature(Learner.save), inspect.signature(Learner.load))


@patch
def save(self: Learner, file, **kwargs):
    """As fastai's own, and says where."""
    path = self._orig_save(file, **kwargs)
    print("saved", path)
    return path


class Stop(Callback):
    def after_epoch(self):
        if self.epoch == 1:
            raise CancelFitException()


learn = collab_learner(data, n_factors=8, y_range=(0.5, 5.5), path="ratings")
learn.remove_cb(learn.progress)
with learn.no_logging():
    learn.fit(0, cbs=SaveModelCallback(fname="untrained", at_end=True))
    learn.fit(5, 5e-3, cbs=SaveModelCallback(every_epoch=2, fname="factors", with_opt=True))
    learn.fit(9, 5e-3, cbs=[SaveModelCallback(fname="stopped", at_end=True), Stop(), EarlyStoppingCallback()])
learn.save("dots", pickle_protocol=4)

learn.half = (each for each in ())  # no pickle can hold this
for attempt in (
    lambda: learn.load("missing"),
    lambda: learn.save(),
    lambda: learn.save("no/such/folder"),
    lambda: learn.export("no/such/folder.pkl"),
    lambda: learn.export(7),
    lambda: load_learner("missing.pkl"),
    lambda: learn.export("half.pkl"),
):
    try:
        attempt()
    except (OSError, TypeError, RuntimeError) as error:
        print(type(error).__name__, str(error).splitlines()[0])
print(f"{learn.model.i_weight.weight.sum():.4f}")
