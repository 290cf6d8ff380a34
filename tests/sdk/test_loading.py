"""Files that frameworks saved, loaded back with what they were saved by; what would run code doesn't."""

import argparse
import os
import re
import zipfile

import pytest

from autolog.errors import NotLoadable, Untrusted
from autolog.sdk._trust import look
from autolog.sdk.loading import load

pytestmark = pytest.mark.filterwarnings("ignore")  # frameworks warn of themselves


def loaded(path, framework, **options):
    """What loading gives for the format that is found in there."""
    return load(path, format=look(str(path)).format, framework=framework, **options)


class Exploit:
    """Pickles as a command that leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def mark(tmp_path):
    """What is left by code that was run; it must not be there in the end."""
    yield tmp_path / "mark"
    assert not (tmp_path / "mark").exists()


# -- PyTorch ------------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def net(torch):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))


def same_tensors(one, two):
    import torch

    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


in_torch = pytest.mark.xdist_group("loading-torch")


@in_torch
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_state_dict(torch, net, tmp_path, zipped, trusted):
    torch.save(net.state_dict(), tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
    found = loaded(tmp_path / "m.pt", "PyTorch", trusted=trusted)
    assert same_tensors(found, net.state_dict())


@in_torch
def test_options_go_to_torch(torch, net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "m.pt")
    assert loaded(tmp_path / "m.pt", "PyTorch", map_location="meta")["0.weight"].is_meta


@in_torch
@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_module_needs_trust(torch, net, tmp_path, zipped):
    torch.save(net, tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(Untrusted, match="add_safe_globals") as refused:
        loaded(tmp_path / "m.pt", "PyTorch")
    assert any(name.startswith("torch.nn.modules.") for name in refused.value.names)
    found = loaded(tmp_path / "m.pt", "PyTorch", trusted=True)
    assert same_tensors(found.state_dict(), net.state_dict())


@in_torch
@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_named_and_not_run(torch, net, tmp_path, mark, zipped):
    checkpoint = {"model": net.state_dict(), "x": Exploit(mark)}
    torch.save(checkpoint, tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(Untrusted, match=r"posix\.system"):
        loaded(tmp_path / "m.pt", "PyTorch")


@in_torch
def test_files_in_a_folder(torch, net, tmp_path):
    (tmp_path / "folder").mkdir()
    torch.save(net[0].state_dict(), tmp_path / "folder" / "pytorch_model.bin")
    assert same_tensors(loaded(tmp_path / "folder", "Accelerate"), net[0].state_dict())
    torch.save(net[2].state_dict(), tmp_path / "folder" / "pytorch_model_1.bin")
    found = loaded(tmp_path / "folder", "Accelerate")
    assert sorted(found) == ["pytorch_model.bin", "pytorch_model_1.bin"]
    assert same_tensors(found["pytorch_model_1.bin"], net[2].state_dict())


@in_torch
def test_torchscript(torch, net, tmp_path):
    torch.jit.script(net).save(str(tmp_path / "m.pt"))
    found = loaded(tmp_path / "m.pt", "TorchScript")
    data = torch.rand(5, 3)
    assert torch.equal(found(data), net(data))


@in_torch
@pytest.mark.parametrize("is_dynamic", [False, True])
def test_an_exported_program(torch, net, tmp_path, is_dynamic):
    shapes = {"input": {0: torch.export.Dim("batch", min=2, max=64)}} if is_dynamic else None
    program = torch.export.export(net, (torch.rand(5, 3),), dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "m.pt2")
    found = loaded(tmp_path / "m.pt2", "PyTorch")
    data = torch.rand(7 if is_dynamic else 5, 3)
    assert torch.equal(found.module()(data), net(data))
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


@in_torch
@pytest.mark.parametrize("what", ["samples", "weights", "expression"])
def test_code_in_an_exported_program_is_not_run(torch, net, tmp_path, mark, what):
    shapes = {"input": {0: torch.export.Dim("batch", min=2, max=64)}}
    program = torch.export.export(net, (torch.rand(5, 3),), dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "good.pt2")
    torch.save({"x": Exploit(mark)}, tmp_path / "evil.pt")
    with zipfile.ZipFile(tmp_path / "good.pt2") as good, zipfile.ZipFile(tmp_path / "evil.pt2", "w") as evil:
        for name in good.namelist():
            data = good.read(name)
            if what == "samples" and "sample_inputs" in name:
                data = (tmp_path / "evil.pt").read_bytes()
            elif what == "weights" and name.endswith("/weights/model_weights_config.json"):
                data = data.replace(b'"use_pickle": false', b'"use_pickle": true')
            elif what == "weights" and "/weights/weight_" in name:
                data = (tmp_path / "evil.pt").read_bytes()
            elif what == "expression" and name.endswith("/models/model.json"):
                code = f"\"expr_str\": \"__import__('os').system('touch {mark}')\""
                data = re.sub(rb'"expr_str": "[^"]*"', code.encode(), data)
            evil.writestr(name, data)
    with pytest.raises(Untrusted):
        load(tmp_path / "evil.pt2", format="torch.export", framework="PyTorch")


@in_torch
def test_a_package_needs_trust(torch, net, tmp_path):
    with torch.package.PackageExporter(tmp_path / "m.pt") as exporter:
        exporter.extern("torch.**")
        exporter.save_pickle("net", "net.pkl", net)
    with pytest.raises(Untrusted):
        loaded(tmp_path / "m.pt", "PyTorch")
    found = loaded(tmp_path / "m.pt", "PyTorch", trusted=True, package="net", resource="net.pkl")
    assert same_tensors(found.state_dict(), net.state_dict())
    assert loaded(tmp_path / "m.pt", "PyTorch", trusted=True).python_version()


@in_torch
def test_a_distributed_checkpoint_needs_trust(torch, net, tmp_path):
    import torch.distributed.checkpoint as checkpoint

    checkpoint.save(net.state_dict(), checkpoint_id=tmp_path / "folder", no_dist=True)
    with pytest.raises(Untrusted):
        loaded(tmp_path / "folder", "PyTorch")
    assert same_tensors(loaded(tmp_path / "folder", "PyTorch", trusted=True), net.state_dict())


@pytest.mark.xdist_group("loading-lightning")
def test_a_lightning_checkpoint(torch, tmp_path):
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):
        def __init__(self, width, settings=None):
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(3, width)

    plain, odd = Module(4), Module(4, argparse.Namespace(depth=Exploit("/nowhere")))
    for module, name in ((plain, "plain.ckpt"), (odd, "odd.ckpt")):
        trainer = lightning.Trainer(
            logger=False, enable_checkpointing=False, accelerator="cpu", enable_progress_bar=False
        )
        trainer.strategy.connect(module)
        trainer.save_checkpoint(tmp_path / name)
    found = loaded(tmp_path / "plain.ckpt", "Lightning")
    assert same_tensors(found["state_dict"], plain.state_dict())
    assert found["hyper_parameters"]["width"] == 4
    with pytest.raises(Untrusted, match="save_hyperparameters") as refused:
        loaded(tmp_path / "odd.ckpt", "Lightning")
    assert {"argparse.Namespace", "posix.system"} <= set(refused.value.names)


@pytest.mark.xdist_group("loading-safetensors")
def test_safetensors(torch, net, tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    save_file(net.state_dict(), tmp_path / "m.safetensors")
    assert same_tensors(loaded(tmp_path / "m.safetensors", "Safetensors"), net.state_dict())
    (tmp_path / "folder").mkdir()
    for number in (0, 2):
        state = {f"{number}.{name}": tensor for name, tensor in net[number].state_dict().items()}
        save_file(state, tmp_path / "folder" / f"model-{number}.safetensors")
    assert same_tensors(loaded(tmp_path / "folder", "Safetensors"), net.state_dict())


# -- Transformers -------------------------------------------------------------------------------------

in_transformers = pytest.mark.xdist_group("loading-transformers")


@pytest.fixture
def classifier(torch):
    transformers = pytest.importorskip("transformers")
    transformers.set_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=50, **size)).eval()


@in_transformers
@pytest.mark.parametrize("trusted", [False, True])
def test_a_folder_of_transformers_with_its_head(torch, classifier, tmp_path, trusted):
    classifier.save_pretrained(tmp_path / "folder")
    found = loaded(tmp_path / "folder", "Transformers", trusted=trusted)
    assert type(found) is type(classifier)
    assert same_tensors(found.state_dict(), classifier.state_dict())


@in_transformers
def test_a_pickle_in_a_folder_of_transformers_is_read_for_weights_alone(torch, classifier, tmp_path, mark):
    classifier.config.architectures = ["BertForSequenceClassification"]
    classifier.config.save_pretrained(tmp_path / "folder")
    torch.save(classifier.state_dict(), tmp_path / "folder" / "pytorch_model.bin")
    found = loaded(tmp_path / "folder", "Transformers")
    assert same_tensors(found.state_dict(), classifier.state_dict())
    evil = {**classifier.state_dict(), "x": Exploit(mark)}
    torch.save(evil, tmp_path / "folder" / "pytorch_model.bin")
    with pytest.raises(Untrusted, match=r"posix\.system"):
        loaded(tmp_path / "folder", "Transformers")


@in_transformers
def test_code_in_a_folder_of_transformers_is_not_run(classifier, tmp_path, mark, monkeypatch):
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    classifier.config.auto_map = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    classifier.config.model_type = "evil"
    classifier.save_pretrained(tmp_path / "folder")
    config = (tmp_path / "folder" / "config.json").read_text()
    config = config.replace('"bert"', '"evil"').replace("BertForSequenceClassification", "EvilModel")
    (tmp_path / "folder" / "config.json").write_text(config)
    (tmp_path / "folder" / "evil.py").write_text(f"open({str(mark)!r}, 'w')")
    with pytest.raises(ValueError, match="trust_remote_code"):
        loaded(tmp_path / "folder", "Transformers")


# -- Keras and TensorFlow -----------------------------------------------------------------------------

in_tensorflow = pytest.mark.xdist_group("loading-tensorflow")


@pytest.fixture
def keras():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return pytest.importorskip("keras")


@pytest.fixture
def small(keras):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.MeanSquaredError())
    return model


def same_arrays(one, two):
    import numpy as np

    return len(one) == len(two) and all(map(np.array_equal, one, two))


@in_tensorflow
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_model_of_keras(keras, small, tmp_path, suffix):
    small.save(tmp_path / f"m.{suffix}")
    found = loaded(tmp_path / f"m.{suffix}", "Keras")
    assert same_arrays(found.get_weights(), small.get_weights())
    assert found.compiled
    assert not loaded(tmp_path / f"m.{suffix}", "Keras", compile=False).compiled


@in_tensorflow
def test_weights_of_keras_need_their_model(small, tmp_path):
    small.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(NotLoadable, match="load_weights"):
        loaded(tmp_path / "m.weights.h5", "Keras")


@in_tensorflow
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_code_in_a_model_of_keras_needs_trust(keras, tmp_path, suffix):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / f"m.{suffix}")
    with pytest.raises(Untrusted, match="Lambda"):
        loaded(tmp_path / f"m.{suffix}", "Keras")
    found = loaded(tmp_path / f"m.{suffix}", "Keras", trusted=True)
    assert [type(each).__name__ for each in found.layers] == ["Lambda"]


@in_tensorflow
def test_files_of_tensorflow(tmp_path):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    tensorflow = pytest.importorskip("tensorflow")

    class Doubled(tensorflow.Module):
        def __init__(self):
            self.factor = tensorflow.Variable([2.0, 3.0])

        @tensorflow.function(input_signature=[tensorflow.TensorSpec([2], tensorflow.float32)])
        def __call__(self, data):
            return data * self.factor

    module = Doubled()
    tensorflow.saved_model.save(module, str(tmp_path / "saved"))
    found = loaded(tmp_path / "saved", "TensorFlow")
    assert found(tensorflow.ones(2)).numpy().tolist() == [2.0, 3.0]

    tensorflow.train.Checkpoint(module=module).write(str(tmp_path / "ckpt"))
    reader = loaded(tmp_path / "ckpt", "TensorFlow")
    assert reader.get_tensor("module/factor/.ATTRIBUTES/VARIABLE_VALUE").tolist() == [2.0, 3.0]

    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions(
        [module.__call__.get_concrete_function()], module
    )
    (tmp_path / "m.tflite").write_bytes(converter.convert())
    interpreter = loaded(tmp_path / "m.tflite", "TensorFlow_Lite", num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensorflow.ones(2).numpy())
    interpreter.invoke()
    assert interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist() == [2.0, 3.0]


# -- trees, estimators and the others -----------------------------------------------------------------

in_trees = pytest.mark.xdist_group("loading-trees")


@pytest.fixture
def wine():
    return pytest.importorskip("sklearn.datasets").load_wine(return_X_y=True)


@in_trees
@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_xgboost(wine, tmp_path, suffix):
    xgboost = pytest.importorskip("xgboost")
    data, target = wine
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(data, target)
    path = tmp_path / f"m.{suffix}"
    model.save_model(path)
    booster = loaded(path, "XGBoost")
    assert type(booster) is xgboost.Booster
    assert same_arrays(
        booster.predict(xgboost.DMatrix(data)), model.get_booster().predict(xgboost.DMatrix(data))
    )
    found = loaded(path, "XGBoost", model_type="xgboost.sklearn.XGBClassifier", n_jobs=1)
    assert type(found) is xgboost.XGBClassifier
    assert same_arrays(found.predict_proba(data), model.predict_proba(data))


@in_trees
def test_lightgbm(wine, tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    data, target = wine
    settings = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(data, target), num_boost_round=3)
    booster.save_model(tmp_path / "m.txt")
    assert same_arrays(loaded(tmp_path / "m.txt", "LightGBM").predict(data), booster.predict(data))


@in_trees
@pytest.mark.parametrize("suffix", ["cbm", "json"])
def test_catboost(wine, tmp_path, suffix):
    catboost = pytest.importorskip("catboost")
    data, target = wine
    model = catboost.CatBoostClassifier(
        iterations=3, depth=2, thread_count=1, verbose=False, allow_writing_files=False
    )
    model.fit(data, target)
    path = tmp_path / f"m.{suffix}"
    model.save_model(str(path), format=suffix)
    found = loaded(path, "CatBoost")
    assert type(found) is catboost.CatBoost
    found = loaded(path, "CatBoost", model_type="catboost.core.CatBoostClassifier")
    # As JSON it rounds.
    assert found.predict_proba(data) == pytest.approx(model.predict_proba(data), abs=1e-6)


class Mine:
    """A class that skops doesn't know."""

    def __init__(self):
        self.weight = 1.5


