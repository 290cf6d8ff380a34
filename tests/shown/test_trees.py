"""Designs as trees: of every kind of text, beside each other by the names of their parts."""

import json

import pytest

from autolog.shown.trees import flat, grown, merged

pytestmark = pytest.mark.core

MODULE = """Net(
  (conv): Conv2d(1, 32, kernel_size=(3, 3))
  (body): Sequential(
    (0): Linear(in_features=4, out_features=8, bias=True)
    (1): ReLU()
  )
)"""
KERAS = {
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [
            {"class_name": "Dense", "config": {"name": "first", "units": 8}},
            {"class_name": "Dense", "config": {"name": "last", "units": 1}},
        ],
    },
}
ESTIMATOR = """Pipeline(steps=[('scale', StandardScaler()),
                ('forest', RandomForestClassifier(max_depth=3, n_estimators=10))])"""


def told(*designs):
    """The paths at which designs differ, and what became of the base there in each of the others."""
    tree = merged([grown(each) for each in designs])
    return {
        path: [(branch.kind(n), branch.values[n]) for n in range(1, len(designs))]
        for path, branch in flat(tree)
        if not branch.is_same
    }


def paths(design):
    return [path for path, _ in flat(merged([grown(design)]))]


def test_a_module_of_pytorch():
    assert paths(MODULE) == ["design", "conv", "body", "body/0", "body/1"]
    other = MODULE.replace("out_features=8", "out_features=9").replace("    (1): ReLU()\n", "")
    other = other.replace("  (body)", "  (pool): MaxPool2d(2)\n  (body)")
    assert told(MODULE, other) == {
        "pool": [("added", "MaxPool2d(2)")],
        "body/0": [("changed", "Linear(in_features=4, out_features=9, bias=True)")],
        "body/1": [("removed", None)],
    }


def test_layers_of_keras_go_by_their_names():
    other = json.loads(json.dumps(KERAS))
    layers = other["config"]["layers"]
    layers.insert(1, {"class_name": "Dropout", "config": {"name": "drop", "rate": 0.5}})
    layers[2]["config"]["units"] = 2
    found = told(json.dumps(KERAS), json.dumps(other, indent=4))
    assert found["config/layers/last/config/units"] == [("changed", "2")]
    assert found["config/layers/drop/config/rate"] == [("added", "0.5")]
    assert not [each for each in found if "first" in each]


def test_an_estimator():
    other = ESTIMATOR.replace("max_depth=3", "max_depth=4").replace("\n               ", "")
    assert told(ESTIMATOR, other) == {"steps/forest/max_depth": [("changed", "4")]}


def test_settings_and_several_sides():
    assert told("lr: 0.1\nseed: 1", "lr: 0.2\nseed: 1", "lr: 0.1\nseed: 1\ndepth: 3", None) == {
        "design": [("same", ""), ("same", ""), ("removed", None)],
        "lr": [("changed", "0.2"), ("same", "0.1"), ("removed", None)],
        "seed": [("same", "1"), ("same", "1"), ("removed", None)],
        "depth": [("missing", None), ("added", "3"), ("missing", None)],
    }


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 5_000, "(" * 5_000, "f(" * 3_000 + ")" * 3_000, " ".join("\n" * 9),
     "{", "x" * 9_000_000,
     "\n".join("a: 1" for _ in range(50_000)), "\n".join(" " * n + f"({n}): A(" for n in range(3_000)),
     json.dumps([{"name": "same"}] * 30_000)],
    ids=range(10),
)  # fmt: skip
def test_text_that_means_harm(text):
    tree = merged([grown(text), grown("Net(\n  (a): B()\n)")])
    assert tree.size <= 21_000


def test_nothing():
    assert grown(None) is None
    assert grown("  \n") is None
