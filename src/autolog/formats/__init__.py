"""Looking into a weights file without running anything in it.

`inspect` tells what tensors a file holds, their shapes and types, a few facts that its format keeps,
and which globals of a pickle could run code on loading. It imports no framework, executes nothing of
the file, and takes bounded time and memory whatever the file claims.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from autolog.errors import UnreadableWeights
from autolog.formats._shape import Contents, Tensor

__all__ = ["Contents", "Tensor", "inspect"]


def inspect(file: BinaryIO, name: str = "") -> Contents | None:
    """What a weights file holds; None for a format that we don't know.

    `file` is seekable and open for reading; its position afterwards is undefined. The format is told by
    the content; the suffix of `name` decides only where the content leaves it open. A file of a
    format we know that is truncated, malformed or built to do harm raises `UnreadableWeights`, as
    does one that can't be read. Where a file may be sound but exceeds a bound of ours,
    `Contents.details["incomplete"]` says which, and `dangerous` covers what was read.
    """
    # Behind the first call: the agent imports this package before it needs to look into anything.
    from autolog.formats.pickles import inspect_compressed, inspect_pickle
    from autolog.formats.safetensors import inspect_safetensors
    from autolog.formats.torch_zip import inspect_torch_zip
    from autolog.formats.xgboost import inspect_xgboost

    try:
        size = file.seek(0, os.SEEK_END)
        return (
            inspect_torch_zip(file, size)
            or inspect_pickle(file, size, name)
            or inspect_compressed(file, name)
            or inspect_xgboost(file, size)
            or inspect_safetensors(file, size, name)
        )
    except OSError as fault:
        raise UnreadableWeights(f"can't be read: {fault}") from fault
