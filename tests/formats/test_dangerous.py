"""Pickles that would do harm: nothing runs, and what would have run is named."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autolog.formats import inspect

pytestmark = pytest.mark.core


class Exploit:
    """Pickles as a call of a function with an argument."""

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


def dangers(data, name=""):
    return inspect(io.BytesIO(data), name).dangerous


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("call", [os.system, eval, exec, subprocess.call, getattr, __import__, open, print])
def test_a_call_is_named_and_not_made(tmp_path, protocol, call):
    mark = tmp_path / "executed"
    made = {os.system: f"touch {mark}", eval: f"open({str(mark)!r}, 'w')", exec: f"open({str(mark)!r}, 'w')"}
    data = pickle.dumps({"weights": [1.0], "x": Exploit(call, made.get(call, str(mark)))}, protocol)
    found = dangers(data, "model.pkl")
    # `open` is one of io's (of _io's since 3.10).
    assert [name.replace("_io.", "io.") for name in found] == [
        f"{call.__module__}.{call.__name__}".replace("_io.", "io.")
    ]
    assert not mark.exists()


def test_it_is_found_inside_a_torch_archive(tmp_path):
    mark = tmp_path / "executed"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"w": Exploit(os.system, f"touch {mark}")}, 2))
        archive.writestr("model/version", "3\n")
    contents = inspect(file)
    assert contents.format == "torch zip"
    assert contents.dangerous == ("posix.system",)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"cos\nsystem\n(S'touch executed'\ntR.", "os.system"),
        (b"(S'touch executed'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'touch executed'\no.", "os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.", "os.system"),
        (b"\x80\x04V\\u006fs\n\x8c\x06system\x93\x8c\x02ls\x85R.", "os.system"),
        (b"\x80\x04S'\\x6f\\163'\n\x8c\x06system\x93\x8c\x02ls\x85R.", "os.system"),
        (b"\x80\x04\x8c\x08datetime\x8c\x0dsys.modules.x\x93.", "datetime.sys.modules.x"),
        (b"\x80\x04\x8c\x05torch\x8c\x09os.system\x93\x8c\x02ls\x85R.", "torch.os.system"),
        (b"\x80\x02ctorch\nos\n.", "torch.os"),
        (b"\x80\x02cnumpy.testing._private.utils\nrunstring\n.", "numpy.testing._private.utils.runstring"),
        (b"\x80\x02ctorch.hub\nload\n.", "torch.hub.load"),
        (b"\x80\x02c__builtin__\neval\n.", "builtins.eval"),
        (b"\x80\x02ccommands\ngetoutput\n.", "subprocess.getoutput"),
        (b"\x80\x02coperator\nattrgetter\n.", "operator.attrgetter"),
        (b"\x80\x02\x82\x07.", "copyreg.extension 7"),
        (b"\x80\x02\x84\x07\x00\x00\x00.", "copyreg.extension 7"),
        (b"\x80\x02cpip._internal\nmain\n.", "pip._internal.main"),
        (b"\x80\x02cmylib\nPopen\n.", "mylib.Popen"),
        (b"\x80\x02cjoblib.testing\ncheck_subprocess_call\n.", "joblib.testing.check_subprocess_call"),
        (b"\x80\x02cjoblib.numpy_pickle\n_unpickle\n.", "joblib.numpy_pickle._unpickle"),
        (b"\x80\x02ctorch._utils\n_import_dotted_name\n.", "torch._utils._import_dotted_name"),
        (b"\x80\x02cfastcore.basics\nexec_new\n.", "fastcore.basics.exec_new"),
        (b"\x80\x02cfastcore.basics\neval_type\n.", "fastcore.basics.eval_type"),
        (b"\x80\x02cfastcore.xtras\nexec_eval\n.", "fastcore.xtras.exec_eval"),
        (b"\x80\x02ctorch.fx.operator_schemas\nx\n.", "torch.fx.operator_schemas.x"),
        (b"\x80\x02cnumpy.lib._format_impl\nread_array\n.", "numpy.lib._format_impl.read_array"),
        (b"\x80\x02caccelerate.test_utils.testing\nx\n.", "accelerate.test_utils.testing.x"),
        (b"\x80\x02ctransformers.testing_utils\nrun_command\n.", "transformers.testing_utils.run_command"),
        (
            b"\x80\x02cscipy._lib._uarray._backend\nunpickle_function\n.",
            "scipy._lib._uarray._backend.unpickle_function",
        ),
        (b"\x80\x02cnumpy.core\n_ufunc_reconstruct\nX\x02\0\0\0osX\x06\0\0\0system\x86R.", "os.system"),
        (b"\x80\x02cnumpy.core\n_ufunc_reconstruct\nNN\x86R.", "numpy.core._ufunc_reconstruct"),
    ],
)
def test_every_way_to_name_a_function(data, name):
    assert dangers(data, "model.pkl") == (name,)


def test_nested_bytes_that_torch_would_load():
    """`torch.storage._load_from_bytes` loads a whole file: what is in it counts too."""
    inner = pickle.dumps(Exploit(os.system, "true"), 2)
    data = b"\x80\x02ctorch.storage\n_load_from_bytes\nC" + bytes((len(inner),)) + inner + b"\x85R."
    assert dangers(data) == ("posix.system", "torch.storage._load_from_bytes")
    through = b"\x80\x02cfunctools\npartial\nctorch.storage\n_load_from_bytes\n\x85R."
    assert dangers(through) == ("torch.storage._load_from_bytes",)


def test_what_models_hold_is_not_dangerous():
    harmless = [
        ("collections", "OrderedDict"),
        ("builtins", "set"),
        ("builtins", "ValueError"),
        ("_codecs", "encode"),
        ("datetime", "datetime"),
        ("pathlib", "PosixPath"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch.nn.functional", "relu"),
        ("torch", "float32"),
        ("numpy", "log1p"),
        ("sklearn.tree._tree", "Tree"),
        ("xgboost.core", "Booster"),
        ("__main__", "Net"),
        ("my.lib", "Outer.Inner"),
    ]
    for module, name in harmless:
        data = b"\x80\x04\x8c%c%b\x8c%c%b\x93." % (len(module), module.encode(), len(name), name.encode())
        contents = inspect(io.BytesIO(data))
        assert contents.dangerous == (), (module, name)
        known = module not in ("__main__", "my.lib")
        assert contents.details.get("imports") == (None if known else [f"{module}.{name}"])


def calls(data):
    contents = inspect(io.BytesIO(b"\x80\x02" + data + b"."))
    assert contents.dangerous == ()
    return contents.details.get("imports")


FUNCTION = b"cnumpy.lib\nsome_function\n"


@pytest.mark.parametrize(
    "data",
    [
        FUNCTION + b")R",
        b"(inumpy.lib\nsome_function\n",
        b"(" + FUNCTION + b"o",
        b"cfunctools\npartial\n" + FUNCTION + b"\x85R)R",
        b"cfunctools\npartial\ncfunctools\npartial\n" + FUNCTION + b"\x85R\x85R)R",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(" + FUNCTION + b"ctorch\nTensor\n)}tR",
        b"cfunctools\npartial\nctorch._tensor\n_rebuild_from_type_v2\n" + FUNCTION + b"\x86R)R",
        b"cnumpy.random._pickle\n__randomstate_ctor\n(N" + FUNCTION + b"tR",
    ],
)
def test_functions_of_known_packages_that_frameworks_do_not_call(data):
    """Nobody knows what they do: they are told as names of packages are that we don't know."""
    assert calls(data) == ["numpy.lib.some_function"]


