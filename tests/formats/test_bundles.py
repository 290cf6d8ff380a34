"""Several files that are one snapshot."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from functools import partial

import pytest

from autolog.errors import UnreadableWeights
from autolog.formats import Contents, inspect_bundle

core = pytest.mark.core


def safetensors(**shapes):
    entries, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * at


def merged(files):
    """Looks into files in memory."""
    return inspect_bundle([(name, partial(io.BytesIO, data)) for name, data in files.items()])


def folder(path):
    """Looks into the files of a folder."""
    found = [
        (os.path.relpath(os.path.join(root, name), path), partial(open, os.path.join(root, name), "rb"))
        for root, _, names in os.walk(path)
        for name in names
    ]
    return inspect_bundle(found)


class Exploit:
    def __reduce__(self):
        return os.system, ("true",)


def index(total=48):
    return json.dumps({"metadata": {"total_size": total}, "weight_map": {"a": "m-1.safetensors"}}).encode()


@core
def test_what_is_no_part_of_the_weights_adds_nothing_but_what_it_could_run():
    files = {
        "a.safetensors": safetensors(w=(2, 3)),
        "old.safetensors": safetensors(v=(5,)),
        "x.pkl": pickle.dumps(Exploit()),
    }
    named = [(name, partial(io.BytesIO, data)) for name, data in files.items()]
    found = inspect_bundle(named, aside={"old.safetensors", "x.pkl"})
    assert found is not None
    assert (found.parameters, [each.name for each in found.tensors]) == (6, ["w"])
    assert found.details["weights_files"] == ["a.safetensors"]
    assert [danger.partition(":")[0] for danger in found.dangerous] == ["x.pkl"]


@core
def test_nothing_that_is_known():
    assert inspect_bundle([]) is None
    assert merged({"a.txt": b"text", "b.json": b"{}"}) is None


@core
def test_shards():
    files = {
        "m-1.safetensors": safetensors(a=(2, 3)),
        "m-2.safetensors": safetensors(b=(6,)),
        "model.safetensors.index.json": index(),
    }
    found = merged(files)
    assert found.format == "safetensors (2 files)"
    assert [(row.name, row.shape) for row in found.tensors] == [("a", (2, 3)), ("b", (6,))]
    assert found.parameters == 12
    assert found.details["total_size"] == 48
    assert found.details["weights_files"] == ["m-1.safetensors", "m-2.safetensors"]
    assert found.details["file_count"] == 3


@core
def test_the_order_of_the_files_does_not_matter():
    files = {"b.safetensors": safetensors(b=(6,)), "a.safetensors": safetensors(a=(2,)), "config.json": b"{}"}
    assert merged(files) == merged(dict(reversed(files.items())))


@core
def test_hugging_face_config():
    config = {
        "model_type": "bert",
        "architectures": ["BertForX"],
        "id2label": {"0": "no", "1": "yes"},
        "label2id": {"no": 0, "yes": 1},
    }
    text = json.dumps(config)
    found = merged({"config.json": text.encode(), "model.safetensors": safetensors(a=(2,))})
    assert found.format == "Hugging Face model"
    assert found.design == text
    assert found.labels == {"no": 0, "yes": 1}
    assert found.details["architectures"] == ["BertForX"]
    assert found.details["model_type"] == "bert"


@core
@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, {}),
        ({"id2label": {"0": "cat", "1": "dog"}}, {"cat": 0, "dog": 1}),
        ({"label2id": {"LABEL_0": 0, "cat": 1}}, {"LABEL_0": 0, "cat": 1}),
        ({"label2id": {"a": "x", "b": None, "c": 1.5, "d": True, "e": "3"}}, {"e": 3}),
        ({"label2id": ["a"]}, {}),
        ({"id2label": {"9" * 5000: "a"}}, {}),
    ],
)
def test_labels(config, labels):
    text = json.dumps({"model_type": "x", **config}).encode()
    assert merged({"config.json": text, "m.safetensors": safetensors(a=(1,))}).labels == labels


@core
def test_what_could_run_is_told_of_every_file():
    danger = pickle.dumps({"x": Exploit()})
    found = merged(
        {
            "a/m.pkl": danger,
            "optimizer.pt": danger,
            "training_args.bin": danger,
            "w.safetensors": safetensors(a=(1,)),
        }
    )
    assert sorted(found.dangerous) == [
        "a/m.pkl: posix.system",
        "optimizer.pt: posix.system",
        "training_args.bin: posix.system",
    ]


@core
def test_parts_in_folders_keep_their_names_apart():
    found = merged(
        {
            "unet/model.safetensors": safetensors(weight=(2,)),
            "vae/model.safetensors": safetensors(weight=(3,)),
            "vae/config.json": b'{"_class_name": "Vae"}',
            "model_index.json": b'{"_class_name": "Pipeline"}',
        }
    )
    assert [row.name for row in found.tensors] == ["unet/weight", "vae/weight"]
    assert found.parameters == 5
    assert found.details["_class_name"] == "Pipeline"


@core
def test_the_same_weights_in_two_formats_count_once():
    data = safetensors(a=(2, 3))
    assert merged({"a.safetensors": data, "b.safetensors": data}).parameters == 6


@core
def test_a_trainer_tells_the_step():
    state = json.dumps({"global_step": 500, "epoch": 1.5, "log_history": [float("nan")]}).encode()
    found = merged({"trainer_state.json": state, "model.safetensors": safetensors(a=(1,))})
    assert (found.details["global_step"], found.details["epoch"]) == (500, 1.5)
    state = b'{"global_step": NaN, "epoch": 1e999}'
    assert "epoch" not in merged({"trainer_state.json": state, "m.safetensors": safetensors(a=(1,))}).details


@core
def test_one_unreadable_file_among_others():
    found = merged({"a.safetensors": safetensors(a=(1,)), "b.safetensors": safetensors(b=(9,))[:-1]})
    assert found.parameters == 1
    assert list(found.details["unreadable"]) == ["b.safetensors"]


@core
def test_nothing_but_unreadable_files():
    with pytest.raises(UnreadableWeights, match=r"^b\.safetensors: "):
        merged({"b.safetensors": safetensors(b=(9,))[:-1], "config.json": b'{"model_type": "x"}'})


@core
def test_files_that_are_gone():
    def gone():
        raise OSError("it is another file by now")

    good = partial(io.BytesIO, safetensors(a=(1,)))
    found = inspect_bundle([("a.safetensors", good), ("b.safetensors", gone)])
    assert "another file" in found.details["unreadable"]["b.safetensors"]
    with pytest.raises(UnreadableWeights):
        inspect_bundle([("b.safetensors", gone)])


@core
def test_many_files_and_tensors_are_bounded(monkeypatch):
    monkeypatch.setattr("autolog.formats.bundles._MOST_FILES", 3)
    files = {f"{n}.safetensors": safetensors(**{f"w{n}": (1,)}) for n in range(5)}
    found = merged(files)
    assert len(found.tensors) == 3
    assert "incomplete" in found.details
    monkeypatch.setattr("autolog.formats.bundles._LONGEST", -1.0)
    assert merged(files) is None


@core
def test_tensors_of_all_files_are_bounded(monkeypatch):
    monkeypatch.setattr("autolog.formats.bundles.MOST_TENSORS", 4)
    files = {f"{n}.safetensors": safetensors(**{f"w{n}{m}": (1,) for m in range(3)}) for n in range(3)}
    found = merged(files)
    assert len(found.tensors) == 4
    assert "incomplete" in found.details


@core
@pytest.mark.parametrize(
    "config", [b"", b"[]", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b'{"model_type": 3}']
)
def test_strange_configs(config):
    files = {"config.json": config, "trainer_state.json": config, "m.safetensors": safetensors(a=(1,))}
    assert isinstance(merged(files), Contents)


@pytest.mark.filterwarnings("ignore")
def test_distributed_checkpoints(tmp_path):
    torch = pytest.importorskip("torch")
    import torch.distributed.checkpoint as dcp

    state = {"model": {"w": torch.zeros(3, 4)}, "extra": Exploit()}
    dcp.save(state, checkpoint_id=str(tmp_path))
    found = folder(tmp_path)
    assert found.format == "torch.distributed checkpoint"
    assert [(row.name, row.shape) for row in found.tensors] == [("model.w", (3, 4))]
    # The pickle lies somewhere in the data file: only the metadata tell where.
    assert any(danger == "__0_0.distcp: posix.system" for danger in found.dangerous)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("size", ["5KB", "5GB"])
def test_what_transformers_saves(tmp_path, size):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        vocab_size=50,
        label2id={"bad": 0, "good": 1},
        id2label={0: "bad", 1: "good"},
    )
    model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(tmp_path, max_shard_size=size)
    found = folder(tmp_path)
    assert found.format == "Hugging Face model"
    assert {row.name: row.shape for row in found.tensors} == {
        name: tuple(value.shape) for name, value in model.named_parameters()
    }
    assert found.parameters == model.num_parameters()
    assert found.labels == {"bad": 0, "good": 1}
    assert found.details["architectures"] == ["BertForSequenceClassification"]


@pytest.mark.filterwarnings("ignore")
def test_tensorflow_folders(tmp_path):
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    module.w = tf.Variable(tf.zeros((3, 4)))
    module.f = tf.function(lambda x: x @ module.w, input_signature=[tf.TensorSpec((None, 3))])
    tf.saved_model.save(module, str(tmp_path / "saved"))
    found = folder(tmp_path / "saved")
    assert found.format == "SavedModel"
    assert found.parameters == 12
    assert found.details["tags"] == ["serve"]
    assert '"MatMul"' in found.design
    tf.train.Checkpoint(m=module).save(str(tmp_path / "ck" / "ckpt"))
    found = folder(tmp_path / "ck")
    assert found.format == "TensorFlow checkpoint"
    assert found.parameters == 12


@pytest.mark.filterwarnings("ignore")
def test_keras_shards(tmp_path):
    pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(40), keras.layers.Dense(50)])
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=0.00001)
    found = folder(tmp_path)
    assert found.format.startswith("Keras weights")
    assert found.parameters == model.count_params()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_folders(tmp_path):
    pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "m", zipped=False)
    found = folder(tmp_path / "m")
    assert found.format == "Keras"
    assert found.parameters == model.count_params()
    assert found.details["class"] == "Sequential"
    assert json.loads(found.design)["config"]["layers"][1]["class_name"] == "Dense"
    assert found.dangerous == ("config.json: keras.layers.Lambda",)


@core
def test_archives_in_archives_that_are_cut_off():
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as made:
        made.writestr("a/data.pkl", pickle.dumps({"epoch": 1}, 2))
    with zipfile.ZipFile(outer, "w") as made:
        made.writestr("m/archive_format", "pt2")
        made.writestr("m/data/sample_inputs/model.pt", inner.getvalue())
    data = outer.getvalue()
    cut = data[: data.rindex(b"PK\x05\x06", 0, -30) + 22]
    with pytest.raises(UnreadableWeights, match="truncated"):
        merged({"m.pt": cut})
