"""Transformers: a model is a folder, which `save_pretrained` writes and `from_pretrained` reads.

`AutoModel`, pipelines and the trainer's own saving come down to `PreTrainedModel.save_pretrained`. A load is
taken at `_load_pretrained_model`: only there the files are known, whether they came from a folder or out of
the hub's cache (whose layout tells the agent repository and revision). A checkpoint of the `Trainer` is one
folder: weights, optimizer, scheduler, random states and arguments. Tokenizers are saved by other functions.
"""

import os
from itertools import islice
from typing import Any

from ._shape import Call, Hook, folder, load, mute, save

#: What `save_pretrained` names its weights: whole, a variant, or shards; of the model or of an adapter.
_WEIGHTS = (
    "model.safetensors",
    "model[-.]*.safetensors",
    "pytorch_model.bin",
    "pytorch_model[-.]*.bin",
    "adapter_model.safetensors",
    "adapter_model.bin",
)
_CONFIGS = ("config.json", "generation_config.json", "adapter_config.json", "*.index.json", "*.index.*.json")
#: Weights of a checkpoint: also several adapters, and what FSDP writes in place of the model.
_CHECKPOINT = (*_WEIGHTS, "*/adapter_model.*", "pytorch_model_fsdp.bin", "pytorch_model_fsdp_*/*")
#: What else a checkpoint consists of. All names are given: a tokenizer is often saved into the same folder
#: right afterwards, and the folder of the final model may be that of all checkpoints, logs and plots.
_STATE = (
    "training_args.bin",
    "trainer_state.json",
    "optimizer.*",
    "scheduler.pt",
    "scaler.pt",
    "rng_state*.pth",
    "optimizer_*/*",
    "global_step*/*",
)
#: So many entries of the log are looked through from its end.
_ENTRIES = 200
#: What a log says of the run and not of the model.
_NOISE = ("epoch", "step", "total_flos", "num_input_tokens_seen", "memory")
_PACE = ("_runtime", "_per_second", "_compilation_time", "_preparation_time")


def _saved(call: Call) -> Any:
    path = call.arguments["save_directory"]
    if isinstance(path, (str, os.PathLike)) and os.path.isfile(path):
        return None  # save_pretrained logs an error and returns
    return folder(path, names=(*_WEIGHTS, *_CONFIGS), weights=_WEIGHTS)


def _is_main(call: Call) -> bool:
    return bool(call.arguments["is_main_process"])


def _read(call: Call) -> Any:
    # The files have been looked up, and fetched, by now. Before 4.50 they were called by the second name.
    found = call.arguments.get("checkpoint_files") or call.arguments.get("resolved_archive_file")
    files = [found] if isinstance(found, str) else found
    if not files:
        return None  # the weights came as a state dict
    root = os.path.dirname(files[0])
    names = tuple(os.path.relpath(each, root) for each in files)
    return folder(root or ".", names=(*names, *_CONFIGS), weights=names)


def _is_read(call: Call) -> bool:
    return bool(call.arguments["map_location"] != "meta")  # else only shapes and types are wanted


def _trained(call: Call) -> Any:
    return call.arguments["self"].model


def _final(call: Call) -> Any:
    path = call.arguments["output_dir"]
    if path is None:
        path = call.arguments["self"].args.output_dir
    return folder(path, names=(*_WEIGHTS, *_CONFIGS, "training_args.bin"), weights=_WEIGHTS)


def _is_saving(call: Call) -> bool:
    return bool(call.arguments["self"].args.should_save)


def _run_folder(call: Call) -> str | None:
    trainer = call.arguments["self"]
    if trainer.hp_search_backend is not None and trainer.hp_name is not None:
        return None  # a function of the user's names the folder, and it isn't ours to call it once more
    path: str = trainer._get_output_dir(trial=call.arguments["trial"])
    return path


def _checkpoint(call: Call) -> Any:
    path = _run_folder(call)
    if path is None:
        return None
    path = os.path.join(path, f"checkpoint-{call.arguments['self'].state.global_step}")
    return folder(path, names=(*_CHECKPOINT, *_CONFIGS, *_STATE), weights=_CHECKPOINT)


def _series(call: Call) -> tuple[str, int | None] | None:
    path = _run_folder(call)
    return None if path is None else (path, call.arguments["self"].state.global_step)


def _known(call: Call) -> dict[str, Any]:
    """The newest value of everything that has been logged."""
    trainer = call.arguments["self"]
    best = _went_back_to(trainer)
    is_of_training = False
    found: dict[str, Any] = {}
    for entry in islice(reversed(trainer.state.log_history), _ENTRIES):
        if is_of_training and best is not None and entry.get("step") != best:
            continue
        for name, value in entry.items():
            if name not in _NOISE and not name.endswith(_PACE):
                found.setdefault(name, value)
        # The training ends with a summary; what was logged after that is of the model as it is now.
        is_of_training = is_of_training or "train_runtime" in entry
    return found


def _went_back_to(trainer: Any) -> int | None:
    """The step whose weights were loaded back at the end of the training, None if it hasn't been so."""
    best = trainer.state.best_model_checkpoint if trainer.args.load_best_model_at_end else None
    if trainer.is_in_train or not best:
        return None
    number = os.path.basename(best).rpartition("-")[2]
    return int(number) if number.isdecimal() else None


def _reading(path: Any) -> Any:
    return folder(path, names=(*_CHECKPOINT, *_CONFIGS), weights=_CHECKPOINT)


def _describe(model: Any) -> str | None:
    # A model of Transformers has a config.json, which the agent reads; the trainer takes any module.
    return None if hasattr(model, "config") else repr(model)


hook = Hook(
    key="transformers",
    framework="Transformers",
    supports="transformers>=4.51",
    design=_describe,
    points=(
        save(
            "transformers.modeling_utils:PreTrainedModel.save_pretrained",
            path=_saved,
            model="self",
            when=_is_main,
        ),
        load("transformers.modeling_utils:PreTrainedModel._load_pretrained_model", path=_read, model="model"),
        load("transformers.modeling_utils:load_state_dict", path="checkpoint_file", when=_is_read),
        load(
            "transformers.trainer_utils:load_sharded_checkpoint",
            path=lambda call: _reading(call.arguments["folder"]),
            model="model",
            formerly=("transformers.modeling_utils:load_sharded_checkpoint",),
        ),
        save(
            "transformers.trainer:Trainer._save_checkpoint",
            path=_checkpoint,
            model=_trained,
            group=_series,
            when=_is_saving,
            metrics=_known,
        ),
        save(
            "transformers.trainer:Trainer.save_model",
            path=_final,
            model=_trained,
            when=_is_saving,
            metrics=_known,
        ),
        load(
            "transformers.trainer:Trainer._load_from_checkpoint",
            path=lambda call: _reading(call.arguments["resume_from_checkpoint"]),
            model=_trained,
        ),
        load(
            "transformers.trainer:Trainer._load_best_model",
            path=lambda call: _reading(call.arguments["self"].state.best_model_checkpoint),
            model=_trained,
        ),
        mute("transformers.trainer:Trainer._load_optimizer_and_scheduler", rule="part of a checkpoint"),
        mute("transformers.trainer:Trainer._load_scaler", rule="part of a checkpoint"),
        mute("transformers.trainer:Trainer._load_rng_state", rule="part of a checkpoint"),
    ),
)