def test_an_object_that_is_called():
    assert calls(b"cnumpy.lib\nSomeClass\n)\x81)R") == ["numpy.lib.SomeClass.__call__"]
    assert calls(b"cmy.lib\nNet\n)\x81)R") == ["my.lib.Net"]
    assert calls(b"cnumpy.core.multiarray\nscalar\n)R)R)R") == ["numpy.core.multiarray.scalar.__call__"]
    for times in (1, 20):
        chain = b"cfunctools\npartial\n" * times + FUNCTION + b"\x85R" * times
        assert dangers(b"\x80\x02" + b"cfunctools\npartial\n" * 2 + chain + b"\x86R)R)R.") == (
            "functools.partial.__call__",
        )


@pytest.mark.parametrize(
    "data",
    [
        FUNCTION,
        b"cfunctools\npartial\n" + FUNCTION + b"\x85R",
        FUNCTION + b")\x81",
        b"csklearn.x\nSomeClass\n)R",
        b"cnumpy.core.multiarray\nscalar\n)R",
        b"cpandas._libs.internals\n_unpickle_block\n)R",
        b"csklearn._loss._loss\n__pyx_unpickle_CyLoss\n)R",
        b"cscipy.special\neval_legendre\n",
        b"cnumpy.core\n_ufunc_reconstruct\nX\x05\0\0\0numpyX\x05\0\0\0log1p\x86R",
    ],
)
def test_what_frameworks_write_is_no_alarm(data):
    """Names that aren't called, classes, and the functions that make their objects again."""
    assert calls(data) is None


def test_looking_imports_nothing_of_the_file(tmp_path):
    """Neither the modules that a pickle names nor any framework is imported."""
    (tmp_path / "trap_module.py").write_text("raise SystemExit('imported')")
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x02ctrap_module\nNet\n)\x81}b.")
    program = (
        "import sys; from autolog.formats import inspect\n"
        f"print(inspect(open({str(file)!r}, 'rb')).details['imports'])\n"
        "print([m for m in ('trap_module', 'numpy', 'torch', 'pickle', 'joblib') if m in sys.modules])"
    )
    path = os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2] / "src")))
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": path}, check=True
    )
    assert ran.stdout.splitlines() == ["['trap_module.Net']", "[]"]
