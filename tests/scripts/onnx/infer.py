"""Runs what train.py has exported with ONNX's reference implementation; knows nothing of torch."""

import io
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

samples = np.linspace(-1, 1, 39, dtype="float32").reshape(3, 13)


def show(title, model):
    session = ReferenceEvaluator(model)
    name = session.input_names[0]
    print(title, [session.run(None, {name: each[None]})[0].argmax(1).tolist() for each in samples])


shutil.copy("out/wines_epoch1.onnx", "served.onnx")
shutil.copytree("out/apart", "copied")
show("a copy", onnx.load("served.onnx"))
show("with weights apart", onnx.load(Path("copied/dynamo.onnx")))
show("with weights under another name", onnx.load("out/apart/named.onnx"))
show("whole", onnx.load_model("out/whole.onnx", load_external_data=False))
with open("out/file.onnx", "rb") as file:
    show("an open file", onnx.load(file))
show("in memory", onnx.load(io.BytesIO(Path("out/from_buffer.onnx").read_bytes())))
