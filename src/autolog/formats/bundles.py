"""Several files that are one snapshot: shards of weights, checkpoints, folders of a framework's.

Each file is looked into by itself; then what belongs together is put together: the tensors of all weights,
everything that could run, and what the files beside them say of the design.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from autolog.errors import UnreadableWeights
from autolog.formats._counting import MOST_TENSORS, cut_design
from autolog.formats._hugging import config_facts, config_labels, is_config
from autolog.formats._keras import is_keras_config, read_config
from autolog.formats._naming import BESIDE
from autolog.formats._pieces import look_into_pieces
from autolog.formats._shape import Contents, Tensor
from autolog.formats._standins import readable

__all__ = ["File", "is_beside", "is_passed_over", "merge"]

File = tuple[str, Callable[[], BinaryIO]]
Look = Callable[[BinaryIO, str], "Contents | None"]

_MOST_FILES = 500
_LONGEST = 60.0  # seconds; each file alone is bounded, and a sound one takes a thousandth of that
_LARGEST_CONFIG = 1 << 22
_MOST_NAMED = 50
_MOST_DANGEROUS = 200
_TRAINER = "trainer_state.json"
_CONFIGS = ("config.json", "adapter_config.json", "model_index.json")
# Beside the weights: what a trainer needs to go on, tokens, settings.
_ASIDE = re.compile(r"(random_states?|rng_state|scaler|sampler|training_args|trainer_state|dataloader)")
_PARTS = (".distcp", ".data")
_SHARD = re.compile(r"\.data-\d{5}-of-\d{5}$")


class _Found:
    """What was found in the files so far."""

    def __init__(self) -> None:
        self.weights: list[tuple[str, Contents]] = []
        self.beside: list[tuple[str, Contents]] = []
        self.unreadable: dict[str, str] = {}
        self.config: str | None = None
        #: whose configuration it is
        self.form = ""
        self.dangerous: list[str] = []
        self.facts: dict[str, Any] = {}
        self.labels: dict[str, int] = {}
        self.graph: Contents | None = None
        self.counters: dict[str, Any] = {}
        self.late = False
        self.room = MOST_TENSORS

    def everything(self) -> list[tuple[str, Contents]]:
        return [*self.weights, *self.beside]


def merge(files: Sequence[File], look: Look, aside: Collection[str] = ()) -> Contents | None:
    """What several files hold together, each of them looked into by `look`; None if no format is known.

    Those named in `aside` are no part of the weights, whatever they hold. A file that can't be read is named
    in the details as `unreadable`; if that leaves no weights, `UnreadableWeights` is raised.
    """
    found = _Found()
    deadline = time.monotonic() + _LONGEST
    ordered = sorted(files, key=lambda file: (_rank(file[0]), file[0].count("/"), file[0]))
    for name, opener in ordered[:_MOST_FILES]:
        if time.monotonic() > deadline:
            found.late = True
            break
        try:
            with opener() as file:
                _take(found, name, file, look, aside)
        except (UnreadableWeights, OSError) as fault:
            found.unreadable[readable(name, 200)] = readable(str(fault), 200)
    pieces: tuple[str, ...] = ()
    if any(each.format.startswith("torch.distributed") for _, each in found.weights):
        pieces = look_into_pieces(dict(files), deadline)
    if not found.weights and found.graph is None:
        if found.unreadable:
            name, reason = next(iter(found.unreadable.items()))
            raise UnreadableWeights(f"{name}: {reason}")
        if not found.beside and not found.config:
            return None
    return _together(found, len(files), pieces)


def _rank(name: str) -> int:
    """What tells of all other files first, so that a bound on their number never leaves it out."""
    base = posixpath.basename(name)
    if (
        base in _CONFIGS
        or base in (".metadata", "saved_model.pb")
        or base.endswith((".index", ".index.json"))
    ):
        return 0
    return 1 if not base.endswith((".json", ".txt", ".md")) else 2


def _take(found: _Found, name: str, file: BinaryIO, look: Look, aside: Collection[str]) -> None:
    base = posixpath.basename(name)
    if base in _CONFIGS or base == _TRAINER:
        _config(found, base, file)
        return
    if is_passed_over(base):
        return
    contents = look(file, name)
    if contents is None:
        return
    if len(contents.tensors) > found.room:
        contents = replace(contents, tensors=contents.tensors[: found.room])
        found.late = True
    found.room -= len(contents.tensors)
    if contents.format == "SavedModel":
        found.graph = contents
    elif contents.format.endswith("index") or name in aside or is_beside(base):
        found.beside.append((name, contents))
    else:
        found.weights.append((name, contents))


def is_passed_over(base: str) -> bool:
    """Whether a file isn't looked into for weights: a configuration, or bytes that an index tells of."""
    return base in _CONFIGS or base == _TRAINER or base.endswith(_PARTS) or _SHARD.search(base) is not None


