"""PyTorch's distributed checkpoints: a folder that all ranks of a job write together is one snapshot.

Every rank writes its files and tells the coordinator, which waits for all of them before it writes
`.metadata` (`_save_state_dict`, through `_DistWrapper.all_reduce`): when the call returns there, the folder
is complete. So it is recorded by the coordinator alone, and a load by all ranks is one load too.

`async_save` comes to `save` on a thread of its own, which returns when the folder is complete; or it hands
the state to a process of its own and waits for the answer in `_AsyncCheckpointProcess.save`, on such a
thread. That is where it is recorded, and not in the other process, which may not be captured at all.
"""

import os
import sys
from typing import Any

from ._shape import Call, Hook, folder, load, part, save

#: Of all ranks together, or of each that writes without talking to the others (`use_collectives=False`).
_METADATA = (".metadata", "__*.metadata")
#: The second one is what its writer for the hub of Hugging Face makes.
_WEIGHTS = ("*.distcp", "*.safetensors")
_FILES = (*_METADATA, *_WEIGHTS, "*.safetensors.index.json")
_FILESYSTEM = "torch.distributed.checkpoint.filesystem"
#: What calls `save` in a process that writes for another one.
_FOR_ANOTHER = "torch.distributed.checkpoint._async_process_executor"


def _is_foreign(storage: Any) -> bool:
    # A reader or writer of somebody's own; torch's (also those for URLs) are all made from one.
    return storage is not None and not any(base.__module__ == _FILESYSTEM for base in type(storage).__mro__)


def _where(call: Call, storage: Any) -> Any:
    path = call.arguments.get("checkpoint_id")
    if not path:  # as it is asked in torch
        path = getattr(storage, "checkpoint_id", None) or getattr(storage, "path", None)
    if isinstance(path, str) and path.startswith(("file:///", "local:///")):
        path = path.partition("://")[2]
    if not isinstance(path, (str, os.PathLike)) or os.path.isfile(path):
        return path  # BroadcastingTorchSaveReader reads a file of torch.save
    if not _is_foreign(storage):
        return folder(path, names=_FILES, weights=_WEIGHTS)
    # Whether its id is a path shows when something is there: for a save, afterwards.
    return folder(path) if os.path.isdir(path) else None


def _written(call: Call) -> Any:
    return _where(call, call.arguments["storage_writer"])


def _read(call: Call) -> Any:
    return _where(call, call.arguments["storage_reader"])


def _outermost(call: Call) -> Any:
    # What Module.state_dict() has made is known as that only here: what goes on inside is a plain copy.
    is_known = hasattr(call.arguments["state_dict"], "_metadata")
    return _written(call) if is_known or call.caller == _FOR_ANOTHER else None


def _is_coordinator(call: Call) -> bool:
    distributed = sys.modules["torch.distributed"]
    # Before torch 2.7 `save` found that out by itself.
    if call.arguments.get("no_dist") or not (distributed.is_available() and distributed.is_initialized()):
        return True
    rank = distributed.get_rank(call.arguments.get("process_group"))
    return bool(rank == call.arguments.get("coordinator_rank", 0))


def _is_ours(call: Call) -> bool:
    return call.caller != _FOR_ANOTHER and _is_coordinator(call)


hook = Hook(
    key="torch_distributed",
    framework="PyTorch",
    family="pytorch",
    supports="torch>=2.6",
    weights_only=True,
    design=lambda module: repr(module) if hasattr(module, "named_modules") else None,
    points=(
        save(
            "torch.distributed.checkpoint.state_dict_saver:save",
            path=_outermost,
            model="state_dict",
            when=_is_ours,
        ),
        save(
            "torch.distributed.checkpoint.state_dict_saver:_save_state_dict",
            path=_written,
            model="state_dict",
            when=_is_coordinator,
        ),
        save(
            "torch.distributed.checkpoint._async_process_executor:_AsyncCheckpointProcess.save",
            path=_written,
            model="staged_state_dict",
            when=_is_coordinator,
        ),
        part("torch.distributed.checkpoint.filesystem:_write_files_from_queue"),
        load(
            "torch.distributed.checkpoint.state_dict_loader:_load_state_dict",
            path=_read,
            model="state_dict",
            when=_is_coordinator,
        ),
        part("torch.distributed.checkpoint.filesystem:FileSystemReader.read_data"),
    ),
)
