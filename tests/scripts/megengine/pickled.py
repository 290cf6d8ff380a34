"""Networks and their weights by `pickle` itself."""

import pickle

import megengine as mge
import numpy as np
from _network import Reader

mge.random.seed(0)
model = Reader()
with open("network.pkl", "wb") as file:
    pickle.dump(model, file)
with open("weights.pkl", "wb") as file:
    pickle.dump(model.state_dict(keep_var=True), file, protocol=4)
with open("picture.pkl", "wb") as file:
    pickle.dump(mge.Tensor(np.ones((12, 8), "float32")), file)
mge.save(model, "by_megengine.pkl", pickle_module=pickle)

with open("network.pkl", "rb") as file:
    again = pickle.load(file)
with open("weights.pkl", "rb") as file:
    state = pickle.load(file)
print(np.array_equal(again.out.weight.numpy(), state["out.weight"].numpy()), type(again).__name__)