def is_beside(base: str) -> bool:
    """Whether a file's name says that it holds what a trainer needs to go on, and no weights."""
    stem = base.partition(".")[0]
    return _ASIDE.match(stem) is not None or BESIDE.search(stem) is not None


def _config(found: _Found, base: str, file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > _LARGEST_CONFIG:
        return
    text = file.read(size).decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    if base == _TRAINER:
        counters = document if isinstance(document, dict) else {}
        kept = {key: counters.get(key) for key in ("global_step", "epoch")}
        found.counters.update({key: value for key, value in kept.items() if _is_plain(value)})
    # The one nearest to the root is the model's; below may be those of its parts.
    elif is_config(document) and found.config is None:
        found.config, found.form = text, "Hugging Face model"
        found.facts = config_facts(document)
        found.labels = config_labels(document)
    elif is_keras_config(document) and found.config is None:
        found.config, found.form = text, "Keras"
        found.facts, dangerous = read_config(text)
        found.dangerous = [f"{base}: {danger}" for danger in dangerous]


def _is_plain(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) < 1 << 53


def _together(found: _Found, files: int, pieces: tuple[str, ...]) -> Contents:
    tensors, parameters, cut = _tensors(found.weights)
    details = _details(found, files)
    if cut or found.late or files > _MOST_FILES:
        details.setdefault("incomplete", "more files or tensors than we look into")
    dangers = found.dangerous + [
        f"{readable(name, 200)}: {danger}" for name, each in found.everything() for danger in each.dangerous
    ]
    design = cut_design(found.config) if found.config else None
    labels: dict[str, int] = found.labels
    for contents in (found.graph, *(each for _, each in found.weights)):
        if contents is not None:
            design = design or contents.design
            labels = labels or dict(contents.labels)
    return Contents(
        _form(found),
        tensors,
        parameters,
        details,
        tuple([*dangers, *pieces][:_MOST_DANGEROUS]),
        design,
        labels,
    )


def _form(found: _Found) -> str:
    if found.graph is not None:
        return "SavedModel"
    if found.config is not None:
        return found.form
    forms = Counter(each.format for _, each in found.weights)
    if not forms:
        return found.beside[0][1].format if found.beside else "unknown"
    form, count = forms.most_common(1)[0]
    if form in ("TensorFlow checkpoint", "torch.distributed checkpoint") and count == 1:
        return form
    return f"{form} ({count} files)" if count > 1 else form


def _tensors(weights: list[tuple[str, Contents]]) -> tuple[tuple[Tensor, ...], int | None, bool]:
    """All tensors once, the elements of the model's, and whether there were too many.

    Shards have different names for different tensors. Files in different folders are parts of a model:
    their names begin with the folder. The same weights in two formats count once.
    """
    folders = {posixpath.dirname(name) for name, _ in weights}
    kept: dict[str, Tensor] = {}
    total: int | None = None
    cut = False
    for name, contents in weights:
        folder = posixpath.dirname(name)
        prefix = f"{folder}/" if len(folders) > 1 and folder else ""
        fresh = 0
        for tensor in contents.tensors:
            key = readable(prefix + tensor.name, 1_000)
            if key not in kept and len(kept) >= MOST_TENSORS:
                cut = True
            elif key not in kept:
                kept[key] = Tensor(key, tensor.shape, tensor.dtype) if prefix else tensor
                fresh += 1
        if contents.parameters is not None and (fresh or not contents.tensors):
            total = (total or 0) + contents.parameters
    if total is not None and total >= 1 << 63:
        raise UnreadableWeights("more elements than memory addresses")
    return tuple(kept.values()), total, cut


def _details(found: _Found, files: int) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if found.graph is not None:
        details.update(found.graph.details)
    details.update(found.facts)
    details.update(found.counters)
    weights = [readable(name, 200) for name, _ in found.weights]
    details["weights_files"] = weights[:_MOST_NAMED]
    details["file_count"] = files
    if len(found.weights) == 1:
        # One file of weights: what it tells is told of the whole.
        details = {**found.weights[0][1].details, **details}
    for _, contents in found.beside:
        if "total_size" in contents.details:
            details.setdefault("total_size", contents.details["total_size"])
    incomplete = [
        each.details["incomplete"] for _, each in found.everything() if "incomplete" in each.details
    ]
    if incomplete:
        details["incomplete"] = incomplete[0]
    if found.unreadable:
        details["unreadable"] = dict(list(found.unreadable.items())[:_MOST_NAMED])
    return details
