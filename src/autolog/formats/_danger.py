"""Which names in a pickle could run code of an attacker's choice when somebody loads it.

A list of our own, for two reasons: picklescan, the kept-up scanner, takes 60 ms to import, and it
lists bad names only, which leaves every name nobody thought of. Here the standard library is closed
except for what models really hold; in the packages that models are made of, names that run, load or
open something are refused; a package we don't know is reported apart, as a name that loading will
import, because the user's own `mynet.Net` stands there too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from autolog.formats._standins import Global, readable

__all__ = ["dangerous", "strangers"]

_MOST = 100
_LONGEST = 200


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Modules of the standard library, and the names in them that only hold data; None: all of them.
_PLAIN: dict[str, frozenset[str] | None] = {
    "builtins": _words(
        "set frozenset list dict tuple int float complex bool str bytes bytearray object slice "
        "range type NoneType Ellipsis NotImplemented ellipsis sum len abs round"
    ),
    "_codecs": frozenset({"encode"}),
    "argparse": frozenset({"Namespace"}),
    "array": frozenset({"array", "_array_reconstructor"}),
    "collections": None,
    "collections.abc": None,
    "copyreg": frozenset({"_reconstructor", "__newobj__", "__newobj_ex__"}),
    "datetime": None,
    "decimal": frozenset({"Decimal"}),
    "enum": None,
    "fractions": frozenset({"Fraction"}),
    "functools": frozenset({"partial"}),
    "inspect": frozenset({"FullArgSpec"}),
    "io": frozenset({"BytesIO", "StringIO"}),
    "_io": frozenset({"BytesIO", "StringIO"}),
    "itertools": frozenset({"count", "chain", "repeat"}),
    "logging": frozenset({"getLogger", "Logger"}),
    "math": None,
    "numbers": None,
    "pathlib": frozenset(
        {"Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"}
    ),
    "pathlib._local": frozenset({"Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"}),
    "random": frozenset({"Random"}),
    "re": frozenset({"_compile", "Pattern"}),
    "types": frozenset({"SimpleNamespace", "MappingProxyType"}),
    "typing": _words("Any Union Optional List Dict Tuple Set Callable OrderedDict _GenericAlias"),
    "uuid": frozenset({"UUID", "SafeUUID"}),
    "zoneinfo": frozenset({"ZoneInfo"}),
}
# The packages that models are made of, and the modules in them that make code, run it or fetch it.
_PACKAGES = _words(
    "torch torchvision torchaudio torchtext __torch__ functorch numpy scipy sklearn pandas "
    "xgboost lightgbm catboost joblib fastai fastcore fasttext transformers tokenizers "
    "diffusers accelerate peft safetensors pytorch_lightning lightning lightning_fabric "
    "lightning_utilities torchmetrics timm keras tensorflow jax jaxlib flax optax ml_dtypes "
    "megengine imblearn category_encoders statsmodels"
)
_TRAPDOORS = _words(
    "torch.hub torch.package torch.testing torch.distributed.rpc torch.utils.cpp_extension "
    "torch.utils.bottleneck torch.utils.collect_env torch.utils.model_zoo torch.fx.graph_module "
    "torch._dynamo torch._inductor torch.utils._config_module "
    "torch.utils.data.datapipes.utils.decoder torch.jit.unsupported_tensor_ops numpy.testing "
    "numpy.f2py numpy.distutils numpy.ctypeslib sklearn.utils._testing pandas.core.computation "
    "pandas.io scipy.io scipy.weave joblib.externals joblib.func_inspect joblib.memory "
    "tensorflow.python.lib.io keras.src.utils.file_utils cloudpickle dill pip setuptools "
    "distutils pkg_resources _pytest pytest py nose idlelib IPython ipykernel code requests "
    "urllib3 aiohttp fsspec"
)
# Names that run, read or import what their argument says, wherever they are defined.
_VERBS = _words(
    "eval exec execfile compile open system popen Popen spawn call check_call check_output run "
    "runstring run_path run_module runctx runcode import_module __import__ load loads "
    "load_inline load_library read_pickle from_file fromfile memmap tofile savetxt save getattr "
    "setattr delattr globals locals vars __subclasses__ __globals__ __getattribute__ __dict__ "
    "__class__ __builtins__ __init_subclass__"
)


def dangerous(names: Iterable[Global]) -> tuple[str, ...]:
    """The dotted names that could run code on loading, in order of appearance, at most 100 of them."""
    return _listed(name for name in names if _is_dangerous(name))


def strangers(names: Iterable[Global]) -> tuple[str, ...]:
    """The dotted names of packages that we know nothing about, such as the user's own, at most 100."""
    return _listed(name for name in names if not _is_dangerous(name) and not _is_known(name))


def _listed(names: Iterable[Global]) -> tuple[str, ...]:
    paths = dict.fromkeys(readable(name.path, _LONGEST) for name in names)
    return tuple(paths)[:_MOST]


def _is_known(name: Global) -> bool:
    package = name.module.partition(".")[0]
    return package in _PACKAGES or package in sys.stdlib_module_names


def _is_dangerous(name: Global) -> bool:
    module = name.module
    if name.path.startswith("copyreg.extension "):
        return True
    if module in _PLAIN:
        allowed = _PLAIN[module]
        # A dotted name walks from object to object: `datetime` holds `sys`, whose `modules` holds all.
        if allowed is None:
            return _walks(name.name)
        return name.name not in allowed and not _is_error(module, name.name)
    if module.partition(".")[0] in sys.stdlib_module_names:
        return True
    if any(module == door or module.startswith(f"{door}.") for door in _TRAPDOORS):
        return True
    return _walks(name.name)


def _walks(name: str) -> bool:
    """Whether a name runs something, or reaches a module of the standard library through another object."""
    parts = name.split(".")
    if any(part in _VERBS for part in parts):
        return True
    if len(parts) == 1:
        return name.strip("_") in _MODULES
    return any(part.strip("_") in sys.stdlib_module_names for part in parts)


def _is_error(module: str, name: str) -> bool:
    return module == "builtins" and name.isidentifier() and name.endswith(("Error", "Exception", "Warning"))


# A module that another module imported is an attribute of it: loading `torch.os` yields `os`.
_MODULES = _words("os sys subprocess builtins importlib shutil ctypes socket posix")
