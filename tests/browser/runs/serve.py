"""Loads what others have trained, and one that nobody here has made."""

import joblib
import torch

print(
    len(torch.load("tuned.pt")),
    *(type(joblib.load(f"{name}.joblib")).__name__ for name in ("forest", "given")),
)
