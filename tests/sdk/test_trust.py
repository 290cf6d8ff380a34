"""What is refused unless it is trusted, where no framework is needed to see that."""

import os
import pickle
import sys

import pytest

from autolog.errors import FrameworkMissing, NotLoadable, UnreadableWeights, Untrusted
from autolog.sdk._trust import program_names
from autolog.sdk.loading import load

pytestmark = pytest.mark.core


class Exploit:
    """Pickles as a command that leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def evil(tmp_path):
    """A pickle that leaves `mark` when it is loaded."""
    with open(tmp_path / "model.pkl", "wb") as file:
        pickle.dump({"weights": [1.0], "x": Exploit(tmp_path / "mark")}, file)
    return tmp_path / "model.pkl"


@pytest.mark.parametrize("format", ["pickle", "joblib", "", "unreadable"])
@pytest.mark.parametrize("framework", ["ScikitLearn", "Pickle", "MegEngine", "fastai", ""])
def test_a_pickle_is_refused_and_what_it_calls_is_named(evil, tmp_path, format, framework):
    with pytest.raises(Untrusted, match=r"posix\.system.*trusted=True") as refused:
        load(evil, format=format, framework=framework)
    assert refused.value.names == ("posix.system",)
    assert not (tmp_path / "mark").exists()


def test_a_pickle_that_names_nothing_bad_is_refused_too(tmp_path):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))
    with pytest.raises(Untrusted, match="no proof") as refused:
        load(tmp_path / "model.pkl", format="pickle", framework="Pickle")
    assert refused.value.names == ()


def test_a_pickle_that_is_trusted_is_loaded(evil, tmp_path):
    found = load(str(evil), format="pickle", framework="Pickle", trusted=True)
    assert found["weights"] == [1.0]
    assert (tmp_path / "mark").exists()


def test_options_go_to_the_loader(tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80\x02U\x01\xe9.")  # a text of Python 2
    options = {"format": "pickle", "framework": "Pickle", "trusted": True}
    assert load(tmp_path / "model.pkl", encoding="latin-1", **options) == "é"


@pytest.mark.parametrize(
    "option", [{"weights_only": False}, {"safe_mode": False}, {"trust_remote_code": True}]
)
def test_an_option_that_lets_code_run_needs_trust(tmp_path, option):
    with pytest.raises(Untrusted, match="trusted=True"):
        load(tmp_path / "model", format="torch zip", framework="PyTorch", **option)


def test_a_framework_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(FrameworkMissing, match="pip install lightgbm"):
        load(tmp_path / "model.txt", format="LightGBM", framework="LightGBM")


@pytest.mark.parametrize("format", ["", "HDF5", "zip"])
def test_a_format_that_nobody_knows_says_so(tmp_path, format):
    (tmp_path / "model.xyz").write_bytes(b"something else")
    with pytest.raises(NotLoadable, match="with Caffe"):
        load(tmp_path / "model.xyz", format=format, framework="Caffe")


def test_weights_without_their_model_say_what_to_do(tmp_path):
    with pytest.raises(NotLoadable, match=r"build the model.*load_weights\('.*m\.weights\.h5'\)"):
        load(tmp_path / "m.weights.h5", format="Keras weights", framework="Keras")


def test_what_is_not_there_says_so(tmp_path):
    with pytest.raises(NotLoadable, match="no file"):
        load(tmp_path / "gone", format="", framework="")


def program(tmp_path, name, text):
    import zipfile

    with zipfile.ZipFile(tmp_path / "program.pt2", "w") as archive:
        archive.writestr(name, text)
    return str(tmp_path / "program.pt2")


@pytest.mark.parametrize(
    "expression",
    ["s0", "s77 + 1", "2*s0*u1", "Mod(s0, 2)", "FloorDiv(s0 - 1, 2) + zuf0", "Max(1, s0)", "s0 <= 8",
     "1.5*s0", "floor(s1/2)", "ModularIndexing(s0, 1, 2)", "Symbol('s31', positive=True, integer=True)",
     "Add(Mul(Integer(2), Symbol('s31', integer=True)), Integer(1))", "Mul(Float('1.5e-05', precision=53))"],
)  # fmt: skip
def test_arithmetic_is_no_code(tmp_path, expression):
    text = f'{{"range": [{{"expr_str": "{expression}"}}]}}'
    assert program_names(program(tmp_path, "p/models/model.json", text)) == ()


@pytest.mark.parametrize(
    "expression",
    ["__import__('os').system('x')", "exec(s0)", "s0.func", "(1).__class__", "[s0]", "eval(s0)", "s0\\n;s1",
     "lambda: s0", "open(s0)", "s0 . args", "getattr(s0, s1)", "Max('s0', s1)", "Symbol('exec(s0)')",
     "Function('f')(s0)"],
)  # fmt: skip
def test_an_expression_that_is_more_than_arithmetic_is_named(tmp_path, expression):
    text = f'{{"range": [{{"expr_str": "{expression}"}}]}}'
    assert len(program_names(program(tmp_path, "p/models/model.json", text))) == 1


@pytest.mark.parametrize(
    "target", ["torch.ops.aten.linear.default", "torch.sym_max", "_operator.add", "math.ceil", "fc.weight"]
)
def test_an_operator_is_no_code(tmp_path, target):
    text = f'{{"nodes": [{{"target": "{target}", "inputs": []}}]}}'
    assert program_names(program(tmp_path, "p/models/model.json", text)) == ()


@pytest.mark.parametrize(
    "target",
    ["torch.os.system", "torchx.os.system", "torch.ops.load_library", "_operator.attrgetter",
     "_operatorx.call", "#torch.x:y", "torch.hub.load", "math.__loader__.x"],
)  # fmt: skip
def test_an_operator_that_is_none_is_named(tmp_path, target):
    text = f'{{"nodes": [{{"target": "{target}", "inputs": []}}]}}'
    assert program_names(program(tmp_path, "P/MODELS/MODEL.JSON", text)) == (target,)


@pytest.mark.parametrize("name", ["p/data/aotinductor/model/x.so", "p/DATA/AOTINDUCTOR/model/x.so",
                                  "p/data/constants/opaque_obj_0"])  # fmt: skip
def test_machine_code_and_pickled_objects_in_a_program_are_named(tmp_path, name):
    assert program_names(program(tmp_path, name, "")) == (name,)


def test_a_damaged_program_says_so(tmp_path):
    with pytest.raises(UnreadableWeights):
        program_names(program(tmp_path, "p/models/model.json", "{"))
