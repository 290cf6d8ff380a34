"""Is it a model? What people really save, made by the real frameworks; and what cached data look like."""

from __future__ import annotations

import argparse
import collections
import copy
import datetime as dt
import gc
import importlib
import random
from typing import Any

import pytest
from later import IN_ONE_WORKER, Later, needs

from autolog.hooks import sort
from autolog.patching.calls import Origins

pytestmark = [needs("numpy", "torch"), IN_ONE_WORKER]
np, nn, torch = Later("numpy"), Later("torch.nn"), Later("torch")


@pytest.fixture(autouse=True, scope="module")
def _few_objects() -> None:
    """Collections look through what these tests make, not through all that a worker has imported."""
    importlib.import_module("torch")
    gc.freeze()


def scaled() -> Any:
    """Parameters that no layer calls by these names."""
    module = nn.Module()
    module.scale = nn.Parameter(torch.ones(3))
    module.shift = nn.Parameter(torch.zeros(3))
    return module


def network() -> Any:
    """A small network with every kind of name."""
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.LSTM(3, 2))


def noted(module: Any) -> Origins:
    """What is known once a state dict of this module was asked for, and is gone again."""
    origins = Origins()
    origins.note(module.state_dict(), module)
    gc.collect()
    return origins


def options(count: int = 100) -> dict[str, Any]:
    """What people write beside a model: all that they could have chosen."""
    kinds = (int, float, str, bool)
    return {f"option_{number}": kinds[number % 4](number) for number in range(count)}


class Settings:
    """Of a class that no rule knows."""


def own_scheduler() -> Any:
    """One that keeps more than PyTorch's do: settings, and rates on the device."""
    optimizer = torch.optim.SGD(network().parameters(), lr=torch.tensor(0.1))
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9)
    scheduler.settings = Settings()
    scheduler.rates = [torch.ones(1)]
    return scheduler


# -- models -----------------------------------------------------------------------------------------

