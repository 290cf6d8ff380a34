"""Models that Keras saved, compared with what Keras says of them."""

from __future__ import annotations

import io
import json
import os
import zipfile

import pytest
from later import IN_ONE_WORKER, Later, needs

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

pytestmark = [
    needs("numpy", "tensorflow", "keras"),
    IN_ONE_WORKER,
    pytest.mark.filterwarnings("ignore"),
]
keras, np = Later("keras"), Later("numpy")


def build(**options):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="stem"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(3, **options),
        ],
        name="tiny",
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((4, 8, 8, 3)), np.zeros((4, 3)), verbose=0)
    return model


@pytest.fixture(scope="module")
def model():
    return build()


def saved(made, tmp_path, name):
    path = tmp_path / name
    (made.save_weights if ".weights." in name else made.save)(path)
    return path.read_bytes()


def shapes(made):
    return sorted(tuple(weight.shape) for weight in made.weights)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
@pytest.mark.parametrize("renamed", ["", "model.pkl"])
def test_weights(look, model, tmp_path, name, renamed):
    found = look(saved(model, tmp_path, name), renamed or name)
    assert found.format == {"m.keras": "Keras", "m.h5": "Keras HDF5", "m.weights.h5": "Keras weights"}[name]
    assert found.parameters == model.count_params()
    mine = [row for row in found.tensors if not row.name.startswith("optimizer")]
    assert sorted(row.shape for row in mine if "seed" not in row.name) == shapes(model)
    assert len(found.tensors) - len(mine) == len(model.optimizer.variables)
    assert {row.dtype for row in mine} == {"float32"}
    assert found.dangerous == ()


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_design_and_facts(look, tmp_path, name):
    # A model of its own: saving as .h5 makes Keras forget the optimizer in later .keras files.
    found = look(saved(build(), tmp_path, name), name)
    design = json.loads(found.design)
    assert design["class_name"] == "Sequential"
    kinds = [layer["class_name"] for layer in design["config"]["layers"]]
    assert kinds == ["InputLayer", "Conv2D", "BatchNormalization", "Dropout", "Flatten", "Dense"]
    details = found.details
    assert details["keras_version"] == keras.__version__
    assert (details["class"], details["name"], details["layers"]) == ("Sequential", "tiny", 6)
    assert (details["loss"], details["optimizer"]) == ("mse", "Adam")
    assert details["learning_rate"] == pytest.approx(0.001)


def test_types_that_hdf5_lacks(look, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype="bfloat16")])
    found = look(saved(model, tmp_path, "m.keras"))
    assert [row.dtype for row in found.tensors] == ["bfloat16"] * 2
    assert found.parameters == 8


def test_code_in_a_layer_is_told(look, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(1)])
    for name in ("m.keras", "m.h5"):
        assert "keras.layers.Lambda" in look(saved(model, tmp_path, name)).dangerous


def altered(data, name, change):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, change(old.read(entry)) if entry == name else old.read(entry))
    return out.getvalue()


def test_a_function_of_another_module_is_told(look, model, tmp_path):
    hostile = json.dumps({"module": "os", "class_name": "system", "config": {"x": 1}}).encode()
    found = look(altered(saved(model, tmp_path, "m.keras"), "config.json", lambda _: hostile))
    assert found.dangerous == ("os.system",)


@pytest.mark.parametrize("inside", [b"", b"{", b"[" * 100_000, b"\xff" * 20, b"null", b'{"config": 3}'])
def test_strange_json(any_outcome, model, tmp_path, inside):
    data = saved(model, tmp_path, "m.keras")
    for name in ("config.json", "metadata.json"):
        any_outcome(altered(data, name, lambda _: inside))


def test_compressed_archives(look, model, tmp_path):
    data = saved(model, tmp_path, "m.keras")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, old.read(entry))
    one, other = look(data), look(out.getvalue())
    assert one == other


def test_bombs(any_outcome):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("metadata.json", "{}")
        made.writestr("config.json", b" " * (200 << 20))
    assert "expands" in any_outcome(out.getvalue())


def test_names_listed_twice(any_outcome, model, tmp_path):
    out = io.BytesIO(saved(model, tmp_path, "m.keras"))
    with zipfile.ZipFile(out, "a") as made:
        made.writestr("config.json", "{}")
    assert "twice" in any_outcome(out.getvalue())


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_truncated_files(any_outcome, model, tmp_path, name):
    data = saved(model, tmp_path, name)
    for length in range(8, len(data), 397):
        assert isinstance(any_outcome(data[:length]), str), length
    assert isinstance(any_outcome(data[:-1]), str)
