"""What else megengine.save takes: files, buffers, traced modules, parameters; and what is no model."""

import io
import os
from pathlib import Path

import megengine as mge
import numpy as np
from _network import Reader
from megengine import traced_module as tm
from megengine.serialization import save

os.makedirs("out", exist_ok=True)
mge.random.seed(0)
model = Reader()
model.eval()
picture = mge.Tensor(np.ones((1, 1, 12, 8), "float32"))

with open("out/file.pkl", "wb") as file:
    mge.save(model.state_dict(), file)
buffer = io.BytesIO()
save(model.state_dict(keep_var=True), buffer)
Path("out/from_buffer.pkl").write_bytes(buffer.getvalue())
for attempt in (
    lambda: mge.save(model.state_dict(), Path("out/path.pkl")),
    lambda: mge.load(Path("out/file.pkl")),
    lambda: mge.save(model.state_dict(), "no/such/folder.pkl"),
    lambda: mge.load("out/missing.pkl"),
):
    try:
        attempt()
    except (AssertionError, TypeError, OSError) as error:
        print(type(error).__name__, str(error))

traced = tm.trace_module(model, picture)
mge.save(traced, "out/traced.tm")
again = mge.load("out/traced.tm")
print(type(again).__name__, bool(np.allclose(again(picture).numpy(), model(picture).numpy())))
mge.save(model.out.weight, "out/parameter.pkl")
mge.save([model.conv.state_dict(), model.out.state_dict()], "out/pair.pkl")
os.chdir("out")
mge.save(dict(model.state_dict()), "é ö.pkl")
os.chdir("..")

optimizer = mge.optimizer.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = mge.optimizer.MultiStepLR(optimizer, milestones=[2])
mge.save(optimizer.state_dict(), "out/optimizer.pkl")
mge.save(scheduler.state_dict(), "out/scheduler.pkl")
mge.save(mge.amp.GradScaler().state_dict(), "out/scaler.pkl")
mge.save({"picture": picture, "label": 3}, "out/sample.pkl")
mge.save({"lr": 0.1}, "out/arguments.pkl")
print(sorted(mge.load("out/optimizer.pkl")), mge.load("out/from_buffer.pkl")["out.bias"].shape)
print(sorted(os.listdir("out")))
