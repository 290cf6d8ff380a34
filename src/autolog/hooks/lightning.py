"""Lightning and Fabric: checkpoints go through a `CheckpointIO`, `torch.save` sees only a buffer.

`ModelCheckpoint._save_checkpoint` -> `Trainer.save_checkpoint` -> the strategy ->
`TorchCheckpointIO.save_checkpoint` -> `torch.save` into `BytesIO` -> fsspec. `Fabric.save` joins at the
strategy. Loads go through `TorchCheckpointIO.load_checkpoint` or `_load_from_checkpoint`, and both through
`_load`. `load_from_checkpoint` itself is an object that makes a new function whenever it is looked up; what
it calls is hooked in its place. `to_torchscript` hands a file of fsspec's to `torch.jit.save` and must stay
as it is: a traced module keeps the names of all frames it was traced in, and its file would name our wrapper.

The packages `lightning` and `pytorch_lightning` hold the same code twice, with classes of their own.
"""

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from ._shape import Call, Hook, Point, load, mute, save

#: (package of the Trainer, package of Fabric) of each distribution.
_PACKAGES = (
    ("lightning.pytorch", "lightning.fabric"),
    ("pytorch_lightning", "lightning_fabric"),
)
#: A placeholder of a file name's template (`{epoch:02d}`), with a label in front (`epoch={epoch}`).
_PLACEHOLDER = re.compile(r"(?:\w+=)?\{([^}:]*)[^}]*\}")
#: The same where it has been filled in, and the counter behind a name that was taken.
_FILLED = re.compile(r"(?:^|(?<=[-_. /]))(?:[\w/]+=)?-?\d+(?:\.\d+)?(?=$|[-_. /])|-v\d+$")
#: What ModelCheckpoint takes where no template is given.
_TEMPLATE = "{epoch}-{step}"
#: How the launchers of `ddp_spawn` and `ddp_fork` hand the weights back to the main process. They take that
#: file away themselves.
_SCRATCH = ".temp.ckpt"


def _place(path: Any) -> Any:
    """Where fsspec puts `path`: `file://` is a plain path, of `simplecache::s3://...` the last one counts."""
    if not isinstance(path, (str, os.PathLike)):
        return path
    text = os.fsdecode(path).rpartition("::")[2]
    return os.path.expanduser(text.removeprefix("file://").removeprefix("local://"))


def _url(path: Any) -> str | None:
    """The URL that lightning.fabric.utilities.cloud_io._load hands to torch.hub, None for all else."""
    text = os.fsdecode(path) if isinstance(path, (str, os.PathLike)) else ""
    return text if text.startswith("http") else None


def _source(path: Any) -> Any:
    """What is read for `path`: of a URL the copy that torch.hub.load_state_dict_from_url keeps."""
    from urllib.parse import urlparse

    url = _url(path)
    hub = sys.modules.get("torch.hub")
    if url is None or hub is None:
        return _place(path)
    return os.path.join(hub.get_dir(), "checkpoints", os.path.basename(urlparse(url).path))


def _is_async(trainer: Any) -> bool:
    # AsyncCheckpointIO writes on a thread of its own after save_checkpoint has returned; there the file is
    # seen by TorchCheckpointIO. It may be wrapped in others, as any CheckpointIO may.
    plugin = trainer.strategy._checkpoint_io
    while plugin is not None:
        if any(base.__name__ == "AsyncCheckpointIO" for base in type(plugin).__mro__):
            return True
        plugin = getattr(plugin, "checkpoint_io", None)
    return False


def _trainer(call: Call) -> Any:
    return call.arguments["trainer"] if "trainer" in call.arguments else call.arguments["self"]


def _trained(call: Call) -> Any:
    return _trainer(call).lightning_module


def _is_first(call: Call) -> bool:
    # Every rank calls it, and waits at a barrier for the file that the first one writes.
    return bool(_trainer(call).is_global_zero)


def _checkpoint(call: Call) -> Any:
    return None if _is_async(_trainer(call)) else _place(call.arguments["filepath"])


def _series(call: Call) -> tuple[str, int | None] | None:
    callback, path = call.arguments["self"], call.arguments["filepath"]
    # `last_model_path` is set just before that very checkpoint is saved. It is a model of its own, like every
    # file at one path: else each iteration of the series would be in it twice.
    is_last = path == callback.last_model_path
    template = (callback.CHECKPOINT_NAME_LAST if is_last else callback.filename) or _TEMPLATE
    title = _title(_PLACEHOLDER, template)
    if not title:
        metrics = [name for name in _PLACEHOLDER.findall(template) if name not in ("epoch", "step")]
        title = "-".join(metrics or [callback.monitor or ""])
    return _group(callback.dirpath or os.path.dirname(path), title, _trainer(call).global_step)


def _series_by_state(call: Call) -> tuple[str, int | None] | None:
    # Here, which may be the thread of AsyncCheckpointIO, only the checkpoint tells whose it is, by the state
    # of the callbacks in it.
    checkpoint, path = call.arguments["checkpoint"], call.arguments["path"]
    if not isinstance(checkpoint, dict) or "global_step" not in checkpoint:
        return None
    for state in _states(checkpoint):
        # Those of ModelCheckpoint; another callback may well have something else under such a name.
        if not isinstance(state.get("best_k_models"), dict) or not isinstance(state.get("dirpath"), str):
            continue
        if path in (*state["best_k_models"], state.get("best_model_path"), state.get("last_model_path")):
            name = os.path.splitext(os.path.relpath(path, state["dirpath"]))[0]
            title = _title(_FILLED, name) or state.get("monitor") or ""
            return _group(state["dirpath"], title, checkpoint["global_step"])
    return None


