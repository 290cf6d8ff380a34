"""What estimators and boosters know of themselves, made by the real libraries; and the ends of trainings."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from later import IN_ONE_WORKER, needs

from autolog.hooks import discover
from autolog.hooks._metrics import of_estimator

pytestmark = [needs("numpy"), IN_ONE_WORKER]
np = pytest.importorskip("numpy")

_RANDOM = np.random.default_rng(0)
_X = _RANDOM.standard_normal((60, 4))
_Y = (_X[:, 0] > 0).astype(int)


def told(key: str, target: str, **arguments: Any) -> Any:
    """What a point of a hook tells of a call with these arguments."""
    (hook,) = (each for each in discover() if each.key == key)
    (point,) = (each for each in hook.points if each.target == target)
    assert point.metrics is not None
    return point.metrics(SimpleNamespace(arguments=arguments, result=None))  # type: ignore[arg-type]


def test_other_objects_are_not_looked_into() -> None:
    class Curious:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

        @property
        def best_score_(self) -> float:
            raise AssertionError("best_score_")

    for each in (Curious(), {"model": 1}, None, 3, [Curious()]):
        assert of_estimator(each) == {}


def test_xgboost() -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=4, early_stopping_rounds=3, eval_metric=["error", "logloss"])
    assert of_estimator(model) == {}
    model.fit(_X, _Y, eval_set=[(_X, _Y)], verbose=False)
    found = of_estimator(model)
    results = model.evals_result()["validation_0"]
    assert found == {
        "best_score": model.best_score,
        "validation_0-error": results["error"][-1],
        "validation_0-logloss": results["logloss"][-1],
    }
    assert of_estimator(model.get_booster()) == {"best_score": model.best_score}
    assert of_estimator(xgboost.XGBRegressor(n_estimators=1).fit(_X, _Y)) == {}


def test_lightgbm() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)
    assert of_estimator(model) == {}
    with warnings.catch_warnings():  # newer releases have another name for it, which older ones don't know
        warnings.simplefilter("ignore")
        model.fit(_X, _Y, eval_set=[(_X, _Y)])
    (expected,) = model.evals_result_.values()
    assert list(of_estimator(model).values()) == [expected["binary_logloss"][-1]]
    assert of_estimator(model) == of_estimator(model.booster_)
    (name,) = of_estimator(model)
    assert name.endswith("-binary_logloss")


def test_catboost(tmp_path: Any) -> None:
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostClassifier(iterations=3, verbose=False, train_dir=str(tmp_path))
    assert of_estimator(model) == {}
    model.fit(_X, _Y, eval_set=(_X, _Y))
    found = of_estimator(model)
    assert found["validation-Logloss"] == min(model.get_evals_result()["validation"]["Logloss"])
    assert "learn-Logloss" in found


def test_scikit_learn() -> None:
    pytest.importorskip("sklearn")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    forest = RandomForestClassifier(5, oob_score=True, bootstrap=True, random_state=0)
    with warnings.catch_warnings():  # so small a training doesn't get far
        warnings.simplefilter("ignore")
        forest.fit(_X, _Y)
    assert of_estimator(forest) == {"oob_score": forest.oob_score_}
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(_X, _Y)
    assert of_estimator(search) == {"best_score": search.best_score_}
    with warnings.catch_warnings():  # so small a training doesn't get far
        warnings.simplefilter("ignore")
        perceptron = make_pipeline(StandardScaler(), MLPClassifier(max_iter=3, random_state=0)).fit(_X, _Y)
    found = of_estimator(perceptron)
    assert found["loss"] == perceptron[-1].loss_
    assert of_estimator(LogisticRegression().fit(_X, _Y)) == {}


def _log(**more: Any) -> list[dict[str, Any]]:
    """The log of a training of 20 steps whose best weights were those of step 10."""
    return [
        {"loss": 0.9, "grad_norm": 1.0, "learning_rate": 0.1, "epoch": 0.5, "step": 10},
        {"eval_loss": 0.1, "eval_runtime": 3.0, "eval_samples_per_second": 5.0, "epoch": 0.5, "step": 10},
        {"loss": 0.5, "grad_norm": 2.0, "learning_rate": 0.2, "epoch": 1.0, "step": 20},
        {"eval_loss": 0.3, "eval_accuracy": 0.75, "eval_runtime": 3.0, "epoch": 1.0, "step": 20},
        {"train_runtime": 9.0, "train_loss": 0.7, "total_flos": 1.0, "epoch": 1.0, "step": 20},
        *([more] if more else []),
    ]


def _trainer(log: list[dict[str, Any]], *, best: str | None, is_in_train: bool) -> Any:
    trainer = pytest.importorskip("transformers.trainer_callback")
    state = trainer.TrainerState(log_history=log, best_model_checkpoint=best, global_step=20)
    args = SimpleNamespace(load_best_model_at_end=best is not None)
    return SimpleNamespace(state=state, args=args, is_in_train=is_in_train)


def test_the_newest_of_the_log_of_transformers() -> None:
    target = "transformers.trainer:Trainer._save_checkpoint"
    found = told(
        "transformers", target, self=_trainer(_log()[:-1], best="out/checkpoint-10", is_in_train=True)
    )
    assert found == {
        "loss": 0.5,
        "grad_norm": 2.0,
        "learning_rate": 0.2,
        "eval_loss": 0.3,
        "eval_accuracy": 0.75,
    }
    assert told("transformers", target, self=_trainer([], best=None, is_in_train=True)) == {}


def test_a_trainer_that_went_back_to_its_best_weights_knows_those() -> None:
    target = "transformers.trainer:Trainer.save_model"
    ended = _trainer(_log(), best="out/checkpoint-10", is_in_train=False)
    expected = {"train_loss": 0.7, "loss": 0.9, "grad_norm": 1.0, "learning_rate": 0.1, "eval_loss": 0.1}
    assert told("transformers", target, self=ended) == expected
    # What is evaluated afterwards is of these weights, whatever step that says.
    again = _trainer(_log(eval_accuracy=0.25, step=20), best="out/checkpoint-10", is_in_train=False)
    assert told("transformers", target, self=again) == {**expected, "eval_accuracy": 0.25}
    last = _trainer(_log(), best=None, is_in_train=False)
    assert told("transformers", target, self=last)["eval_loss"] == 0.3


def test_what_an_asynchronous_checkpoint_of_lightning_tells() -> None:
    torch = pytest.importorskip("torch")
    target = "lightning.fabric.plugins.io.torch_io:TorchCheckpointIO.save_checkpoint"
    callbacks = {"ModelCheckpoint{...}": {"monitor": "val_loss", "current_score": torch.tensor(0.5)}, "x": {}}
    assert told("lightning", target, checkpoint={"callbacks": callbacks}) == {"val_loss": torch.tensor(0.5)}
    assert told("lightning", target, checkpoint={"state_dict": {}}) == {}
    assert told("lightning", target, checkpoint=torch.ones(2)) == {}
