"""Whether two files of these scripts hold the same: a `.keras` file has the time in it."""

import io
import json
import os
import re
import sys
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import numpy as np

#: Graphs of an export, in which names, times and versions differ; its variables are files of their own.
EXPORTED = ("fingerprint.pb", "saved_model.pb")


def arrays(file):
    """Every dataset of an HDF5 file."""
    found = {}
    with h5py.File(file, "r") as opened:
        opened.visititems(
            lambda name, node: found.update({name: node[()]} if isinstance(node, h5py.Dataset) else {})
        )
    return found


def same_arrays(one, two):
    return list(one) == list(two) and all(np.array_equal(one[name], two[name]) for name in one)


def timeless(text):
    """JSON without what says when; the ids of shared objects are addresses."""
    return json.dumps(json.loads(text, object_hook=_without), sort_keys=True)


def _without(found):
    return {
        name: value
        for name, value in found.items()
        if name not in ("date_saved", "shared_object_id", "build_config")
    }


def same_zips(one, two):
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(two) as second:
        if first.namelist() != second.namelist():
            return False
        for name in first.namelist():
            pair = [archive.read(name) for archive in (first, second)]
            if name.endswith(".h5"):
                if not same_arrays(*(arrays(io.BytesIO(data)) for data in pair)):
                    return False
            elif timeless(pair[0]) != timeless(pair[1]):
                return False
    return True


def variables(path):
    """The values of a SavedModel's variables; their names and order are the graph's."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(re.sub(r"\.(index|data-\S+)$", "", path))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return sorted(np.asarray(reader.get_tensor(name)).tobytes() for name in names)


def equal(one, two):
    if os.path.basename(one).startswith("variables."):
        return variables(one) == variables(two)
    if os.path.isdir(one):
        return True
    if os.path.basename(one) in EXPORTED or one.endswith((".tflite", ".onnx", ".pt2")):
        return abs(os.path.getsize(one) - os.path.getsize(two)) <= os.path.getsize(one) // 10
    if one.endswith(".keras"):
        return same_zips(one, two)
    if one.endswith(".h5"):
        return same_arrays(arrays(one), arrays(two))
    with open(one, encoding="utf-8") as first, open(two, encoding="utf-8") as second:
        return timeless(first.read()) == timeless(second.read())


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    if not equal(path, other):
        print(path)
