"""Teaches a small network to read digits: last, best and every-epoch checkpoints, and a graph to deploy."""

import os
import warnings

import megengine as mge
import megengine.functional as F
import numpy as np
from _digits import digits
from _network import Reader
from megengine import optimizer as optim
from megengine.autodiff import GradManager
from megengine.data import DataLoader, RandomSampler
from megengine.data.dataset import ArrayDataset
from megengine.jit import trace

warnings.simplefilter("ignore")  # Arrow says that the store which the loader's workers use is old
mge.random.seed(0)
os.makedirs("checkpoints", exist_ok=True)

train_set = ArrayDataset(*digits(600, seed=0))
pictures, labels = digits(200, seed=1)
loader = DataLoader(train_set, sampler=RandomSampler(train_set, batch_size=50, seed=0), num_workers=2)

model = Reader()
gm = GradManager().attach(model.parameters())
optimizer = optim.Adam(model.parameters(), lr=0.01)
scheduler = optim.MultiStepLR(optimizer, milestones=[2, 3])
best = 0.0


@trace(symbolic=True, capture_as_const=True)
def infer(x):
    return F.softmax(model(x))


for epoch in range(4):
    model.train()
    for inputs, targets in loader:
        with gm:
            loss = F.loss.cross_entropy(model(mge.Tensor(inputs)), mge.Tensor(targets))
            gm.backward(loss)
        optimizer.step().clear_grad()
    scheduler.step()

    model.eval()
    accuracy = float((model(mge.Tensor(pictures)).numpy().argmax(1) == labels).mean())
    print(f"epoch {epoch}: accuracy {accuracy:.3f}")
    mge.save(
        {
            "epoch": epoch,
            "state_dict": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "accuracy": accuracy,
        },
        "last.mge",
    )
    mge.serialization.save(model.state_dict(), f"checkpoints/epoch_{epoch}.pkl")
    if accuracy > best:
        best = accuracy
        mge.save(obj=model, f="best.pkl", pickle_protocol=4)

model.load_state_dict(mge.serialization.load("checkpoints/epoch_3.pkl"))
infer(mge.Tensor(pictures[:1]))
infer.dump("reader.mge", arg_names=["picture"], output_names=["chances"])
with open("reader_named.mge", "wb") as file:
    infer.dump(file, arg_names=["picture"], output_names=["chances"], keep_param_name=True)
print(f"best {best:.3f}, first weight {np.float32(model.out.weight.numpy()[0, 0]):.5f}")
