"""Which names in a pickle could run code of an attacker's choice when somebody loads it.

A list of our own, for two reasons: picklescan, the kept-up scanner, takes 60 ms to import, and it
lists bad names only, which leaves every name nobody thought of. Here the standard library is closed
except for what models really hold; in the packages that models are made of, names that run, load or
open something are refused; a package we don't know is reported apart, as a name that loading will
import, because the user's own `mynet.Net` stands there too. So are functions of known packages that
loading would call and that aren't among those that frameworks write to make their objects again.

That is a report, and no proof. Taken for harmless are names in known packages that are imported and not
called, unless they say what they do, and the classes of known packages with all that these do when they
are made, filled (`__setstate__`) or thrown away: thousands, some of which may well run what they are given.
A stranger's file is safe only with a loader that calls nothing of it (`weights_only`, safetensors).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping

from autolog.formats._standins import Global, readable

__all__ = ["CALLING", "dangerous", "strangers"]

_MOST = 100
_LONGEST = 200
_CALLED = ".__call__"


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
    "torch.utils.data.datapipes torch.utils.benchmark torch.jit.unsupported_tensor_ops "
    "torch.fx.operator_schemas torch.multiprocessing numpy.testing numpy.f2py numpy.distutils "
    "numpy.ctypeslib numpy.lib.format numpy.lib._format_impl sklearn.utils._testing "
    "pandas.core.computation pandas.io scipy.io scipy.weave joblib.externals joblib.func_inspect "
    "joblib.memory joblib.testing accelerate.test_utils transformers.testing_utils fastcore.xtras "
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
    "__class__ __builtins__ __init_subclass__ GraphModule _import_dotted_name"
)
# Pieces of a function's name that say the same: `exec_new`, `run_command`, `unpickle_function`.
_PIECES = _words("eval exec unpickle import subprocess popen system command")
# The functions of known packages that frameworks write into pickles to make their objects again, and classes
# of theirs that look like functions; all of them only make what their arguments describe.
_MAKERS = re.compile(
    r"torch\.(_utils\._rebuild_\w+|_tensor\._rebuild_from_type(_v2)?|storage\._load_from_bytes)"
    r"|torch\.(serialization\._get_layout|nested\._internal\.nested_tensor\._rebuild_njt|return_types\.\w+)"
    r"|torch\.(jit\._pickle\.(build_\w+|restore_type_tag)|device|dtype|layout|finfo|iinfo)"
    r"|numpy\.(core|_core)\.(multiarray|_multiarray_umath)\.(_reconstruct|scalar)"
    r"|numpy\.(core|_core)\.(numeric\._frombuffer|_ufunc_reconstruct|_DType_reconstruct)"
    r"|numpy\._core\._internal\._convert_to_stringdtype_kwargs"
    r"|numpy\.(ma\.core\._mareconstruct|ma\.mrecords\._mrreconstruct|random\._pickle\.__\w+_ctor)"
    r"|numpy\.(random\.__RandomState_ctor|dtype|ndarray|matrix|recarray|record|void|object_|str_|bytes_|bool_?)"
    r"|numpy\.((u?int|float|complex|datetime|timedelta)\d+)"
    r"|numpy\.\w*core\.records\.(recarray|record)"
    r"|(numpy|scipy|sklearn|pandas)\.([\w.]+\.)?(__pyx_unpickle_\w+|newObj)"
    r"|scipy\.sparse\.(\w+\.)?[a-z]+_(array|matrix)"
    r"|scipy\.spatial\.transform\.[\w.]+\.from_(quat|matrix)"
    r"|pandas\.core\.(indexes\.\w+\._new_\w*Index|internals\.blocks\.(make|new)_block)"
    r"|pandas\._libs\.(internals\._unpickle_block|tslibs\.[\w.]*(_unpickle_\w+|_\w+_unpickle))"
    r"|fastai\.torch_core\.(_rebuild_from_type|_fa_rebuild_q?tensor)"
    r"|jax\._src\.array\._reconstruct_array"
    r"|tensorflow\.python\.framework\.(dtypes\.as_dtype|ops\.convert_to_tensor"
    r"|extension_type\._deserialize_for_reduce)"
    r"|transformers\.models\.auto\.auto_factory\._LazyAutoMapping\._from_pickle"
)
# Those of them that call what they are given.
CALLING = _words(
    "torch._tensor._rebuild_from_type torch._tensor._rebuild_from_type_v2 "
    "fastai.torch_core._rebuild_from_type jax._src.array._reconstruct_array "
    "numpy.random._pickle.__randomstate_ctor numpy.random._pickle.__generator_ctor "
    "numpy.random._pickle.__bit_generator_ctor"
)


def dangerous(names: Iterable[Global]) -> tuple[str, ...]:
    """The dotted names that could run code on loading, in order of appearance, at most 100 of them."""
    return _listed(name for name in names if _is_dangerous(name))


def strangers(names: Mapping[Global, bool]) -> tuple[str, ...]:
    """The dotted names that we know nothing about, at most 100: the user's own, other packages.

    Also functions of packages we know, those `names` that loading calls, which frameworks don't write.
    """
    return _listed(
        name for name, called in names.items() if not _is_dangerous(name) and not _is_known(name, called)
    )


def _listed(names: Iterable[Global]) -> tuple[str, ...]:
    paths = dict.fromkeys(readable(name.path, _LONGEST) for name in names)
    # What a function yields is called, or an object of a class, and it is there itself.
    told = (path for path in paths if not path.endswith(_CALLED) or path.removesuffix(_CALLED) not in paths)
    return tuple(told)[:_MOST]


def _is_known(name: Global, called: bool) -> bool:
    package = name.module.partition(".")[0]
    if package in sys.stdlib_module_names or package == "__torch__":
        return True
    return package in _PACKAGES and (not called or _makes(name))


def _makes(name: Global) -> bool:
    """Whether it is a class, as names go, or a function that frameworks make their objects with."""
    is_class = all(part.lstrip("_")[:1].isupper() for part in name.name.split("."))
    return is_class or _MAKERS.fullmatch(name.path) is not None


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
    return _walks(name.name) or (module.partition(".")[0] in _PACKAGES and _runs(name))


def _walks(name: str) -> bool:
    """Whether a name runs something, or reaches a module of the standard library through another object."""
    parts = name.split(".")
    if any(part in _VERBS for part in parts):
        return True
    if len(parts) == 1:
        return name.strip("_") in _MODULES
    return any(part.strip("_") in sys.stdlib_module_names for part in parts)


def _runs(name: Global) -> bool:
    """Whether a piece of a function's name says that it runs or loads what it is given."""
    last = name.name.rpartition(".")[2]
    says_so = not last[:1].isupper() and not _PIECES.isdisjoint(last.split("_"))
    return says_so and not name.module.startswith("scipy.special") and _MAKERS.fullmatch(name.path) is None


def _is_error(module: str, name: str) -> bool:
    return module == "builtins" and name.isidentifier() and name.endswith(("Error", "Exception", "Warning"))


# A module that another module imported is an attribute of it: loading `torch.os` yields `os`.
_MODULES = _words("os sys subprocess builtins importlib shutil ctypes socket posix")
