"""Looking into a weights file without running anything in it.

`inspect` tells what tensors a file holds, their shapes and types, a few facts that its format keeps,
and which globals of a pickle could run code on loading; `regions` where in the file the tensors' bytes lie.
They import no framework, execute nothing of the file, and take bounded time and memory whatever the file
claims.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from autolog.errors import UnreadableWeights
from autolog.formats._layout import ordered
from autolog.formats._shape import Change, Contents, Place, Region, Stored, Tensor

__all__ = [
    "Change",
    "Contents",
    "Place",
    "Region",
    "Seen",
    "Stored",
    "Tensor",
    "arrays",
    "difference",
    "difference_of",
    "inspect",
    "inspect_bundle",
    "regions",
    "weights_digest",
    "weights_digest_of",
    "weights_digests",
    "weights_digests_of",
]

if TYPE_CHECKING:
    from autolog.formats._shards import Shard

File = tuple[str, Callable[[], BinaryIO]]


def inspect(file: BinaryIO, name: str = "") -> Contents | None:
    """What a weights file holds; None for a format that we don't know.

    `file` is seekable and open for reading; its position afterwards is undefined. The format is told by
    the content; the suffix of `name` decides only where the content leaves it open. A file of a
    format we know that is truncated, malformed or built to do harm raises `UnreadableWeights`, as
    does one that can't be read. Where a file may be sound but exceeds a bound of ours,
    `Contents.details["incomplete"]` says which, and `dangerous` covers what was read.
    """
    # Behind the first call: the agent imports this package before it needs to look into anything.
    from autolog.formats.catboost import inspect_catboost
    from autolog.formats.hdf5 import inspect_hdf5
    from autolog.formats.indexes import inspect_index
    from autolog.formats.lightgbm import inspect_lightgbm
    from autolog.formats.megengine import inspect_megengine
    from autolog.formats.onnx import inspect_onnx
    from autolog.formats.pickles import inspect_compressed, inspect_pickle
    from autolog.formats.safetensors import inspect_safetensors
    from autolog.formats.tensorflow import inspect_checkpoint, inspect_saved_model
    from autolog.formats.tflite import inspect_tflite
    from autolog.formats.xgboost import inspect_xgboost
    from autolog.formats.zips import inspect_zip

    try:
        size = file.seek(0, os.SEEK_END)
        found = (
            inspect_zip(file, size, name)
            or inspect_hdf5(file, size)
            or inspect_pickle(file, size, name)
            or inspect_compressed(file, name)
            or inspect_xgboost(file, size)
            or inspect_lightgbm(file, size)
            or inspect_catboost(file, size)
            or inspect_tflite(file, size)
            or inspect_megengine(file, size)
            or inspect_index(file, size, name)
            or inspect_checkpoint(file, size)
            or inspect_saved_model(file, size, name)
            or inspect_safetensors(file, size, name)
            or inspect_onnx(file, size, name)
        )
    except OSError as fault:
        raise UnreadableWeights(f"can't be read: {fault}") from fault
    if found is not None and found.regions:
        found = replace(found, regions=ordered(found.regions, size))
    return found


class Seen:
    """What was found in files already, by their names, so that none is looked into twice.

    Only for files that stay as they are, and for one thread at a time.
    """

    def __init__(self) -> None:
        self._found: dict[str, Contents | UnreadableWeights | None] = {}
        #: Known digests of a file's bytes, blake3 in hexadecimal, by its name, then by offset and length.
        self.ranges: dict[str, Mapping[tuple[int, int], str]] = {}

    def has(self, name: str) -> bool:
        """Whether a file was looked into."""
        return name in self._found

    def inspect(self, file: BinaryIO, name: str) -> Contents | None:
        """As `inspect`; `name` may be that of a file in a folder."""
        if name not in self._found:
            try:
                self._found[name] = inspect(file, posixpath.basename(name))
            except UnreadableWeights as fault:
                self._found[name] = fault
        found = self._found[name]
        if isinstance(found, UnreadableWeights):
            raise found
        return found


def _look(file: BinaryIO, name: str, seen: Seen) -> Contents | None:
    """What `inspect` finds, and files of NumPy's own, which it doesn't take for models."""
    from autolog.formats.numpy_files import inspect_numpy

    found = seen.inspect(file, name)
    if found is not None:
        return found
    try:
        size = file.seek(0, os.SEEK_END)
        found = inspect_numpy(file, size)
    except OSError as fault:
        raise UnreadableWeights(f"can't be read: {fault}") from fault
    return None if found is None else replace(found, regions=ordered(found.regions, size))


def regions(file: BinaryIO, name: str = "", seen: Seen | None = None) -> tuple[Region, ...]:
    """Where the raw bytes of tensors lie in a file: by offset, without overlaps, all within the file.

    What `inspect` has in `Contents.regions`, and the arrays of NumPy's own files. Empty for a file of an
    unknown format, and for one that is compressed, truncated, malformed or can't be read: nothing is raised.
    Tensors of a few bytes are there too.
    """
    try:
        found = _look(file, name, seen or Seen())
    except UnreadableWeights:
        return ()
    return () if found is None else found.regions


def arrays(file: BinaryIO, name: str = "") -> tuple[Stored, ...]:
    """The tensors of the model in a file and where their elements lie, optimizer states left out.

    What `inspect` has in `Contents.stored`, and the arrays of NumPy's own files. Names of tied tensors that
    safetensors left out are there, too. Empty where the format doesn't show it, or a bound of ours was
    reached. Raises `UnreadableWeights` as `inspect` does.
    """
    found = _look(file, name, Seen())
    return () if found is None else found.stored


def weights_digest(file: BinaryIO, name: str = "") -> str | None:
    """The digest of the model's weights alone, `weights:blake3:` and 64 digits; None where it can't be told.

    It is over the names (`Stored.key`), shapes, element types and elements of the model's tensors, so it is
    that of the same weights in another container: in a checkpoint or alone, in either format of
    `torch.save`, in safetensors, with other times in it. It can't be told of pickled objects (joblib,
    scikit-learn), of files some of whose tensors are compressed, quantized, sparse or elsewhere, and of
    those that can't be read.
    """
    return next(iter(weights_digests(file, name)), None)


def weights_digests(file: BinaryIO, name: str = "", seen: Seen | None = None) -> tuple[str, ...]:
    """`weights_digest`, and what it would be if each tied tensor were kept under one of its names only.

    safetensors keeps no tensor twice: of tied ones some libraries leave out a name without saying which. A
    file that has one of these digests as its own holds the same weights. Empty where it can't be told; at
    most 16 besides the first.
    """
    from autolog.formats._identity import digests, weights

    seen = seen or Seen()
    try:
        found = _look(file, name, seen)
        ranges = seen.ranges.get(name, {})
        told = None if found is None else weights(file, file.seek(0, os.SEEK_END), found, ranges)
    except (UnreadableWeights, OSError):
        return ()
    return () if told is None else digests(told)


def weights_digest_of(files: Sequence[File], aside: Collection[str] = ()) -> str | None:
    """The digest of the weights in several files that are one snapshot, given as to `inspect_bundle`.

    That of a model in shards is that of the model in one file. None as for `weights_digest`, for more than
    500 files, and where two files hold different tensors of one name.
    """
    return next(iter(weights_digests_of(files, aside)), None)


def weights_digests_of(
    files: Sequence[File], aside: Collection[str] = (), seen: Seen | None = None
) -> tuple[str, ...]:
    """As `weights_digests`, for several files that are one snapshot."""
    from autolog.formats._identity import digests, merged
    from autolog.formats._shards import shards

    seen = seen or Seen()
    try:
        found = shards(files, partial(_look, seen=seen), aside)
        told = None if found is None else merged(found, seen.ranges)
    except (UnreadableWeights, OSError):
        return ()
    return () if told is None else digests(told)


def difference(file_a: BinaryIO, name_a: str, file_b: BinaryIO, name_b: str) -> tuple[Change, ...]:
    """What became of each tensor of a model from file A to file B, by name; needs NumPy.

    Tensors are told by their names within the model, so a checkpoint can be compared with a state dict. It
    reads both files once or twice, in bounded memory. Raises `UnreadableWeights` for a file that can't be
    read or is of no format that we know, or if NumPy isn't installed.
    """
    from contextlib import nullcontext

    from autolog.formats._shards import Shard

    def side(file: BinaryIO, name: str) -> list[Shard]:
        found = _look(file, name, Seen())
        if found is None:
            raise UnreadableWeights(f"{name or 'the file'} is of no format that we know")
        # Its names come as they are, not below the folder of the file.
        return [Shard("", lambda: nullcontext(file), file.seek(0, os.SEEK_END), found)]

    return _between(side(file_a, name_a), side(file_b, name_b))


def difference_of(
    files_a: Sequence[File],
    files_b: Sequence[File],
    aside_a: Collection[str] = (),
    aside_b: Collection[str] = (),
) -> tuple[Change, ...]:
    """As `difference`, for snapshots of several files, given as to `inspect_bundle`."""
    from autolog.formats._shards import shards

    sides = [
        shards(files, partial(_look, seen=Seen()), aside)
        for files, aside in ((files_a, aside_a), (files_b, aside_b))
    ]
    if sides[0] is None or sides[1] is None:
        raise UnreadableWeights("not all files of the snapshot can be read")
    return _between(sides[0], sides[1])


def _between(old: list[Shard], new: list[Shard]) -> tuple[Change, ...]:
    from contextlib import closing

    from autolog.formats._difference import Side, compare

    try:
        with closing(Side(old)) as before, closing(Side(new)) as after:
            return compare(before, after)
    except ImportError as fault:
        raise UnreadableWeights(f"comparing tensors needs NumPy (pip install numpy): {fault}") from fault
    except OSError as fault:
        raise UnreadableWeights(f"can't be read: {fault}") from fault


def inspect_bundle(
    files: Sequence[File], aside: Collection[str] = (), seen: Seen | None = None
) -> Contents | None:
    """What several files hold that are one snapshot; None if none of them is of a format that we know.

    Each is a relative name and what opens it for reading. The tensors of all weights come together, those of
    different folders under their folder's name; globals in `dangerous` begin with the name of their file.
    The design and the labels are those of a `config.json`, or of the weights. Files named in `aside` are no
    part of the weights: only what loading them could run is told. A file that can't be read is named in
    `details["unreadable"]`; if no weights are left, `UnreadableWeights` is raised.
    """
    from autolog.formats.bundles import merge

    return merge(files, (seen or Seen()).inspect, aside)
