"""Only loads: an exported learner by its path, renamed and from an open file, and weights by their name."""

import shutil
import warnings
from pathlib import Path

import torch
from fastai.learner import load_learner
from fastai.text.all import load_learner as load_text

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
shutil.copy("wines/wines.pkl", "deployed.pkl")

learn = load_learner(Path("deployed.pkl"))
with open("wines/models/trained.pkl", "rb") as file:
    trained = load_learner(file, cpu=False)
print([type(each).__name__ for each in trained.cbs])
learn.path = Path("wines")
learn.load("best", strict=True)
print(type(learn).__name__, learn.dls.vocab, f"{learn.model.layers[0][0].weight.sum():.4f}")
learn.load(file="each_2", with_opt=False, device="cpu")
print(f"{learn.model.layers[0][0].weight.sum():.4f}")

films = load_text(fname="films/films.pkl")
films.load_encoder("../../films/models/encoder")
with films.no_bar():
    print(films.dls.vocab[1], f"{films.predict('the end was dull')[2].sum():.3f}")
