"""What joblib writes by itself, and what people dump besides models: none of it is one."""

import warnings

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
print(joblib.load("data.joblib").shape, joblib.load("frame.joblib").shape)