MODELS = {
    "module": network,
    "state dict": lambda: network().state_dict(),
    "copy of a state dict": lambda: dict(network().state_dict()),
    "of one layer": lambda: dict(nn.Linear(2, 2).state_dict()),
    "of an LSTM": lambda: {k: v.clone() for k, v in nn.LSTM(2, 2, bidirectional=True).state_dict().items()},
    "of attention": lambda: {"in_proj_weight": torch.ones(3, 3), "in_proj_bias": torch.ones(3)},
    "half precision": lambda: {key: value.half() for key, value in network().state_dict().items()},
    "as arrays": lambda: {key: value.numpy().copy() for key, value in network().state_dict().items()},
    "named parameters": lambda: dict(scaled().named_parameters()),
    "list of parameters": lambda: list(scaled().parameters()),
    "lone parameter": lambda: scaled().scale,
    "Keras' names": lambda: {"dense/kernel:0": np.ones(3), "dense/bias:0": np.ones(3)},
    "Flax' names": lambda: {"params": {"Dense_0.kernel": np.ones(3), "Dense_0.bias": np.ones(3)}},
    "adapter": lambda: {"base.q_proj.lora_A": torch.ones(2), "base.q_proj.lora_B": torch.ones(2)},
    "called a state dict": lambda: {"state_dict": {"scale": torch.ones(3)}, "epoch": 3},
    "moving averages": lambda: {"decay": 0.999, "num_updates": 3, "shadow_params": [torch.ones(3)]},
    "averages by name": lambda: {"decay": 0.99, "shadow": {"layer.weight": torch.ones(3)}},
    "checkpoint": lambda: {"epoch": 3, "net": network().state_dict(), "args": argparse.Namespace(lr=0.1)},
    "checkpoint with data in front": lambda: {
        "history": [[{"loss": [float(i) for i in range(200)]} for _ in range(100)] for _ in range(100)],
        "batches": [{"x": torch.ones(3), "y": torch.ones(3)} for _ in range(500)],
        "net": network().state_dict(),
    },
    "behind its options": lambda: {**options(300), "model": dict(network().state_dict())},
    "module behind its options": lambda: {**options(64), "state_dict": network()},
    "flat behind its options": lambda: {**options(200), **network().state_dict()},
    "called a state dict, behind options": lambda: {**options(), "state_dict": {"scale": torch.ones(3)}},
    "called a state dict, beside an optimizer": lambda: {
        "optimizer": torch.optim.Adam(network().parameters()).state_dict(),
        "state_dict": {"scale": torch.ones(3)},
    },
    "options with lists among them": lambda: {
        **options(700),
        **{f"layers_{number}": [number] for number in range(30)},
        **{f"further_{name}": value for name, value in options(700).items()},
        "model": dict(network().state_dict()),
    },
    "options behind data": lambda: {
        "batches": [{"x": torch.ones(3), "y": [1.0] * 900} for _ in range(500)],
        "saved": {**options(100), "model": dict(network().state_dict())},
    },
    "behind numbers": lambda: (*range(100), network()),
    "beside early stopping": lambda: {"model": network().state_dict(), "last_epoch": 7, "num_bad_epochs": 2},
    "flat beside early stopping": lambda: {"last_epoch": 7, "num_bad_epochs": 2, **network().state_dict()},
    "beside a scaler": lambda: {
        "net": dict(network().state_dict()),
        "scale": 65536.0,
        "growth_factor": 2.0,
        "growth_interval": 2000,
    },
    "pair": lambda: (network().state_dict(), network().state_dict()),
    "nested": lambda: {"fold": [{"model": {"net": network()}}]},
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_is_a_model(make: Any) -> None:
    verdict = sort(make())
    assert verdict.rule is None
    assert verdict.model_type


@pytest.mark.parametrize(
    ("make", "framework"),
    [
        (lambda: {"a.weight": torch.ones(2)}, "PyTorch"),
        (lambda: {"a.weight": np.ones(2)}, None),
        (lambda: {"step": 3, "shadow_params": [torch.ones(2)], "decay": 0.9}, "PyTorch"),
    ],
    ids=["tensors", "arrays", "averages"],
)
def test_framework_of_tensors(make: Any, framework: str | None) -> None:
    assert sort(make()).framework == framework


# -- storage shared with a module that is alive -----------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda module: dict(module.state_dict()),
        lambda module: {"a": module.scale.data, "b": module.shift.detach()},
        lambda module: {"gain": module.scale.detach()[:2], "epoch": 2},
        lambda module: {**options(), "gain": module.scale.detach()},
    ],
    ids=["state dict", "detached", "views", "behind options"],
)
def test_shares_storage_with_a_living_parameter(make: Any) -> None:
    module = scaled()
    saved = make(module)
    assert sort(saved).rule == "array"
    verdict = sort(saved, noted(module))
    assert (verdict.rule, verdict.framework) == (None, "PyTorch")
    assert verdict.subject is module
    inner = sort({"saved": saved}, noted(module))
    assert inner.subject is module


def test_what_shares_no_storage_is_data() -> None:
    module = scaled()
    origins = noted(module)
    for saved in (
        {"scale": module.scale.detach().clone()},
        {"x": torch.ones(3), "y": torch.zeros(3)},
        {"x": torch.ones(3).to_sparse()},
        {"x": torch.empty(3, device="meta")},
    ):
        assert sort(saved, origins).rule == "array"


def test_modules_are_remembered_weakly_and_few() -> None:
    origins = Origins()
    modules = [scaled() for _ in range(10)]
    for module in modules:
        origins.note(module.state_dict(), module)
        origins.note(module.state_dict(), module)
    assert origins.modules() == modules[:-5:-1]
    del module, modules
    gc.collect()
    assert origins.modules() == []


def test_a_module_is_never_compared_by_its_own_rules() -> None:
    class Odd(nn.Module):
        def __eq__(self, other: Any) -> Any:
            raise RuntimeError("nobody may ask")

        __hash__ = nn.Module.__hash__

    origins = Origins()
    for module in (Odd(), Odd()):
        origins.note(module.state_dict(), module)


