"""Goes on from last.pt for two epochs and overwrites it, as a script restarted in place does."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)

images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)

model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters())
state = torch.load("last.pt", map_location="cpu", weights_only=False)
model.load_state_dict(state["model"])
optimizer.load_state_dict(state["optimizer"])
print(f"resumed after epoch {state['epoch']}")

for epoch in range(state["epoch"] + 1, state["epoch"] + 3):
    for batch in torch.randperm(len(images)).split(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    state = {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(obj=state, f="last.pt")
    print(f"epoch {epoch}: {(model(images).argmax(1) == labels).float().mean():.4f}")
