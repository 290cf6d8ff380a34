"""Classifies wines: a learning rate found, three kinds of SaveModelCallback, stages, an exported learner."""

import os
import warnings
from pathlib import Path

os.environ["MPLBACKEND"] = "agg"

import pandas as pd
import torch
from fastai.callback.tracker import SaveModelCallback
from fastai.learner import load_learner, load_model, save_model
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
    learn.fit(1, 1e-3)
    learn.save("stage-1")

with open("wines/weights.pth", "wb") as file:
    learn.save(file)
save_model("wines/by_function.pth", learn.model, learn.opt, with_opt=False)
os.chdir("wines")
learn.path = Path()
learn.export("wines.pkl")
learn.export(Path("models") / "again.pkl")
os.chdir("..")
learn.path = Path("wines")

learn.load("é ö", with_opt=False)
load_model(Path("wines/by_function.pth"), learn.model, learn.opt, with_opt=False)
row = table.iloc[0]
print(load_learner("wines/wines.pkl").predict(row)[2].argmax().item(), learn.predict(row)[2].argmax().item())
print(sorted(str(path) for path in Path("wines").rglob("*.p[kt]*")))
