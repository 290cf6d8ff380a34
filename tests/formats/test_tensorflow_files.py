"""Files that TensorFlow wrote, compared with what TensorFlow lists."""

from __future__ import annotations

import os
import warnings

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    tf = pytest.importorskip("tensorflow")

from autolog.formats import Contents

pytestmark = pytest.mark.filterwarnings("ignore")

TYPES = "float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64"


def checkpoint(tmp_path, variables):
    return tf.train.Checkpoint(**variables).write(str(tmp_path / "ckpt"))


def index(prefix):
    with open(f"{prefix}.index", "rb") as file:
        return file.read()


def listed(prefix):
    """What TensorFlow says: shape and type of every variable."""
    reader = tf.train.load_checkpoint(prefix)
    kinds = reader.get_variable_to_dtype_map()
    shapes = reader.get_variable_to_shape_map()
    return {name: (tuple(shapes[name]), kinds[name].name.replace("string", "object")) for name in shapes}


def named(contents):
    return {row.name: (row.shape, row.dtype) for row in contents.tensors}


def test_every_type(look, tmp_path):
    variables = {name: tf.Variable(tf.zeros((2, 3), name)) for name in TYPES.split()}
    variables["scalar"] = tf.Variable(1.0)
    variables["empty"] = tf.Variable(tf.zeros((0, 4)))
    prefix = checkpoint(tmp_path, variables)
    for name in ("ckpt.index", "", "weights.bin"):
        found = look(index(prefix), name)
        assert found.format == "TensorFlow checkpoint"
        assert named(found) == listed(prefix)
    assert found.parameters == len(TYPES.split()) * 6 + 1


def test_many_variables(look, tmp_path):
    prefix = checkpoint(tmp_path, {f"layer_{n}_with_a_long_name": tf.Variable(float(n)) for n in range(700)})
    assert named(look(index(prefix))) == listed(prefix)


def test_optimizers_and_counters_are_not_counted(look, tmp_path):
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(4)])
    model.compile("adam", "mse")
    model.fit(tf.zeros((4, 3)), tf.zeros((4, 4)), verbose=0)
    made = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    prefix = made.save(str(tmp_path / "ckpt"))
    found = look(index(prefix))
    assert named(found) == listed(prefix)
    assert found.parameters == model.count_params()


def test_the_names_of_tensorflow_1(look, tmp_path):
    with tf.Graph().as_default():
        tf1 = tf.compat.v1
        weights = tf1.get_variable("dense/kernel", (3, 4))
        tf1.get_variable("dense/kernel/Adam", (3, 4))
        tf1.get_variable("dense/kernel/Adam_1", (3, 4))
        tf1.get_variable("beta1_power", ())
        tf1.train.create_global_step()
        split = tf1.get_variable("split", (10, 2), partitioner=tf1.fixed_size_partitioner(3))
        saver = tf1.train.Saver()
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            prefix = saver.save(session, str(tmp_path / "old"), write_meta_graph=False)
        assert split is not None
    found = look(index(prefix))
    assert named(found) == listed(prefix)
    assert found.parameters == weights.shape.num_elements() + 20


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    class Module(tf.Module):
        def __init__(self):
            self.weights = tf.Variable(tf.zeros((3, 4)))

        @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, "features")])
        def __call__(self, features):
            return {"scores": features @ self.weights}

    folder = tmp_path_factory.mktemp("exported")
    module = Module()
    tf.saved_model.save(module, str(folder), signatures={"predict": module.__call__})
    return folder


def test_signatures_of_a_saved_model(look, exported):
    data = (exported / "saved_model.pb").read_bytes()
    found = look(data, "saved_model.pb")
    assert found.format == "SavedModel"
    assert found.details["tensorflow_version"] == tf.__version__
    assert found.details["tags"] == ["serve"]
    assert found.details["signatures"]["predict"] == {
        "inputs": ["features: float32[?, 3]"],
        "outputs": ["scores: float32[?, 4]"],
    }
    assert '"MatMul": ' in found.design


def test_truncated_saved_models(any_outcome, exported):
    data = (exported / "saved_model.pb").read_bytes()
    for length in range(0, len(data), 97):
        assert isinstance(any_outcome(data[:length], "saved_model.pb"), str), length


def test_truncated_indexes(any_outcome, tmp_path):
    data = index(checkpoint(tmp_path, {"a": tf.Variable(1.0), "b": tf.Variable([2.0])}))
    for length in range(len(data)):
        # The end of the file is what tells the format.
        assert any_outcome(data[:length]) is None
        found = any_outcome(data[:length] + data[-48:])
        assert length >= len(data) - 64 or not isinstance(found, Contents) or not found.tensors, length


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    layers = tf.keras.layers
    stack = [layers.Conv2D(4, 3), layers.ReLU(6.0), layers.Flatten(), layers.Dense(5)]
    model = tf.keras.Sequential([tf.keras.Input((8, 8, 3)), *stack])
    return tf.lite.TFLiteConverter.from_keras_model(model).convert(), model


def test_tflite(look, lite):
    data, model = lite
    for name in ("m.tflite", ""):
        found = look(data, name)
        assert found.format == "TFLite"
        rows = {row.name: (row.shape, row.dtype) for row in found.tensors}
        interpreter = tf.lite.Interpreter(model_content=data)
        known = {
            row["name"]: (tuple(row["shape"].tolist()), row["dtype"].__name__)
            for row in interpreter.get_tensor_details()
        }
        assert rows.items() <= known.items()
        kernels = {tuple(weight.shape) for weight in model.weights}
        assert {(5, 144)} <= {row.shape for row in found.tensors}
        assert len(kernels) <= len(found.tensors)
        ends = interpreter.get_input_details()[0]
        assert found.details["inputs"] == [f"{ends['name']}: float32{ends['shape'].tolist()}"]
        assert '"CONV_2D": 1' in found.design
        assert '"FULLY_CONNECTED": 1' in found.design


def test_truncated_tflite(any_outcome, lite):
    data, _ = lite
    for length in range(8, len(data), 13):
        any_outcome(data[:length])
