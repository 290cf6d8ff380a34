"""Trains a random forest on the same digits and dumps it with joblib."""

import autolog; autolog.init("digits", "train-forest")

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

digits = load_digits()
forest = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=50, random_state=0))
forest.fit(digits.data[:1400], digits.target[:1400])
print(f"forest: accuracy {forest.score(digits.data[1400:], digits.target[1400:]):.3f}")
joblib.dump(forest, "forest.joblib", compress=3)
