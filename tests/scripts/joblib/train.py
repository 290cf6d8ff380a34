"""Fits several estimators on the digits and keeps them with joblib, in every way that people do."""

import io
from pathlib import Path

import joblib
from joblib import dump
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images, labels, random_state=0)
Path("models").mkdir(exist_ok=True)

pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
pipeline.fit(train_x, train_y)
print(dump(pipeline, "models/pipeline.joblib"), f"{pipeline.score(test_x, test_y):.4f}")

forest = RandomForestClassifier(n_estimators=20, n_jobs=2, random_state=0)
forest.fit(train_x, train_y)
print(joblib.dump(forest, Path("models/forest.joblib.gz"), compress=3), f"{forest.score(test_x, test_y):.4f}")
joblib.dump(value=forest, filename="models/forest.z", compress=("zlib", 6))

search = GridSearchCV(LogisticRegression(max_iter=50), {"C": [0.001, 0.1]}, cv=2, n_jobs=2)
search.fit(train_x / 16, train_y)
print(search.best_params_, f"{search.best_score_:.4f}")
joblib.dump(search, "models/search.pkl")
joblib.dump(search.best_estimator_, "models/best.pkl", protocol=4)

with open("models/file.joblib", "wb") as file:
    joblib.dump(pipeline, file)
with open("models/both.joblib", "wb") as file:
    joblib.dump(pipeline[0], file)
    joblib.dump(pipeline[1], file)

buffer = io.BytesIO()
joblib.dump(pipeline, buffer)
Path("models/from_buffer.joblib").write_bytes(buffer.getvalue())

for depth in (2, 4, 8):
    forest = RandomForestClassifier(n_estimators=5, max_depth=depth, random_state=0).fit(train_x, train_y)
    joblib.dump({"model": forest, "depth": depth, "columns": ["a", "b"]}, "models/growing.joblib")
    print(depth, f"{forest.score(test_x, test_y):.4f}")
