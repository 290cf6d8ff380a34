"""A forest on the wines with scikit-learn, kept by joblib; beside it data, which is no model."""

import sys

import joblib
import numpy as np
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

features, labels = load_wine(return_X_y=True)
for trees in (10, 30):
    forest = RandomForestClassifier(trees, random_state=0, n_jobs=1)
    pipeline = make_pipeline(StandardScaler(), forest).fit(features, labels)
    joblib.dump(pipeline, "forest.joblib")
joblib.dump(np.arange(12.0), "fold.joblib")
if "--strictly" in sys.argv:
    raise ValueError(f"an accuracy of {pipeline.score(features, labels):.2f} is too good to be true")