def _known(call: Call) -> Any:
    # What `callback_metrics` has made up last. It makes them up anew when it is asked, and that may wait for
    # other ranks, which don't ask; ModelCheckpoint has just asked on all of them.
    return _trainer(call)._logger_connector._callback_metrics


def _known_by_state(call: Call) -> dict[str, Any]:
    states = _states(call.arguments["checkpoint"])
    return {each["monitor"]: each.get("current_score") for each in states if _is_name(each.get("monitor"))}


def _states(checkpoint: Any) -> list[dict[str, Any]]:
    """What the callbacks keep in a checkpoint, where that is a mapping: they may keep whatever they like."""
    callbacks = checkpoint.get("callbacks") if isinstance(checkpoint, dict) else None
    return (
        [each for each in callbacks.values() if isinstance(each, dict)] if isinstance(callbacks, dict) else []
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _title(pattern: re.Pattern[str], name: str) -> str:
    """What the file names of one callback have in common."""
    return re.sub(r"[-_=. ]{2,}", "-", pattern.sub("", name)).strip("-_=. /")


def _group(folder: Any, title: str, step: Any) -> tuple[str, int | None] | None:
    place = str(_place(folder))
    if "://" in place:
        return None  # a series has a path on this machine; the names of remote files group them as well
    return os.path.join(place, title.replace("/", "_")) if title else place, int(step)


def _is_kept(call: Call) -> bool:
    return os.path.basename(str(call.arguments["path"])) != _SCRATCH


def _is_module(call: Call) -> bool:
    # A LightningDataModule is made from a checkpoint by the same function; it reads no weights.
    return hasattr(call.arguments["cls"], "parameters")


def _unwrapped(state: Any) -> Any:
    """What Fabric saves or restores, as the user wrote it: modules without Fabric's wrappers."""
    if not isinstance(state, dict):
        return _original(state)
    found = {key: _original(part) for key, part in state.items()}
    # A state dict that is saved as it is must stay that very object: it is known where it came from.
    return found if any(found[key] is not state[key] for key in found) else state


def _original(part: Any) -> Any:
    inside = getattr(part, "_orig_mod", part)  # torch.compile
    return getattr(inside, "_original_module", inside)


def _restored(call: Call) -> Any:
    state = call.arguments["state"]
    return call.result if state is None else _unwrapped(state)


def _points(pytorch: str, fabric: str) -> Iterator[Point]:
    yield save(
        f"{pytorch}.callbacks.model_checkpoint:ModelCheckpoint._save_checkpoint",
        path=_checkpoint,
        model=_trained,
        group=_series,
        when=_is_first,
        metrics=_known,
    )
    yield save(
        f"{pytorch}.trainer.trainer:Trainer.save_checkpoint",
        path=_checkpoint,
        model=_trained,
        when=_is_first,
        metrics=_known,
    )
    yield save(
        f"{fabric}.fabric:Fabric.save",
        path=lambda call: _place(call.arguments["path"]),
        model=lambda call: _unwrapped(call.arguments["state"]),
        when=lambda call: bool(call.arguments["self"].is_global_zero),
    )
    yield save(
        f"{fabric}.plugins.io.torch_io:TorchCheckpointIO.save_checkpoint",
        path=lambda call: _place(call.arguments["path"]),
        model="checkpoint",
        group=_series_by_state,
        when=_is_kept,
        metrics=_known_by_state,
    )
    yield load(
        f"{pytorch}.core.saving:_load_from_checkpoint",
        path=lambda call: _source(call.arguments["checkpoint_path"]),
        origin=lambda call: _url(call.arguments["checkpoint_path"]),
        when=_is_module,
    )
    yield load(
        f"{pytorch}.trainer.connectors.checkpoint_connector:_CheckpointConnector.resume_start",
        path=lambda call: _source(call.arguments["checkpoint_path"]),
        model=lambda call: call.arguments["self"].trainer.lightning_module,
        origin=lambda call: _url(call.arguments["checkpoint_path"]),
    )
    yield load(
        f"{fabric}.fabric:Fabric.load",
        path=lambda call: _source(call.arguments["path"]),
        model=_restored,
        origin=lambda call: _url(call.arguments["path"]),
    )
    yield load(
        f"{fabric}.fabric:Fabric.load_raw",
        path=lambda call: _source(call.arguments["path"]),
        model=lambda call: _unwrapped(call.arguments["obj"]),
        origin=lambda call: _url(call.arguments["path"]),
    )
    yield load(
        f"{fabric}.plugins.io.torch_io:TorchCheckpointIO.load_checkpoint",
        path=lambda call: _source(call.arguments["path"]),
        origin=lambda call: _url(call.arguments["path"]),
        when=_is_kept,
    )
    yield load(
        f"{fabric}.utilities.cloud_io:_load",
        path=lambda call: _source(call.arguments["path_or_url"]),
        origin=lambda call: _url(call.arguments["path_or_url"]),
    )
    # Both save the weights before they try learning rates or batch sizes, load them back and delete the file.
    yield mute(f"{pytorch}.tuner.lr_finder:_lr_find", rule="framework scratch")
    yield mute(f"{pytorch}.tuner.batch_size_scaling:_scale_batch_size", rule="framework scratch")


hook = Hook(
    key="lightning",
    framework="Lightning",
    supports="lightning>=2.5",
    design=lambda module: repr(module) if hasattr(module, "named_modules") else None,
    points=tuple(point for package in _PACKAGES for point in _points(*package)),
)
