"""Files of joblib and pickle that hold scikit-learn estimators and arrays."""

from __future__ import annotations

import io
import pickle

import pytest

joblib = pytest.importorskip("joblib")
np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

import sklearn  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import Pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

X = np.random.RandomState(0).rand(60, 3)
Y = np.where(X[:, 0] > 0.5, "yes", "no")
COMPRESSIONS = [0, *(pytest.param((kind, 3), id=kind) for kind in ("zlib", "gzip", "bz2", "lzma", "xz"))]


def dumped(made, compress=0, protocol=None):
    file = io.BytesIO()
    joblib.dump(made, file, compress=compress, protocol=protocol)
    return file.getvalue()


def named(contents):
    return {found.name: (found.shape, found.dtype) for found in contents.tensors}


def expected(**arrays):
    return {name.replace("__", "."): (array.shape, array.dtype.name) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def forest():
    return RandomForestClassifier(4, random_state=np.random.RandomState(3)).fit(X, Y)


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression())]).fit(X, Y)


@pytest.mark.parametrize("compress", COMPRESSIONS)
@pytest.mark.parametrize("protocol", [2, None, 5])
def test_a_pipeline(look, pipeline, compress, protocol):
    found = look(dumped(pipeline, compress, protocol))
    scale, fit = pipeline.named_steps["scale"], pipeline.named_steps["fit"]
    got = named(found)
    for name, array in {
        "steps.0.mean_": scale.mean_,
        "steps.0.var_": scale.var_,
        "steps.1.coef_": fit.coef_,
        "steps.1.intercept_": fit.intercept_,
        "steps.1.classes_": fit.classes_,
    }.items():
        assert got[name] == (array.shape, array.dtype.name)
    assert found.format == "joblib"
    assert found.details["class"] == "sklearn.pipeline.Pipeline"
    assert found.details["sklearn_version"] == sklearn.__version__
    assert found.details.get("compression") == (compress[0] if compress else None)
    assert found.dangerous == ()
    assert "imports" not in found.details


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_a_forest(look, forest, compress):
    found = look(dumped(forest, compress))
    got = named(found)
    assert not any("random_state" in name for name in got)
    assert got["classes_"] == ((2,), forest.classes_.dtype.name)
    for index, tree in enumerate(forest.estimators_):
        nodes = tree.tree_.__getstate__()["nodes"]
        assert got[f"estimators_.{index}.tree_.nodes"] == (nodes.shape, nodes.dtype.name)
        assert got[f"estimators_.{index}.tree_.values"] == (tree.tree_.value.shape, "float64")
    numbers = {name: shape for name, (shape, kind) in got.items() if not kind.startswith("str")}
    assert found.parameters == sum(int(np.prod(shape)) for shape in numbers.values())


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_plain_pickles(look, pipeline, forest, protocol):
    for made in (pipeline, forest):
        found = look(pickle.dumps(made, protocol), "model.pkl")
        assert found.format == "pickle"
        assert found.dangerous == ()
        assert named(found) == named(look(dumped(made)))


def test_neural_network(look):
    made = MLPClassifier((5,), max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning):
        made.fit(X, Y)
    got = named(look(dumped(made)))
    assert [got[f"coefs_.{index}"][0] for index in range(2)] == [array.shape for array in made.coefs_]
    assert [got[f"intercepts_.{index}"][0] for index in range(2)] == [
        array.shape for array in made.intercepts_
    ]


def test_named_columns(look):
    made = ColumnTransformer([("scale", StandardScaler(), [0, 1])], remainder="drop").fit(X)
    assert "transformers_.0.mean_" in named(look(dumped(made)))


