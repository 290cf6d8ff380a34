"""Boosters that LightGBM and CatBoost saved, compared with what the frameworks say of them."""

from __future__ import annotations

import json

import pytest

np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore")

X = np.random.RandomState(0).rand(300, 4)
LIGHT = {
    "binary": ({"objective": "binary"}, X[:, 0] > 0.5),
    "regression": ({"objective": "regression"}, X[:, 0]),
    "multi-class": ({"objective": "multiclass", "num_class": 3}, np.arange(300) % 3),
    "dart": ({"objective": "regression", "boosting": "dart"}, X[:, 0]),
    "forest": ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, X[:, 0]),
    "linear": ({"objective": "regression", "linear_tree": True}, X[:, 0] + X[:, 1]),
    "categories": ({"objective": "regression", "categories": True}, X[:, 0]),
}


def light(name, rounds=4):
    lightgbm = pytest.importorskip("lightgbm")
    parameters, labels = LIGHT[name]
    parameters = {"verbose": -1, "num_threads": 1, **parameters}
    data, chosen = X, "auto"
    if parameters.pop("categories", False):
        data, chosen = np.column_stack([X[:, 0], np.arange(300) % 40]), [1]
    made = lightgbm.Dataset(data, labels, categorical_feature=chosen, free_raw_data=False)
    return lightgbm.train(parameters, made, rounds)


@pytest.mark.parametrize("kind", LIGHT)
@pytest.mark.parametrize("name", ["model.txt", "", "model.bin"])
def test_lightgbm(look, kind, name):
    booster = light(kind)
    found = look(booster.model_to_string().encode(), name)
    dump = booster.dump_model()
    leaves = sum(tree["num_leaves"] for tree in dump["tree_info"])
    assert found.format == "LightGBM"
    assert found.details["trees"] == booster.num_trees()
    assert found.details["trees_per_iteration"] == booster.num_model_per_iteration()
    assert found.details["features"] == booster.num_feature()
    assert found.details["feature_names"] == booster.feature_name()
    assert found.details["classes"] == dump["num_class"]
    assert found.details["version"] == dump["version"]
    assert found.parameters == 2 * leaves - booster.num_trees()
    arrays = {row.name: row for row in found.tensors}
    assert arrays["trees.leaf_value"].shape == (leaves,)
    assert arrays["trees.threshold"].shape == (leaves - booster.num_trees(),)
    assert "[num_iterations: 4]" in found.design


def test_lightgbm_with_many_features(look):
    lightgbm = pytest.importorskip("lightgbm")
    wide = np.random.RandomState(0).rand(40, 3000)
    made = lightgbm.Dataset(wide, wide[:, 0], feature_name=[f"a rather long name {n}" for n in range(3000)])
    booster = lightgbm.train({"verbose": -1, "min_data_in_leaf": 2, "num_threads": 1}, made, 2)
    found = look(booster.model_to_string().encode())
    assert found.details["features"] == 3000
    assert found.details["feature_names"] == booster.feature_name()[:50]
    assert found.details["trees"] == 2


def test_lightgbm_windows_lines(look):
    text = light("binary").model_to_string()
    assert look(text.encode()).parameters == look(text.replace("\n", "\r\n").encode()).parameters


def test_truncated_lightgbm(any_outcome):
    data = light("binary", 2).model_to_string().encode()
    end = data.index(b"end of parameters")
    for length in range(40, end, 23):
        found = any_outcome(data[:length])
        # Between the trees' end and the parameters nothing tells that more was to come.
        between = data.index(b"end of trees") + 12 <= length < data.index(b"parameters:") + 11
        assert isinstance(found, str) or between, length


CAT = {
    "texts": ({"loss_function": "Logloss"}, np.where(X[:, 0] > 0.5, "yes", "no"), {"no": 0, "yes": 1}),
    "numbers": ({"loss_function": "MultiClass"}, np.arange(300) % 12, {str(n): n for n in range(12)}),
    "regression": ({"loss_function": "RMSE"}, X[:, 0], {}),
    "deep": ({"loss_function": "RMSE", "grow_policy": "Lossguide"}, X[:, 0], {}),
    "by depth": ({"loss_function": "RMSE", "grow_policy": "Depthwise"}, X[:, 0], {}),
    "categories": ({"loss_function": "Logloss", "cat_features": [1]}, X[:, 0] > 0.5, None),
}


def cat(name):
    catboost = pytest.importorskip("catboost")
    parameters, labels, _ = CAT[name]
    kind = catboost.CatBoostRegressor if "RMSE" in parameters.values() else catboost.CatBoostClassifier
    data = X
    if "cat_features" in parameters:
        data = np.array([[row[0], f"c{int(row[1] * 5)}", row[2], row[3]] for row in X], dtype=object)
    made = kind(iterations=3, verbose=0, allow_writing_files=False, thread_count=1, **parameters)
    return made.fit(data, labels)


@pytest.mark.parametrize("kind", CAT)
@pytest.mark.parametrize("form", ["cbm", "json"])
def test_catboost(look, tmp_path, kind, form):
    made = cat(kind)
    path = tmp_path / f"m.{form}"
    made.save_model(str(path), format=form)
    found = look(path.read_bytes(), "renamed")
    assert found.format == ("CatBoost" if form == "cbm" else "CatBoost JSON")
    assert found.details["trees"] == made.tree_count_
    assert found.details["loss_function"] == made.get_all_params()["loss_function"]
    assert found.details["learning_rate"] == pytest.approx(made.get_all_params()["learning_rate"])
    assert found.details["features"] >= 4
    leaves = len(made.get_leaf_values())
    arrays = {row.name: row for row in found.tensors}
    assert arrays["trees.leaf_values"].shape == (leaves,)
    assert json.loads(found.design)["boosting_options"]["iterations"] == 3
    expected = CAT[kind][2]
    if expected is not None and (kind != "numbers" or form == "cbm"):
        assert found.labels == expected
        if expected:
            assert list(found.labels) == [str(name) for name in made.classes_]


@pytest.mark.parametrize("kind", ["texts", "deep", "regression"])
def test_catboost_counts_the_same_in_both_forms(look, tmp_path, kind):
    made = cat(kind)
    for form in ("cbm", "json"):
        made.save_model(str(tmp_path / form), format=form)
    one, other = (look((tmp_path / form).read_bytes()) for form in ("cbm", "json"))
    assert one.parameters == other.parameters


@pytest.mark.parametrize("form", ["cbm", "json"])
def test_truncated_catboost(any_outcome, tmp_path, form):
    path = tmp_path / "m"
    cat("texts").save_model(str(path), format=form)
    data = path.read_bytes()
    for length in range(40, len(data) - 40, 101):
        assert isinstance(any_outcome(data[:length]), str), length
