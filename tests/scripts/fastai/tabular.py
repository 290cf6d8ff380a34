"""Classifies wines: a learning rate found, three kinds of SaveModelCallback, stages, an exported learner."""

import os
import warnings
from pathlib import Path

os.environ["MPLBACKEND"] = "agg"

import pandas as pd
import torch
from fastai.callback.tracker import SaveModelCallback
from fastai.learner import Callback, load_model, save_model
from fastai.tabular.all import (
    Categorify,
    CategoryBlock,
    Normalize,
    RandomSplitter,
    TabularPandas,
    accuracy,
    range_of,
    set_seed,
    tabular_learner,
)
from sklearn.datasets import load_wine

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
set_seed(0, reproducible=True)

wine = load_wine(as_frame=True)
table = wine.frame.assign(
    target=[f"cultivar {each}" for each in wine.target],
    strong=pd.cut(wine.frame["alcohol"], 3, labels=["low", "middle", "high"]).astype(str),
)
data = TabularPandas(
    table,
    procs=[Categorify, Normalize],
    cat_names=["strong"],
    cont_names=list(wine.feature_names),
    y_names="target",
    y_block=CategoryBlock(),
    splits=RandomSplitter(seed=0)(range_of(table)),
).dataloaders(bs=32, device="cpu")
Path("wines").mkdir(exist_ok=True)
torch.save(data, "wines/data.pkl")


class Averages(Callback):
    """Keeps the average of the last layer's weights. An exported learner takes it along by value."""

    def before_fit(self):
        self.averaged, self.epochs = [each.detach().clone() for each in self.model.parameters()], 1

    def after_epoch(self):
        self.epochs += 1
        for mean, now in zip(self.averaged, self.model.parameters(), strict=True):
            mean += (now.detach() - mean) / self.epochs
        kept = [each.detach().clone() for each in self.model.parameters()]
        self.put(self.averaged)
        save_model("wines/averaged.pth", self.model, None)
        self.put(kept)

    def put(self, values):
        for parameter, value in zip(self.model.parameters(), values, strict=True):
            parameter.data.copy_(value)


def learner():
    made = tabular_learner(data, layers=[16, 8], metrics=accuracy, path=Path("wines"))
    made.remove_cb(made.progress)
    return made


with learner().no_bar() as learn, learn.no_logging():
    found = learn.lr_find(show_plot=False, num_it=20)
    print("a rate was found:", found.valley > 0)

    learn.fit_one_cycle(3, 1e-2, cbs=SaveModelCallback(monitor="valid_loss", fname="best", with_opt=True))
    print(learn.save("stage-1"))
    learn.fit(3, 1e-3, cbs=SaveModelCallback(every_epoch=True, fname="each"))
    learn.fit(2, 1e-3, cbs=SaveModelCallback(at_end=True, fname="end", monitor="accuracy"))
    learn.save(file=Path("é ö"), with_opt=False)
    learn.load("each_1")
    learn.add_cb(Averages())
    learn.fit(2, 1e-3)
    learn.save("stage-1")

with open("wines/weights.pth", "wb") as file:
    learn.save(file)
save_model("wines/by_function.pth", learn.model, learn.opt, with_opt=False)
learn.load("é ö", with_opt=False)
load_model(Path("wines/by_function.pth"), learn.model, learn.opt, with_opt=False)

os.chdir("wines")
learn.path = Path()
learn.export(Path("models") / "trained.pkl")
os.chdir("..")
deployed = learner()
deployed.load("best")
deployed.export("wines.pkl")

row = table.iloc[0]
with deployed.no_bar():
    print(deployed.predict(row)[2].argmax().item())
print(sorted(str(path) for path in Path("wines").rglob("*.p[kt]*")))
