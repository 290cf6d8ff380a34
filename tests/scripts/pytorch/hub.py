"""Takes published weights from URLs by torch.hub, and a model from a repository's hubconf.py."""

import os
import shutil
import sys
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import torch
from torch import nn
from torch.hub import load_state_dict_from_url

torch.set_num_threads(1)
sys.dont_write_bytecode = True
torch.hub.set_dir("hub")
Path("site").mkdir()


def network():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


# What others have published: the best weights as they are, zipped as in the old days, and others like them.
shutil.copy("best.pt", "site/digits.pth")
with zipfile.ZipFile("site/old.zip", "w") as archive:
    archive.writestr(zipfile.ZipInfo("old.pth"), Path("best.pt").read_bytes())
with zipfile.ZipFile("best.pt") as packed, zipfile.ZipFile("site/foreign.pth", "w") as archive:
    for name in packed.namelist():
        data = packed.read(name)
        if name.endswith("/data/0"):
            data = data[4:] + data[:4]
        archive.writestr(zipfile.ZipInfo(name.replace("best/", "foreign/")), data)


class Site(SimpleHTTPRequestHandler):
    def translate_path(self, path):
        return os.path.join("site", urlsplit(path).path.lstrip("/"))

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["http_proxy"] = f"http://127.0.0.1:{server.server_port}"
os.environ.pop("no_proxy", None)


def show(title, state):
    model = network()
    model.load_state_dict(state)
    print(f"{title}: {model(torch.ones(1, 64)).sum():.5f}")


weights = "http://weights.example"
show("maker known", load_state_dict_from_url(f"{weights}/digits.pth", progress=False))
show("in the cache", load_state_dict_from_url(url=f"{weights}/digits.pth?token=abc", progress=False))
show("zipped", load_state_dict_from_url(f"{weights}/old.zip", "hub/zips", progress=False))
show(
    "maker unknown",
    load_state_dict_from_url(
        f"{weights}/foreign.pth?token=abc", file_name="mine.pth", progress=False, weights_only=True
    ),
)
for url, check in (("digits-00000000.pth", True), ("missing.pth", False)):
    shutil.copy("best.pt", "site/digits-00000000.pth")
    try:
        load_state_dict_from_url(f"{weights}/{url}", check_hash=check, progress=False)
    except (RuntimeError, HTTPError) as error:
        print(type(error).__name__, str(error)[:18], error.__context__)
print(sorted(str(path) for path in Path("hub").rglob("*")))
server.shutdown()

Path("repository").mkdir()
shutil.copy("best.pt", "repository/weights.pt")
Path("repository/hubconf.py").write_text(
    """
dependencies = ["torch"]

import os

import torch


def digits(pretrained=True):
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    if pretrained:
        model.load_state_dict(torch.load(os.path.join(os.path.dirname(__file__), "weights.pt")))
    return model
"""
)
model = torch.hub.load("repository", "digits", source="local", pretrained=True)
print(f"{model(torch.ones(1, 64)).sum():.5f}")
