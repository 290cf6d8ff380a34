"""What a hooked call writes or reads: a path, a folder, a prefix, an open file, a buffer, a URL."""

from __future__ import annotations

import os
from typing import Any

from autolog.config import mask
from autolog.hooks import Bundle

from .bundle import has_file, look_at, pin_bundle
from .pin import Pin, is_buffer, pin_path

__all__ = ["Target"]

#: What fsspec puts in front of the paths of its local file system.
_LOCAL = ("file://", "local://")


class Target:
    """What a call writes or reads, worked out before the original runs (relative paths move)."""

    __slots__ = ("before", "bundle", "file", "path", "pin", "place")

    def __init__(self, target: Any) -> None:
        self.file: Any = None
        self.path: str | None = None
        self.pin: Pin | None = None
        #: which files are one snapshot, with absolute paths
        self.bundle: Bundle | None = None
        #: the files of it that a save finds there, as they are then
        self.before: dict[str, tuple[int, int]] = {}
        if isinstance(target, Bundle):
            self.place = "remote" if _is_url(target.path) else "file"
            if self.place == "file":
                self.path = os.path.abspath(target.path)
                self.bundle = target._replace(path=self.path, root=os.path.abspath(target.root))
            else:
                self.path = mask(target.path)
        elif isinstance(target, (str, os.PathLike)):
            path = os.fspath(target)
            text = os.fsdecode(path) if isinstance(path, bytes) else path
            remote = _is_url(text)
            self.place = "remote" if remote else "file"
            self.path = mask(text) if remote else os.path.abspath(text)
        elif isinstance(target, (bytes, bytearray, memoryview)):
            self.place, self.file = "memory", target
        else:
            url = _url_of(target)
            if url is not None:
                self.place, self.path = "remote", mask(url)
            else:
                self.place = "memory" if is_buffer(target) else "open"
            self.file = target

    def files(self) -> Bundle | None:
        """Which files these are, if there may be several."""
        path = self.path if self.place == "file" and self.bundle is None else None
        return Bundle(path, path) if path is not None and os.path.isdir(path) else self.bundle

    def look(self) -> None:
        """Note what a save finds there, to tell afterwards what it left as it was."""
        bundle = self.files()
        if bundle is not None:
            self.before = look_at(bundle)

    def hold(self) -> None:
        """Hold the file or files that are there now, if there are any."""
        if self.place != "file" or self.path is None:
            return
        self.bundle = self.files()
        self.pin = pin_path(self.path) if self.bundle is None else pin_bundle(self.bundle, self.before)

    def covers(self, path: str) -> bool:
        """Whether a file at this path is, or would be, one of several that are saved or loaded together."""
        return self.bundle is not None and has_file(self.bundle, path)

    def release(self) -> None:
        """Let go of the file."""
        if self.pin is not None:
            self.pin.release()

    @property
    def address(self) -> str | None:
        """Its path or URL, written one way: fsspec calls `memory://a` also `memory:///a`."""
        return self.path if self.path is None or self.place == "file" else self.path.replace(":///", "://", 1)

    @property
    def name(self) -> str:
        """What to call it, also if it has no path of its own."""
        if self.path is not None:
            return self.path
        name = (
            _in_archive(self.file)
            or getattr(self.file, "full_name", None)
            or getattr(self.file, "name", None)
        )
        if isinstance(name, (str, os.PathLike)):
            return os.fspath(name)
        return f"<{type(self.file).__name__}>"


def _in_archive(file: Any) -> str | None:
    """Where an open member of a zip or tar is: its name below the archive's path; None for other files.

    By its own name every archive's `model.pt` would be taken for the same one. Before Python 3.13 a tar's
    member doesn't know its name: where it begins in the archive tells it from others.
    """
    kind = f"{type(file).__module__}.{type(file).__name__}"
    member: Any = None
    archive: Any = None
    mark = "/"
    if kind == "zipfile.ZipExtFile":
        member, archive = file.name, getattr(getattr(file, "_fileobj", None), "_file", None)
    elif kind == "zipfile._ZipWriteFile":
        member = getattr(getattr(file, "_zinfo", None), "filename", None)
        archive = getattr(getattr(file, "_zipfile", None), "fp", None)
    elif kind == "tarfile.ExFileObject":
        archive, member = file.raw.fileobj, getattr(file.raw, "name", None)
        if member == getattr(archive, "name", None):
            member, mark = str(file.raw.offset), "@"
    path = getattr(archive, "name", None)
    if not isinstance(member, str) or not isinstance(path, (str, os.PathLike)):
        return None
    return f"{os.path.abspath(os.fsdecode(path))}{mark}{member}"


def _url_of(file: Any) -> str | None:
    """Where an open file of fsspec's really is, if that isn't on this machine's own disks."""
    name = getattr(getattr(file, "fs", None), "unstrip_protocol", None)
    path = getattr(file, "path", None)
    url = name(path) if callable(name) and isinstance(path, str) else None
    return url if isinstance(url, str) and _is_url(url) and not url.startswith(_LOCAL) else None


def _is_url(text: str) -> bool:
    """Whether a target is a URL and not a path: a scheme of two letters or more before `://`."""
    scheme, mark, _ = text.partition("://")
    return bool(mark) and len(scheme) > 1 and scheme.replace("+", "").replace("-", "").isalnum()
