"""Zip archives: which framework wrote one is told by the names of its entries."""

from __future__ import annotations

from autolog.errors import UnreadableWeights
from autolog.formats._shape import Contents
from autolog.formats._source import Enough, Seekable
from autolog.formats._zips import open_archive
from autolog.formats.keras_zip import inspect_keras
from autolog.formats.skops import inspect_skops
from autolog.formats.torch_export import inspect_export
from autolog.formats.torch_zip import inspect_package, inspect_torch

__all__ = ["inspect_zip"]


def inspect_zip(file: Seekable, size: int, name: str = "") -> Contents | None:
    """What an archive of PyTorch, Keras or skops holds; None for any other file or archive."""
    file.seek(0)
    if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
        return None
    try:
        found = _inspect(file, size)
    except Enough as bound:
        return Contents("zip", details={"incomplete": str(bound)})
    if found is not None and name.endswith(".distcp"):
        # One archive after the other, of which the last one was found.
        details = {"incomplete": "only .metadata beside it tells what it holds"}
        return Contents("torch.distributed data", details=details, dangerous=found.dangerous)
    return found


def _inspect(file: Seekable, size: int) -> Contents | None:
    with open_archive(file, size) as archive:
        for look in (inspect_export, inspect_package, inspect_torch, inspect_keras, inspect_skops):
            try:
                found = look(archive)
            except Enough as bound:
                # Before anything could be made of it: a small entry that isn't small.
                raise UnreadableWeights(f"a zip archive in which {bound}") from bound
            if found is not None:
                return found
    return None
