"""Goes on from the best network, with some layers frozen, and says more of what it does."""

import json

import torch
from sklearn.datasets import load_digits
from torch import nn

import autolog

task = autolog.init("vision", "fine-tune digits", output_uri=True, tags=["nightly", "digits"])
torch.manual_seed(1)
torch.set_num_threads(1)
settings = task.connect(
    {"lr": 0.001, "epochs": 5, "frozen": ["0"], "augment": {"noise": 0.05}}, name="training"
)
task.connect_configuration({"loss": "cross_entropy", "classes": 10}, name="network")
task.set_comment("What the nightly job makes of the newest digits.\nAsk ada before changing it.")

images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 10))
model.load_state_dict(torch.load("best.pt"))
for parameter in model[0].parameters():
    parameter.requires_grad = False
optimizer = torch.optim.SGD(model[3].parameters(), lr=settings["lr"], momentum=0.9)
output = autolog.OutputModel(
    task=task, name="digits classifier", framework="PyTorch", tags=["best", "digits"]
)
output.update_labels({str(number): number for number in range(10)})
output.set_metadata("data", "sklearn's digits")
output.set_metadata("augmented", True)
history = []
for epoch in range(5):
    for start in range(0, 1500, 100):
        inputs = (
            images[start : start + 100]
            + settings["augment"]["noise"] * torch.randn(100, 64)[: len(images[start : start + 100])]
        )
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels[start : start + 100])
        loss.backward()
        optimizer.step()
        step = epoch * 15 + start // 100
        output.report_scalar("loss", "train", loss.item(), step)
    with torch.no_grad():
        guessed = model(images[1500:])
        accuracy = (guessed.argmax(1) == labels[1500:]).float().mean().item()
        output.report_scalar(
            "loss", "validation", nn.functional.cross_entropy(guessed, labels[1500:]).item(), step
        )
    output.report_scalar("accuracy", "accuracy", accuracy, step)
    history.append({"epoch": epoch, "accuracy": round(accuracy, 4)})
    torch.save(model.state_dict(), "tuned.pt")
    output.update_weights("tuned.pt", iteration=step)
output.report_confusion_matrix(
    "confusion",
    "validation",
    [[int(((guessed.argmax(1) == a) & (labels[1500:] == b)).sum()) for a in range(10)] for b in range(10)],
)
task.upload_artifact("history", {"epochs": history, "note": "on the last 297 digits"})
task.upload_artifact("notes", "The first layer stays as it was.\n<b>Not bold.</b>\n")
with open("report.csv", "w") as file:
    file.write("epoch,accuracy\n" + "".join(f"{each['epoch']},{each['accuracy']}\n" for each in history))
task.upload_artifact("report", "report.csv")
task.upload_artifact("weights of the head", model[3].weight.detach().numpy())
try:
    from PIL import Image
except ImportError:
    pass
else:
    task.upload_artifact(
        "first digit",
        Image.fromarray((images[0].reshape(8, 8).numpy() * 255).astype("uint8")).resize((96, 96)),
    )
print(json.dumps(history[-1]))
