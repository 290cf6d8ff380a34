"""Trains a classifier of wines whose class lies in a module of the project, and packages both together."""

import io
from pathlib import Path

import _wines
import torch
from torch import nn
from torch.package import PackageExporter, PackageImporter, PackagingError

torch.manual_seed(0)
torch.set_num_threads(1)
Path("packages").mkdir(exist_ok=True)

samples, labels = _wines.data()
model = _wines.Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)


def package(to, **more):
    with PackageExporter(to) as exporter:
        exporter.intern("_wines")
        exporter.extern(["sklearn.**", "numpy.**"])
        exporter.save_pickle("model", "model.pkl", model)
        for name, text in more.items():
            exporter.save_text("notes", f"{name}.txt", text)


for epoch in range(2):
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(samples), labels)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
    package("packages/wines.pt", epoch=str(epoch))

package(Path("packages/path.pt"))
with open("packages/file.pt", "wb") as file:
    package(file)
buffer = io.BytesIO()
package(buffer, kept="in memory")
Path("packages/from_buffer.pt").write_bytes(buffer.getvalue())

exporter = PackageExporter("packages/state.pt", debug=False)
exporter.save_pickle("weights", "state.pkl", model.state_dict(), dependencies=False)
torch.save(model.state_dict(), "packages/beside.pt")
exporter.close()

try:
    with PackageExporter("packages/unfinished.pt") as exporter:
        exporter.save_pickle("model", "model.pkl", model)  # nobody said what to do with the class's module
except PackagingError as error:
    print(type(error).__name__)

importer = PackageImporter("packages/wines.pt")
print(importer.load_text("notes", "epoch.txt"), importer.load_pickle("model", "model.pkl").rows)