@in_trees
def test_skops(wine, tmp_path):
    io = pytest.importorskip("skops.io")
    from sklearn.linear_model import LogisticRegression

    data, target = wine
    model = LogisticRegression(max_iter=20).fit(data, target)
    io.dump(model, tmp_path / "m.skops")
    assert same_arrays(loaded(tmp_path / "m.skops", "ScikitLearn").predict(data), model.predict(data))
    io.dump(Mine(), tmp_path / "mine.skops")
    with pytest.raises(Untrusted, match=r"\.Mine") as refused:
        loaded(tmp_path / "mine.skops", "ScikitLearn")
    assert refused.value.names == (f"{Mine.__module__}.Mine",)


@in_trees
@pytest.mark.parametrize("compress", [0, 3])
def test_joblib_needs_trust(wine, tmp_path, mark, compress):
    joblib = pytest.importorskip("joblib")
    from sklearn.ensemble import RandomForestClassifier

    data, target = wine
    model = RandomForestClassifier(n_estimators=3, random_state=0).fit(data, target)
    joblib.dump(model, tmp_path / "m.joblib", compress=compress)
    with pytest.raises(Untrusted, match="trusted=True"):
        loaded(tmp_path / "m.joblib", "ScikitLearn")
    found = loaded(tmp_path / "m.joblib", "ScikitLearn", trusted=True)
    assert same_arrays(found.predict_proba(data), model.predict_proba(data))
    joblib.dump([model, Exploit(mark)], tmp_path / "evil.joblib", compress=compress)
    with pytest.raises(Untrusted, match=r"posix\.system"):
        loaded(tmp_path / "evil.joblib", "ScikitLearn")


