"""ONNX: what `torch.onnx.export` writes, and `onnx.save` and `onnx.load`.

With `dynamo=True` the weights lie in a file of their own, `<name>.data`, and both files are one snapshot.
`ONNXProgram.save` writes that one and then calls `onnx.save`; into a buffer the exporter writes with
`onnx.save` alone. The older exporter writes bytes that C++ has made, in `_export_file`. It traces the module
before that, and where `verbose` is set it writes down each operation's frames: so `torch.onnx.export` itself
must not be hooked.
"""

import os
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from ._shape import Bundle, Call, Hook, load, prefix, save

#: From this size on ONNXProgram.save writes the weights to a file of their own, whatever it is told.
_LARGE = 1536 * 1024 * 1024
#: Tensors of a model that are looked at for where they are.
_TENSORS = 4096
#: onnx.TensorProto.EXTERNAL
_EXTERNAL = 1


def _is_path(target: Any) -> bool:
    return isinstance(target, (str, os.PathLike))


def _exported(call: Call) -> Any:
    path = call.arguments["destination"]
    graph = call.arguments["self"].model.graph
    values = (each.const_value for each in graph.initializers.values())
    is_apart = (
        call.arguments["external_data"] or sum(each.nbytes for each in values if each is not None) > _LARGE
    )
    return prefix(path, names=("", ".data")) if is_apart else path


def _saved(call: Call) -> Any:
    path, proto = call.arguments["f"], call.arguments["proto"]
    if not _is_path(path):
        return path
    names = set(_places(proto))
    if call.arguments["save_as_external_data"]:
        location = call.arguments["location"]
        if location is None or not call.arguments["all_tensors_to_one_file"]:
            # It makes names up, and writes them into the model that it is given.
            return _with(path, names) if names else None
        names.add(location)
    return _with(path, names) if names else path


def _places(proto: Any) -> Iterable[str]:
    """The files that a model says its weights are in, relative to its own."""
    tensors = () if isinstance(proto, bytes) else proto.graph.initializer
    for tensor in islice(tensors, _TENSORS):
        if tensor.data_location == _EXTERNAL:
            for entry in tensor.external_data:
                if entry.key == "location":
                    yield entry.value


def _with(path: Any, places: set[str]) -> Any:
    text = os.fsdecode(path)
    name = os.path.basename(text)
    if places == {f"{name}.data"}:
        return prefix(path, names=("", ".data"))
    # They are globs: a file may well be called `weights[1].bin`.
    names = tuple(re.sub(r"([*?[])", r"[\1]", each) for each in (name, *sorted(places)))
    return Bundle(text, os.path.dirname(text), "", names)


def _read(call: Call) -> Any:
    path = call.arguments["f"]
    # Weights under another name aren't known before it has been read: its own file tells the snapshot then.
    return prefix(path, names=("", ".data")) if _is_path(path) else path


hook = Hook(
    key="onnx",
    framework="ONNX",
    supports="torch>=2.6",
    family="pytorch",
    points=(
        save("torch.onnx._internal.exporter._onnx_program:ONNXProgram.save", path=_exported),
        save(
            "torch.onnx._internal.torchscript_exporter.onnx_proto_utils:_export_file",
            path="f",
            formerly=("torch.onnx._internal.onnx_proto_utils:_export_file",),
        ),
        save("onnx:save_model", path=_saved, aliases=("save",)),
        load("onnx:load_model", path=_read, model=None),
    ),
)
