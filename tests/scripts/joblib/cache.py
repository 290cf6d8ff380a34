"""What joblib writes by itself, and what people dump besides models: none of it is one."""

import datetime as dt
import warnings
from collections import deque

import joblib
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

memory = joblib.Memory("cache", verbose=0)
digits = load_digits()


@memory.cache
def features(power):
    return digits.data**power


@memory.cache
def fitted(seed):
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(random_state=seed, max_iter=5, tol=None).fit(digits.data, digits.target)


def total(part):
    return float(part.sum())


print(features(2).sum(), features(2).sum(), fitted(0).coef_.shape, fitted(0).coef_.shape)

large = np.ones((300, 1000))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(sum(joblib.Parallel(n_jobs=2)(joblib.delayed(total)(large) for _ in range(4))))

joblib.dump(digits.data, "data.joblib")
joblib.dump({"train": digits.data[:5], "test": digits.data[5:10]}, "split.joblib", compress=True)
joblib.dump([1, "two", None], "list.joblib")
joblib.dump(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}), "frame.joblib")
joblib.dump(digits, "bunch.joblib")
joblib.dump({"input_ids": [[1, 2], [3]], "attention_mask": [[1, 1], [1]]}, "tokens.joblib")
joblib.dump((digits.data[:9], digits.target[:9]), "pair.joblib")
joblib.dump({"coef": np.ones(3), "x": 1}, "arrays.joblib")
joblib.dump({"frame": pd.DataFrame({"a": [1]}), "made": dt.date(2024, 1, 2)}, "dated.joblib")
joblib.dump(deque([(np.zeros(2), 1)] * 3, maxlen=3), "replay.joblib")
print(joblib.load("data.joblib").shape, joblib.load("frame.joblib").shape)