@pytest.mark.xdist_group("loading-onnx")
def test_onnx(tmp_path):
    onnx = pytest.importorskip("onnx")
    import numpy as np

    helper = onnx.helper
    weights = onnx.numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 2])],
        [weights],
    )
    model = helper.make_model(graph)
    onnx.save(model, tmp_path / "m.onnx")
    assert loaded(tmp_path / "m.onnx", "ONNX") == model


@pytest.mark.xdist_group("loading-fastai")
def test_an_exported_learner_needs_trust(torch, tmp_path):
    pytest.importorskip("fastai")
    os.environ["MPLBACKEND"] = "agg"
    import pandas as pd
    from fastai.learner import Learner
    from fastai.tabular.all import TabularPandas, tabular_learner

    table = pd.DataFrame({"width": [float(each) for each in range(10)], "weight": [0.5] * 10})
    splits = (list(range(8)), [8, 9])
    data = TabularPandas(table, cont_names=["width"], y_names="weight", splits=splits)
    learner = tabular_learner(data.dataloaders(bs=4, device="cpu"), layers=[4], path=tmp_path)
    learner.export("m.pkl")
    learner.save("m")
    with pytest.raises(Untrusted):
        loaded(tmp_path / "m.pkl", "fastai")
    found = loaded(tmp_path / "m.pkl", "fastai", trusted=True)
    assert isinstance(found, Learner)
    assert same_tensors(found.model.state_dict(), learner.model.state_dict())
    state = loaded(tmp_path / "models" / "m.pth", "fastai")
    assert same_tensors(state["model"], learner.model.state_dict())


@pytest.mark.xdist_group("loading-megengine")
def test_megengine_needs_trust(tmp_path):
    megengine = pytest.importorskip("megengine")
    layer = megengine.module.Linear(3, 2)
    megengine.save(layer.state_dict(), str(tmp_path / "m.mge"))
    with pytest.raises(Untrusted):
        loaded(tmp_path / "m.mge", "MegEngine")
    found = loaded(tmp_path / "m.mge", "MegEngine", trusted=True)
    assert found["weight"].tolist() == layer.state_dict()["weight"].tolist()
