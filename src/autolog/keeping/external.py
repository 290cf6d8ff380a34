"""Importing a file, a folder or a URL as a model of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from autolog.config import Settings, mask
from autolog.content import Reach, Told, is_remote, open_place
from autolog.errors import DestinationError, NotFound, UnreadableWeights
from autolog.files import digest_of_files
from autolog.store import ContentsRecord, External, record_external

from .at_hand import keep_files, look_inside
from .here import Here, home_of, reach_of
from .restore import digest_at
from .scratch import room

if TYPE_CHECKING:
    from autolog.store import Kept, Store

__all__ = ["Registered", "at_hand", "framework_of", "import_file"]

_BLOCK = 1 << 20
#: A server that says nothing for so many seconds has gone away.
_PATIENCE = 60.0
#: How the format of a file begins, and whose it is.
_FRAMEWORKS = (
    ("torch", "PyTorch"),
    ("TorchScript", "TorchScript"),
    ("safetensors", "Safetensors"),
    ("Keras", "Keras"),
    ("HDF5", "Keras"),
    ("SavedModel", "TensorFlow"),
    ("TensorFlow", "TensorFlow"),
    ("TFLite", "TensorFlow_Lite"),
    ("ONNX", "ONNX"),
    ("xgboost", "XGBoost"),
    ("XGBoost", "XGBoost"),
    ("LightGBM", "LightGBM"),
    ("CatBoost", "CatBoost"),
    ("MegEngine", "MegEngine"),
    ("skops", "ScikitLearn"),
    ("joblib", "ScikitLearn"),
    ("pickle", "Pickle"),
)


class Registered(NamedTuple):
    """Which version it is, whether it was new, whether its bytes are kept, and why they wait if they do."""

    model_id: str
    version: int
    is_new: bool
    is_kept: bool
    reason: str = ""


@contextmanager
def at_hand(source: str, here: Here, told: Told = lambda size: None) -> Iterator[tuple[str, str]]:
    """`(origin, path on this machine)` of a path or URL; what is far away is fetched for as long.

    Raises NotFound and UnreadableWeights.
    """
    if not is_remote(source):
        path = os.path.abspath(os.path.expanduser(source.partition("://")[2] if "://" in source else source))
        if not os.path.exists(path):
            raise NotFound(f"there is nothing at {path}")
        if not (os.path.isfile(path) or os.path.isdir(path)):
            # A pipe or /dev/zero would be read for ever.
            raise UnreadableWeights(f"{path} is neither a file nor a folder; name what holds weights")
        yield path, path
        return
    name = os.path.basename(source.partition("?")[0].rstrip("/")) or "model"
    with room(home_of(here)) as folder:
        path = os.path.join(folder, name)
        _fetch(source, path, reach_of(here), told)
        yield mask(source), path


def import_file(
    at: tuple[str, str],
    store: Store,
    kept: Kept,
    settings: Settings,
    *,
    chosen: dict[str, str],
    keep: bool = False,
) -> Registered:
    """Register what `at_hand` gave as a model: its digest, size and what is inside.

    `chosen` may say `name`, `project` (else "imported") and `framework` (else told by the format). The same
    origin again is the same model, with another version if its bytes are others. The bytes are kept if
    `output_uri` is set, or to `keep`. Raises UnreadableWeights, DestinationError and StoreError.
    """
    origin, path = at
    files = _files(path)
    try:
        sizes = {name: os.path.getsize(where) for name, where in files}
        digests = {name: digest_at(where) for name, where in files}
    except OSError as error:
        raise UnreadableWeights(f"{path} can't be read ({error.strerror or error})") from error
    contents = look_inside([(name or os.path.basename(path), where) for name, where in files])
    own = os.path.basename(origin.partition("?")[0].rstrip("/"))
    is_single = [name for name, _ in files] == [""]
    model_id, version, is_new = record_external(
        store,
        External(
            origin=origin,
            digest=digests[""] if is_single else digest_of_files((n, sizes[n], digests[n]) for n in sizes),
            size=sum(sizes.values()),
            name=chosen.get("name") or os.path.splitext(own)[0] or own or "model",
            project=chosen.get("project") or "imported",
            framework=chosen.get("framework") or framework_of("" if contents is None else contents.format),
            files=() if is_single else [(name, sizes[name], digests[name]) for name, _ in files],
            contents=None if contents is None else ContentsRecord.of(contents),
            design=None if contents is None else contents.design,
        ),
    )
    snapshot = next(each for each in store.model(model_id).snapshots if each.version == version)
    if snapshot.keeping == "kept" or not (keep or settings.output_uri):
        return Registered(model_id, version, is_new, snapshot.keeping == "kept")
    event = (kept.event_of(snapshot.id), origin, None)
    there = [(name, where, digests[name]) for name, where in files]
    problem = keep_files(kept, settings, event, there, snapshot.created)
    return Registered(model_id, version, is_new, not problem, problem)


def _files(path: str) -> list[tuple[str, str]]:
    """The files `(name, where it is)` at a path: one without a name, or those of a folder."""
    if not os.path.isdir(path):
        return [("", path)]
    found = sorted(
        (os.path.relpath(os.path.join(here, name), path), os.path.join(here, name))
        for here, _, names in os.walk(path)
        for name in names
        if os.path.isfile(os.path.join(here, name))
    )
    if not found:
        raise UnreadableWeights(f"there are no files in {path}")
    return found


def framework_of(format_: str) -> str:
    """Whose a format is: the name of a framework, `Unknown` if that can't be told."""
    return next((name for start, name in _FRAMEWORKS if format_.startswith(start)), "Unknown")


def _fetch(url: str, target: str, reach: Reach, told: Told) -> None:
    if _is_web(url):
        _download(url, target, told)
        return
    try:
        # One try: somebody waits for it, and can see what is wrong.
        open_place(url, reach._replace(retries=0)).fetch("", target, told)
    except DestinationError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise NotFound(f"there is nothing at {mask(url)}") from error
        raise UnreadableWeights(str(error)) from error


def _download(url: str, target: str, told: Told) -> None:
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_PATIENCE) as source, open(target, "wb") as output:
            while data := source.read(_BLOCK):
                output.write(data)
                told(len(data))
            still_to_come = source.length
    except (OSError, ValueError, HTTPException) as error:
        if getattr(error, "code", None) in (404, 410):
            raise NotFound(f"there is nothing at {mask(url)}") from error
        raise UnreadableWeights(f"{mask(url)} can't be fetched ({error})") from error
    if still_to_come:
        raise UnreadableWeights(f"{mask(url)} was cut off; try again")


def _is_web(url: str) -> bool:
    return url.partition("://")[0] in ("http", "https")