ARRAYS = {
    "f8": np.zeros((2, 3)),
    "f4 F": np.zeros((2, 3), np.float32, order="F"),
    "big": np.zeros(3, ">i4"),
    "bool": np.zeros(5, bool),
    "complex": np.zeros(2, np.complex64),
    "text": np.array(["abc", "d"]),
    "bytes": np.array([b"abc"]),
    "objects": np.array([{"a": 1}, None], dtype=object),
    "mixed": np.zeros(2, dtype=[("x", "f4"), ("y", "O")]),
    "record": np.zeros(2, dtype=[("x", "f4"), ("y", "i8", 3)]),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 4)),
    "days": np.array(["2020-01-01"], "datetime64[D]"),
    "strided": np.zeros((4, 6))[::2, ::3],
    "masked": np.ma.masked_array([1, 2], [True, False]),
    "last": np.zeros(7, np.uint16),
}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_every_kind_of_array(look, protocol):
    wanted = {name: (array.shape, array.dtype.name) for name, array in ARRAYS.items()}
    wanted["days"] = ((1,), "datetime64")
    assert named(look(pickle.dumps(ARRAYS, protocol))) == wanted
    for compress in (0, 3):
        assert named(look(dumped(ARRAYS, compress, protocol))) == wanted


def test_numpy_scalars_are_details(look):
    made = {"epoch": np.int64(4), "loss": np.float32(0.5), "ok": np.bool_(True), "x": np.zeros(2)}
    for protocol in (2, 4, 5):
        found = look(pickle.dumps(made, protocol))
        assert found.details == {"epoch": 4, "loss": 0.5, "ok": True}
        assert found.parameters == 2


def test_arrays_written_without_padding(look):
    """joblib before 1.2, and into streams that can't tell their position, writes no alignment."""

    class Blind(io.BytesIO):
        def tell(self):
            raise io.UnsupportedOperation

    file = Blind()
    joblib.dump({"a": np.zeros(3), "b": np.ones((2, 2))}, file)
    assert named(look(file.getvalue())) == expected(a=np.zeros(3), b=np.zeros((2, 2)))


def test_a_file_that_can_be_mapped(look, tmp_path):
    path = tmp_path / "model.joblib"
    joblib.dump({"a": np.zeros((100, 1000)), "b": np.zeros(3)}, path)
    assert isinstance(joblib.load(path, mmap_mode="r")["a"], np.memmap)
    found = look(path.read_bytes())
    assert named(found) == expected(a=np.zeros((100, 1000)), b=np.zeros(3))
    assert found.parameters == 100_003


def test_large_arrays_cost_nothing(tmp_path):
    from autolog.formats import inspect

    path = tmp_path / "model.joblib"
    joblib.dump({"a": np.zeros(1000)}, path)
    data = path.read_bytes().replace(b"M\xe8\x03\x85", b"\x8a\x05\x00\x00\x00\x80\x00\x85")
    begin, end = len(data) - 8002, 8 << 31
    with path.open("wb") as file:
        file.write(data[:begin])
        file.seek(begin + end)
        file.write(b"s.")
    with path.open("rb") as file:
        found = inspect(file)
    assert named(found) == {"a": ((1 << 31,), "float64")}


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_truncated_files(any_outcome, pipeline, compress):
    data = dumped(pipeline, compress)
    for length in range(6, len(data), 13):
        found = any_outcome(data[:length], "model.joblib")
        assert isinstance(found, str), length


def test_the_suffix_tells_joblib_files_without_arrays(look):
    assert look(dumped({"a": 1}), "model.joblib").format == "joblib"
    assert look(dumped({"a": 1}), "model.bin").format == "pickle"


def test_xgboost_and_sklearn_wrappers_in_pickles(look):
    xgboost = pytest.importorskip("xgboost")
    made = xgboost.XGBClassifier(n_estimators=2).fit(X, Y == "yes")
    found = look(dumped(made))
    assert found.details["class"] == "xgboost.sklearn.XGBClassifier"
    assert found.dangerous == ()


@pytest.mark.skipif(
    not hasattr(getattr(np, "dtypes", None), "StringDType"), reason="NumPy 1 has no texts of any length"
)
def test_texts_of_any_length(look):
    made = {"a": np.array(["x", "longer"], dtype=np.dtypes.StringDType()), "b": np.zeros(3)}
    for data in (dumped(made), pickle.dumps(made)):
        found = look(data)
        assert [(each.name, each.shape, each.dtype) for each in found.tensors] == [
            ("a", (2,), "str"),
            ("b", (3,), "float64"),
        ]
        assert found.parameters == 3
        assert found.dangerous == ()
