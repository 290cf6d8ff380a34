"""huggingface_hub: folders of weights, whole or in shards, and the mixin that gives them to any class.

`save_torch_model` is `save_torch_state_dict`; `PyTorchModelHubMixin` saves one file and a configuration.
What the mixin loads may come out of the hub's cache, whose layout tells the agent repository and revision.
"""

import os
from typing import Any

from ._shape import Call, Hook, folder, load, save

#: huggingface_hub.constants: SAFETENSORS_WEIGHTS_FILE_PATTERN and PYTORCH_WEIGHTS_FILE_PATTERN.
_SAFE, _PICKLED = "model{suffix}.safetensors", "pytorch_model{suffix}.bin"
#: A class may write what it likes with the mixin; without any of these all of it is weights.
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.keras")


def _named(path: Any, pattern: str) -> Any:
    whole = pattern.format(suffix="")
    weights = (whole, pattern.format(suffix="-*"))
    return folder(path, names=(*weights, f"{whole}.index.json"), weights=weights)


def _saved(call: Call) -> Any:
    pattern = call.arguments["filename_pattern"]
    if pattern is None:
        pattern = _SAFE if call.arguments["safe_serialization"] else _PICKLED
    return _named(call.arguments["save_directory"], pattern)


def _read(call: Call) -> Any:
    path = call.arguments["checkpoint_path"]
    if not os.path.isdir(path):
        return path
    pattern = call.arguments["filename_pattern"]
    for shards in (_SAFE, _PICKLED) if pattern is None else (pattern,):
        if os.path.isfile(os.path.join(path, f"{shards.format(suffix='')}.index.json")):
            return _named(path, shards)
    # Without an index it is the one file there with this suffix, whatever its name.
    is_safe = any(name.endswith(".safetensors") for name in os.listdir(path))
    weights = ("*.safetensors" if is_safe else "*.bin",)
    return folder(path, names=weights, weights=weights)


def _one_file(call: Call) -> Any:
    # As the folder that it was saved as: the very same weights may have been saved into another one, too.
    root, name = os.path.split(call.arguments["model_file"])
    return folder(root or ".", names=(name, "config.json"), weights=(name,))


def _mixed_in(call: Call) -> Any:
    return folder(call.arguments["save_directory"], names=("*",), weights=_WEIGHTS)


hook = Hook(
    key="huggingface_hub",
    framework="PyTorch",
    supports="huggingface_hub>=0.30",
    design=lambda module: repr(module) if hasattr(module, "named_modules") else None,
    points=(
        save("huggingface_hub.serialization._torch:save_torch_model", path=_saved, model="model"),
        save("huggingface_hub.serialization._torch:save_torch_state_dict", path=_saved, model="state_dict"),
        load("huggingface_hub.serialization._torch:load_torch_model", path=_read, model="model"),
        load("huggingface_hub.serialization._torch:load_state_dict_from_file", path="checkpoint_file"),
        save("huggingface_hub.hub_mixin:ModelHubMixin.save_pretrained", path=_mixed_in, model="self"),
        load(
            "huggingface_hub.hub_mixin:PyTorchModelHubMixin._load_as_safetensor",
            path=_one_file,
            model="model",
        ),
    ),
)
