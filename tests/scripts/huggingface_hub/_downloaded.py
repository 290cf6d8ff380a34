"""Stands for downloads: importing it leaves two repositories in the hub's cache and the hub out of reach.

Files are blobs, and links to them in a folder named by the commit. They are written by a process of their
own, as if it had been long ago. A blob is named by a digest: here of the file's name, since each release of
torch writes other bytes.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

COMMIT = "7c1f1b0b3b6b2a40e4f6a3f5c1f1ce8c9b5d1e02"
NEW, OLD = "tiny-digits/new", "tiny-digits/old"


def publish(cache, repository, files):
    """Put files there as a repository."""
    top = Path(cache, "models--" + repository.replace("/", "--"))
    for folder in ("blobs", "refs", f"snapshots/{COMMIT}"):
        Path(top, folder).mkdir(parents=True)
    Path(top, "refs", "main").write_text(COMMIT)
    for name, content in files.items():
        digest = hashlib.sha256(f"{repository}/{name}".encode()).hexdigest()
        Path(top, "blobs", digest).write_bytes(content)
        os.symlink(f"../../blobs/{digest}", Path(top, "snapshots", COMMIT, name))


def main():
    """Publish one model twice: as it is done now, and as it was done once."""
    import safetensors.torch
    import torch
    from _blobs import Digits

    torch.manual_seed(9)
    weights = Digits(hidden=16).state_dict()
    pickled = io.BytesIO()
    torch.save(weights, pickled)
    config = json.dumps({"depth": 1, "hidden": 16}).encode()
    publish("hub", NEW, {"config.json": config, "model.safetensors": safetensors.torch.save(weights)})
    publish("hub", OLD, {"config.json": config, "pytorch_model.bin": pickled.getvalue()})


if __name__ == "__main__":
    main()
else:
    os.environ.update(HF_HUB_CACHE=os.path.abspath("hub"), HF_HUB_OFFLINE="1")
    subprocess.run([sys.executable, __file__], check=True)
