"""Models that XGBoost saved, compared with what the booster itself says."""

from __future__ import annotations

import json

import pytest

xgboost = pytest.importorskip("xgboost")
np = pytest.importorskip("numpy")

X = np.random.RandomState(0).rand(80, 4)
SETTINGS = {
    "gbtree": ({"objective": "binary:logistic"}, X[:, 0] > 0.5),
    "regression": ({"objective": "reg:squarederror", "max_depth": 3}, X[:, 0]),
    "multi-class": ({"objective": "multi:softprob", "num_class": 3}, np.arange(80) % 3),
    "parallel": ({"objective": "reg:squarederror", "num_parallel_tree": 3}, X[:, 0]),
    "dart": ({"booster": "dart", "objective": "reg:squarederror", "rate_drop": 0.5}, X[:, 0]),
    "gblinear": ({"booster": "gblinear", "objective": "reg:squarederror"}, X[:, 0]),
    "gblinear multi-class": (
        {"booster": "gblinear", "objective": "multi:softmax", "num_class": 3},
        np.arange(80) % 3,
    ),
    "targets": ({"objective": "reg:squarederror"}, X[:, :2]),
    "vector leaves": ({"objective": "reg:squarederror", "multi_strategy": "multi_output_tree"}, X[:, :2]),
    "categories": ({"objective": "reg:squarederror", "categorical": True}, X[:, 0]),
}


def train(name, rounds=4):
    parameters, labels = SETTINGS[name]
    parameters = dict(parameters)
    data, types = X, None
    if parameters.pop("categorical", False):
        data, types = np.column_stack([X[:, 0], np.arange(80) % 7]), ["float", "c"]
    matrix = xgboost.DMatrix(data, labels, feature_types=types, enable_categorical=types is not None)
    return xgboost.train(parameters, matrix, rounds)


@pytest.fixture(params=list(SETTINGS))
def booster(request):
    return train(request.param)


@pytest.mark.parametrize("kind", ["json", "ubj"])
def test_every_booster(look, tmp_path, booster, kind):
    path = tmp_path / f"model.{kind}"
    booster.set_attr(best_iteration="2", note='with "quotes" \\ and ünicode\n')
    booster.save_model(path)
    found = look(path.read_bytes())
    learner = json.loads(booster.save_config())["learner"]
    assert found.format == f"xgboost {kind}"
    details = dict(found.details)
    assert details["version"] == xgboost.__version__
    assert json.loads(found.design)["objective"]["name"] == learner["objective"]["name"]
    assert details["booster"] == learner["gradient_booster"]["name"]
    assert details["objective"] == learner["objective"]["name"]
    assert details["features"] == booster.num_features()
    assert details["classes"] == int(learner["learner_model_param"]["num_class"])
    assert details["targets"] == int(learner["learner_model_param"].get("num_target", 1))
    assert details["attributes"] == booster.attributes()
    assert details["num_boosted_rounds"] == booster.num_boosted_rounds()
    saved = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    if details["booster"] == "gblinear":
        assert found.parameters == len(saved["model"]["weights"])
        assert [(row.name, row.shape) for row in found.tensors] == [("weights", (found.parameters,))]
        return
    trees = saved.get("gbtree", saved)["model"]["trees"]
    assert details["trees"] == len(trees)
    assert found.parameters == sum(int(tree["tree_param"]["num_nodes"]) for tree in trees)
    got = {row.name: (row.elements, row.dtype) for row in found.tensors}
    for name in ("split_conditions", "left_children", "base_weights", "default_left"):
        count = sum(len(tree[name]) for tree in trees)
        assert got[f"trees.{name}"][0] == count
    assert got["trees.split_conditions"][1] == "float32"
    assert got["trees.left_children"][1] == "int32"


def test_both_forms_tell_the_same(look, booster):
    one, other = look(bytes(booster.save_raw("json"))), look(bytes(booster.save_raw("ubj")))
    assert one.details == other.details
    assert one.parameters == other.parameters
    assert [(row.name, row.shape) for row in one.tensors] == [(row.name, row.shape) for row in other.tensors]


def test_types_are_as_ubjson_tells_them(look, booster):
    one, other = look(bytes(booster.save_raw("json"))), look(bytes(booster.save_raw("ubj")))
    assert one.tensors == other.tensors


def test_early_stopping_and_feature_names(look):
    matrix = xgboost.DMatrix(X, X[:, 0], feature_names=["a", "b c", 'd"', "é"])
    made = xgboost.train({}, matrix, 30, evals=[(matrix, "it")], early_stopping_rounds=2, verbose_eval=False)
    for kind in ("json", "ubj"):
        found = look(bytes(made.save_raw(kind)))
        assert found.details["attributes"]["best_iteration"] == str(made.best_iteration)


def test_sklearn_interface(look, tmp_path):
    path = tmp_path / "model.json"
    xgboost.XGBClassifier(n_estimators=3).fit(X, X[:, 0] > 0.5).save_model(path)
    found = look(path.read_bytes())
    assert found.details["num_boosted_rounds"] == 3
    assert "scikit_learn" in found.details["attributes"]


def test_written_for_humans(look):
    """The same document with spaces and line ends, as other tools rewrite it."""
    document = json.loads(train("gbtree").save_raw("json"))
    compact, spread = json.dumps(document), json.dumps(document, indent=2)
    assert look(compact.encode()) == look(spread.encode())


def test_memory_snapshots(look):
    """What a pickled booster holds: the configuration beside the model."""
    made = train("gbtree")
    assert look(bytes(made.__getstate__()["handle"])).details["num_boosted_rounds"] == 4


def test_the_deprecated_binary_format_is_not_recognised(any_outcome):
    made = train("gbtree")
    try:
        data = bytes(made.save_raw("deprecated"))
    except xgboost.core.XGBoostError:
        pytest.skip("this XGBoost no longer writes it")
    assert any_outcome(data, "booster.model") is None


@pytest.mark.parametrize("kind", ["json", "ubj"])
def test_truncated_files(any_outcome, kind):
    data = bytes(train("gbtree", 2).save_raw(kind))
    for length in range(60, len(data), 41):
        assert isinstance(any_outcome(data[:length], f"model.{kind}"), str), length


@pytest.mark.parametrize("kind", ["json", "ubj"])
def test_attributes_of_any_length_and_with_any_quotes(look, tmp_path, kind):
    booster = train("gbtree")
    texts = {"quotes": '"' * 300, "slashes": "\\" * 301, "both": '\\"' * 300, "long": '"a' * (1 << 20)}
    booster.set_attr(**texts)
    path = tmp_path / f"model.{kind}"
    booster.save_model(path)
    found = look(path.read_bytes())
    assert found.parameters > 0
    wanted = {key: value[:200] for key, value in texts.items()} | {"long": ""}  # which isn't held in memory
    assert {key: found.details["attributes"][key] for key in texts} == wanted
