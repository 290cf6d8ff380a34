"""Looking into a weights file without running anything in it.

`inspect` tells what tensors a file holds, their shapes and types, a few facts that its format keeps,
and which globals of a pickle could run code on loading; `regions` where in the file the tensors' bytes lie.
They import no framework, execute nothing of the file, and take bounded time and memory whatever the file
claims.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import BinaryIO

from autolog.errors import UnreadableWeights
from autolog.formats._layout import ordered
from autolog.formats._shape import Contents, Region, Tensor

__all__ = ["Contents", "Region", "Tensor", "inspect", "inspect_bundle", "regions"]


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


def regions(file: BinaryIO, name: str = "") -> tuple[Region, ...]:
    """Where the raw bytes of tensors lie in a file: by offset, without overlaps, all within the file.

    What `inspect` has in `Contents.regions`, and the arrays of NumPy's own files. Empty for a file of an
    unknown format, and for one that is compressed, truncated, malformed or can't be read: nothing is raised.
    Tensors of a few bytes are there too.
    """
    from autolog.formats.numpy_files import inspect_numpy

    try:
        found = inspect(file, name)
        if found is None:
            size = file.seek(0, os.SEEK_END)
            found = inspect_numpy(file, size)
            return () if found is None else ordered(found.regions, size)
    except (UnreadableWeights, OSError):
        return ()
    return () if found is None else found.regions


def inspect_bundle(
    files: Sequence[tuple[str, Callable[[], BinaryIO]]], aside: Collection[str] = ()
) -> Contents | None:
    """What several files hold that are one snapshot; None if none of them is of a format that we know.

    Each is a relative name and what opens it for reading. The tensors of all weights come together, those of
    different folders under their folder's name; globals in `dangerous` begin with the name of their file.
    The design and the labels are those of a `config.json`, or of the weights. Files named in `aside` are no
    part of the weights: only what loading them could run is told. A file that can't be read is named in
    `details["unreadable"]`; if no weights are left, `UnreadableWeights` is raised.
    """
    from autolog.formats.bundles import merge

    return merge(files, inspect, aside)
