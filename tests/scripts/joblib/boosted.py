"""An XGBoost classifier inside a scikit-learn pipeline, kept with joblib."""

import joblib
from sklearn.datasets import load_digits
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from xgboost import XGBClassifier

images, labels = load_digits(return_X_y=True)
chosen = labels < 3
images, labels = images[chosen], labels[chosen]

classifier = XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1, random_state=0)
classifier.fit(images, labels)
joblib.dump(classifier, "xgb.joblib")

pipeline = Pipeline([("scale", MinMaxScaler()), ("classify", classifier)]).fit(images, labels)
joblib.dump(pipeline, "pipeline.joblib")

again = joblib.load("xgb.joblib")
print(f"{again.score(images, labels):.4f}", f"{joblib.load('pipeline.joblib').score(images, labels):.4f}")
