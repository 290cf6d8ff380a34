"""Where the files of a snapshot lie around its path: in a folder, or beside each other behind a prefix.

The records name a snapshot's path and, of each of its files, what follows the base that all have in common.
`model.onnx` and `model.onnx.data` are ``""`` and ``".data"`` behind the prefix `model.onnx`; TensorFlow's
checkpoints are `.index` and `.data-*`; in a folder the names are relative paths.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import NamedTuple

__all__ = ["Layout", "is_safe_name", "layout_of"]


class Layout(NamedTuple):
    """How a snapshot's files are named: `base` stands before each name at its own path.

    `own_name` is what the file, the folder or the prefix is called. `is_single` if it is one file.
    """

    is_single: bool
    is_prefix: bool
    base: str
    own_name: str

    def at(self, target: str, name: str) -> str:
        """The path of a file of a snapshot whose file, folder or prefix is at `target`."""
        if self.is_single:
            return target
        return target + name if self.is_prefix else os.path.join(target, name)

    def at_own_path(self, name: str) -> str:
        """The path of a file where the script saved it; empty if that isn't known."""
        return self.base + name if self.base else ""


def layout_of(uri: str | None, names: Collection[str]) -> Layout:
    """The layout of a snapshot with these files at this path; a single file has no name, or an empty one."""
    path = uri or ""
    if "://" in path:
        path = path.partition("?")[0].partition("#")[0]
    own = os.path.basename(path.rstrip("/"))
    if not names or set(names) == {""}:
        return Layout(True, False, path, own)
    if all(name == "" or name[0] in "._-" for name in names):
        # The path is that of one of them, or what stands before all of them.
        end = max((name for name in names if own.endswith(name)), key=len, default="")
        base = path[: len(path) - len(end)] if end else path
        return Layout(False, True, base, os.path.basename(base))
    if own in names and os.path.splitext(own)[1]:
        # Called by one of its files: what is beside it belongs to it.
        return Layout(False, False, path[: len(path) - len(own)], os.path.splitext(own)[0])
    return Layout(False, False, f"{path.rstrip('/')}/" if path else "", own)


def is_safe_name(name: str) -> bool:
    """Whether a file of this name stays within its snapshot's folder."""
    if "\0" in name or name.startswith("/"):
        return False
    return all(part not in ("", ".", "..") for part in name.split("/")) if name else True