def test_a_deep_copy_of_a_state_dict_is_a_model() -> None:
    assert sort(copy.deepcopy(network().state_dict())).rule is None


# -- what is none -----------------------------------------------------------------------------------

OTHERS = {
    "tensor": (lambda: torch.ones(3), "array"),
    "array": (lambda: np.ones(3), "array"),
    "number": (lambda: np.float32(1.5), "array"),
    "x and y": (lambda: {"x": torch.ones(3), "y": torch.ones(3)}, "array"),
    "features and labels": (lambda: {"features": torch.ones(3), "labels": torch.ones(3)}, "array"),
    "tokens": (lambda: {"input_ids": torch.ones(3), "attention_mask": torch.ones(3)}, "array"),
    "lists of tokens": (lambda: [{"input_ids": [1, 2], "label": 0}] * 5000, "plain data"),
    "class weights": (lambda: {"weight": torch.ones(3)}, "array"),
    "named class weights": (lambda: {"class_weight": torch.ones(3), "pos_weight": torch.ones(1)}, "array"),
    "samples by name": (lambda: {f"image_{i}": torch.ones(2) for i in range(1000)}, "array"),
    "pairs": (lambda: [(torch.ones(3), 1), (torch.ones(3), 0)], "array"),
    "replay buffer": (lambda: collections.deque([(np.ones(2), 1, 0.5)] * 9), "array"),
    "statistics": (lambda: {"mean": np.zeros(3), "std": np.ones(3)}, "array"),
    "dataset": (lambda: torch.utils.data.TensorDataset(torch.ones(3)), "dataset"),
    "subset": (
        lambda: torch.utils.data.Subset(torch.utils.data.TensorDataset(torch.ones(3)), [0]),
        "dataset",
    ),
    "optimizer": (lambda: torch.optim.Adam(network().parameters()), "optimizer state"),
    "optimizer's state": (lambda: torch.optim.Adam(network().parameters()).state_dict(), "optimizer state"),
    "optimizer's state and epoch": (
        lambda: {"epoch": 1, "optimizer": torch.optim.Adam(network().parameters()).state_dict()},
        "optimizer state",
    ),
    "scheduler's state": (
        lambda: torch.optim.lr_scheduler.StepLR(torch.optim.SGD(network().parameters()), 1).state_dict(),
        "scheduler state",
    ),
    "plateau's state": (
        lambda: torch.optim.lr_scheduler.ReduceLROnPlateau(
            torch.optim.SGD(network().parameters())
        ).state_dict(),
        "scheduler state",
    ),
    "scaler's state": (lambda: torch.amp.GradScaler("cpu").state_dict(), "scheduler state"),
    "scheduler's state, with objects": (lambda: own_scheduler().state_dict(), "scheduler state"),
    "scheduler's state behind options": (
        lambda: {**options(), "sched": own_scheduler().state_dict()},
        "scheduler state",
    ),
    "options and optimizer": (
        lambda: {**options(), "optimizer": torch.optim.Adam(network().parameters()).state_dict()},
        "optimizer state",
    ),
    "options": (lambda: options(1000), "plain data"),
    "options and arguments": (lambda: {**options(), "args": argparse.Namespace(lr=0.1)}, "arguments"),
    "options and batch": (lambda: {**options(), "x": torch.ones(3), "y": torch.ones(3)}, "array"),
    "options and samples": (
        lambda: {**options(), **{f"image_{i}": torch.ones(2) for i in range(1000)}},
        "array",
    ),
    "vocabulary": (lambda: {f"word_{i}": i for i in range(100_000)}, "plain data"),
    "vocabulary and vectors": (lambda: {**options(10_000), "vectors": torch.ones(3)}, "plain data"),
    "numbers": (lambda: list(range(1_000_000)), "plain data"),
    "random states": (lambda: [random.Random(0), torch.Generator()], "random state"),
    "arguments": (lambda: argparse.Namespace(lr=0.1), "arguments"),
    "times": (lambda: [dt.datetime.now(), dt.timedelta(1)], "plain data"),
    "counter": (lambda: collections.Counter("abc"), "plain data"),
    "nothing": (dict, "plain data"),
    "far too deep": (lambda: [[[[[[torch.ones(3)]]]]]], "plain data"),
}


