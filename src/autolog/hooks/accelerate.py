"""Accelerate: `save_state` and `load_state` of a whole training, `save_model` and loading in place.

A state is one folder: the weights of all prepared models, optimizers, schedulers, samplers and random states.
`Accelerator.save` is `accelerate.utils.save`: `torch.save` or safetensors' `save_file`, in one process only.
"""

import os
import re
import sys
from typing import Any

from ._shape import Call, Hook, folder, load, save

#: accelerate.utils.constants: WEIGHTS_NAME, SAFE_WEIGHTS_NAME and their patterns for shards.
_MODEL = ("model.safetensors", "model-*.safetensors", "pytorch_model.bin", "pytorch_model-*.bin")
_INDEX = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
#: In a state the second model has a number, FSDP and DeepSpeed have folders, and a hook that the user
#: registered may write the weights in its own way (Diffusers: `unet/diffusion_pytorch_model.safetensors`).
_STATE = ("**.safetensors", "pytorch_model*.bin", "pytorch_model*/**")


def _automatic(accelerator: Any) -> bool:
    return bool(accelerator.project_configuration.automatic_checkpoint_naming)


def _written(call: Call) -> Any:
    accelerator = call.arguments["self"]
    path = call.arguments["output_dir"]
    if _automatic(accelerator):
        path = os.path.join(
            accelerator.project_dir, "checkpoints", f"checkpoint_{accelerator.save_iteration}"
        )
    return folder(path, weights=_STATE)


def _series(call: Call) -> tuple[str, int | None] | None:
    accelerator = call.arguments["self"]
    # Asked when it has been saved: the next iteration has begun.
    return (accelerator.project_dir, accelerator.save_iteration - 1) if _automatic(accelerator) else None


def _number(name: str) -> int:
    found = re.findall(r"\d+", name)
    return int(found[-1]) if found else -1


def _read(call: Call) -> Any:
    accelerator = call.arguments["self"]
    path = call.arguments["input_dir"]
    if path is not None:
        path = os.path.expanduser(path)
    elif _automatic(accelerator):
        above = os.path.join(accelerator.project_dir, "checkpoints")
        names = os.listdir(above) if os.path.isdir(above) else []
        path = os.path.join(above, max(names, key=_number)) if names else None
    return folder(path, weights=_STATE)


def _in_place(call: Call) -> Any:
    path = os.fspath(call.arguments["checkpoint"])
    if path.endswith(".json"):
        path = os.path.dirname(path) or "."
    elif os.path.isdir(path):
        # Its order; only without either of them it looks for an index.
        for name in ("pytorch_model.bin", "model.safetensors"):
            if os.path.isfile(os.path.join(path, name)):
                return folder(path, names=(name,), weights=(name,))
    else:
        return path
    return folder(path, names=(*_MODEL, *_INDEX), weights=_MODEL)


def _is_main(call: Call) -> bool:
    # Every process takes part, for its random state; the first one writes the weights.
    return bool(call.arguments["self"].is_main_process)


def _is_writing(call: Call) -> bool:
    # accelerate.utils.other.save asks the same.
    state = sys.modules["accelerate.state"].PartialState()
    every_node = call.arguments["save_on_each_node"]
    return bool(state.is_local_main_process if every_node else state.is_main_process)


def _models(call: Call) -> Any:
    models = call.arguments["self"]._models
    return models[0] if len(models) == 1 else list(models)


hook = Hook(
    key="accelerate",
    framework="PyTorch",
    supports="accelerate>=1.6",
    design=repr,
    points=(
        save(
            "accelerate.accelerator:Accelerator.save_state",
            path=_written,
            model=_models,
            group=_series,
            when=_is_main,
        ),
        load("accelerate.accelerator:Accelerator.load_state", path=_read, model=_models),
        save(
            "accelerate.accelerator:Accelerator.save_model",
            path=lambda call: folder(
                call.arguments["save_directory"], names=(*_MODEL, *_INDEX), weights=_MODEL
            ),
            model="model",
            when=_is_main,
        ),
        save("accelerate.utils.other:save", path="f", model="obj", when=_is_writing),
        load("accelerate.utils.modeling:load_checkpoint_in_model", path=_in_place, model="model"),
    ),
)
