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
