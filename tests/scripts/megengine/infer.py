"""Only loads: the best network, a renamed copy of it, an epoch's weights by several ways, and the graph."""

import io
import shutil
from pathlib import Path

import megengine as mge
import numpy as np
from _digits import digits
from _network import Reader
from megengine import load
from megengine.utils.comp_graph_tools import GraphInference
from megengine.utils.network import Network

pictures, labels = digits(50, seed=2)


def show(title, model):
    model.eval()
    right = (model(mge.Tensor(pictures)).numpy().argmax(1) == labels).mean()
    print(f"{title}: {right:.2f}")


def filled(state):
    model = Reader()
    model.load_state_dict(state)
    return model


show("the best", load("best.pkl"))
shutil.copy("best.pkl", "deployed.pkl")
show("a copy", load(f="deployed.pkl"))
with open("checkpoints/epoch_2.pkl", "rb") as file:
    show("an open file", filled(load(file)))
show("in memory", filled(load(io.BytesIO(Path("checkpoints/epoch_1.pkl").read_bytes()))))

graph = GraphInference("reader_named.mge")
(chances,) = graph.run(pictures[:1]).values()
print("the graph:", int(chances.argmax()), labels[0])

network = Network.load("reader.mge")
print([each.name for each in network.input_vars], [each.name for each in network.output_vars])
network.output_vars[0].name = "answer"
network.dump("renamed.mge", user_info={"digits": 10})
with open("renamed.mge", "rb") as file:
    again = Network.load(file)
print(again.metadata["user_info"], np.round(sum(each.size for each in digits(1, 0)), 1))