@pytest.mark.parametrize(("make", "rule"), OTHERS.values(), ids=OTHERS)
def test_is_no_model(make: Any, rule: str) -> None:
    assert sort(make(), noted(network())).rule == rule


@pytest.mark.parametrize(
    ("module", "make", "rule"),
    [
        ("pandas", lambda pd: pd.DataFrame({"a": [1]}), "data frame"),
        ("pandas", lambda pd: {"train": pd.Series([1.5]), "n": 3}, "data frame"),
        ("pandas", lambda pd: pd.Categorical(["a", "b"]), "data frame"),
        ("pandas", lambda pd: [pd.Timestamp(0)], "plain data"),
        ("scipy.sparse", lambda sparse: sparse.eye(3), "array"),
        ("sklearn.datasets", lambda datasets: datasets.load_wine(), "dataset"),
        ("sklearn.datasets", lambda datasets: datasets.load_wine(return_X_y=True), "array"),
        ("PIL.Image", lambda image: image.new("L", (2, 2)), "array"),
        ("transformers", lambda hf: hf.BatchEncoding({"input_ids": torch.ones(2)}), "array"),
        ("xgboost", lambda xgb: xgb.DMatrix(np.ones((2, 2))), "dataset"),
        ("catboost", lambda cat: cat.Pool(np.ones((2, 2))), "dataset"),
    ],
)
def test_is_no_model_of_other_libraries(module: str, make: Any, rule: str) -> None:
    assert sort(make(pytest.importorskip(module))).rule == rule


def test_a_fitted_encoder_is_an_estimator() -> None:
    """Prediction needs it as it needs the model; it was fitted, and it is saved by itself."""
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    verdict = sort(preprocessing.LabelEncoder().fit(["a", "b"]))
    assert (verdict.rule, verdict.framework) == (None, "ScikitLearn")


# -- a format made for weights ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [["embedding", "attention"], ["coef", "intercept"], ["emb_params"], ["features.0.w", "x"]]
)
def test_a_format_made_for_weights_needs_no_sign(names: list[str]) -> None:
    tensors = {name: torch.ones(2) for name in names}
    assert sort(tensors).rule == "array"
    verdict = sort(tensors, weights_only=True)
    assert (verdict.rule, verdict.framework, verdict.model_type) == (None, "PyTorch", "state_dict")


@pytest.mark.parametrize(
    "names",
    [["x", "y"], ["X_train", "y_train"], ["train/images", "train/labels"], ["input_ids"], ["latents_0"]],
)
def test_data_in_a_format_made_for_weights(names: list[str]) -> None:
    assert sort({name: torch.ones(2) for name in names}, weights_only=True).rule == "array"


def test_a_lone_array_is_data_in_any_format() -> None:
    assert sort(torch.ones(2), weights_only=True).rule == "array"
    assert sort({"step": 3}, weights_only=True).rule == "plain data"


def test_a_mapping_that_may_read_each_value_from_a_file_is_asked_for_few():
    class Lazy(collections.UserDict):
        reads = 0

        def __getitem__(self, key):
            Lazy.reads += 1
            return super().__getitem__(key)

    assert sort(Lazy({f"name {number}": number for number in range(3000)})).rule == "plain data"
    assert Lazy.reads < 200


def test_names_behind_options_are_looked_for_within_the_budget():
    class Counting(dict):
        reads = 0

        def __getitem__(self, key):
            Counting.reads += 1
            return super().__getitem__(key)

    tensor = torch.ones(2)
    one = {"first": tensor, **{f"option {number}": number for number in range(4000)}}
    assert sort({f"part {number}": Counting(one) for number in range(64)}).rule == "array"
    assert Counting.reads < 64 * 400
