"""Taking hold of a file: open it read-only and note what it is, in microseconds whatever its size.

An open descriptor keeps the bytes through unlink, rename and replacement. It doesn't protect against
a write into the same file; size, modification time and a checksum of a few fixed places tell.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from autolog.events import FileFacts, Part
from autolog.files import facts_from, facts_of, path_of

__all__ = ["Pin", "is_buffer", "pin_open_file", "pin_path", "unspooled"]

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class Pin:
    """A file that is held: its descriptor (ours to close), its absolute path then, and its facts.

    One of several files holds those in `parts`; its own descriptor and facts are those of its folder or
    of its leading part (see `autolog.events.Saved`).
    """

    __slots__ = ("base", "descriptor", "facts", "lead", "parts", "path", "problem")

    def __init__(self, path: str | None, descriptor: int | None, facts: FileFacts | None = None) -> None:
        self.path = path
        self.descriptor = descriptor
        self.facts = facts
        #: (the part, its descriptor if it is held)
        self.parts: list[tuple[Part, int | None]] = []
        self.base = ""
        self.lead = ""
        #: why what is there can't be a snapshot, if it can't
        self.problem: str | None = None

    @property
    def size(self) -> int | None:
        """Bytes in all."""
        if self.parts:
            return sum(part.facts.size for part, _ in self.parts)
        return None if self.facts is None else self.facts.size

    def take(self) -> list[int | None]:
        """Hand the descriptors over: its own and those of its parts, in order."""
        taken = [self.descriptor, *(descriptor for _, descriptor in self.parts)]
        self.descriptor = None
        self.parts = [(part, None) for part, _ in self.parts]
        return taken

    def release(self) -> None:
        """Close what is still held."""
        for descriptor in self.take():
            if descriptor is not None:
                os.close(descriptor)


def pin_path(path: str, *, sampled: bool = True) -> Pin | None:
    """Hold the regular file at `path`; None if there is none.

    Where it can't be opened (the process has no descriptor left), its facts alone: the agent then finds
    it by its path. Raises OSError where not even those are to be had.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError:
        known = facts_from(os.stat(path))
        return None if known is None else Pin(path, None, known)
    try:
        facts = facts_of(descriptor, sampled=sampled)
    except BaseException:
        os.close(descriptor)
        raise
    if facts is None:
        os.close(descriptor)
        return None
    return Pin(path, descriptor, facts)


def pin_open_file(file: Any) -> Pin | None:
    """Hold the regular file under an open Python file, by a read-only descriptor of our own.

    The facts are not taken: bytes may still be in Python's buffer. The path is None where the file has no
    name (`tempfile.TemporaryFile`, or unlinked since). None without a real file.
    """
    number = _number(file)
    if number is None or not stat.S_ISREG(os.fstat(number).st_mode):
        return None
    link = f"/proc/self/fd/{number}"
    name = getattr(file, "name", None)
    try:
        path, _ = path_of(number)
        descriptor = os.open(link, _FLAGS)
    except OSError:
        # no /proc: by its name, if that is still the same file
        if not isinstance(name, (str, os.PathLike)):
            return None
        path = os.path.abspath(os.fspath(name))
        held = pin_path(path, sampled=False)
        if held is None or held.descriptor is None:
            return None
        descriptor = held.descriptor
        if not os.path.samestat(os.fstat(descriptor), os.fstat(number)):
            os.close(descriptor)
            return None
    return Pin(path, descriptor)


def is_buffer(target: Any) -> bool:
    """Whether a target is an in-memory buffer that can show its bytes without a copy."""
    target = unspooled(target)
    return hasattr(target, "getvalue") and hasattr(target, "write")


def unspooled(file: Any) -> Any:
    """The buffer that a `tempfile.SpooledTemporaryFile` still is; any other file object as it is.

    Asked for its descriptor, one would go to disk at once.
    """
    return file._file if getattr(file, "_rolled", None) is False else file


def _number(file: Any) -> int | None:
    """The descriptor number of an open file object, None for one without (a buffer, part of an archive)."""
    get_number = getattr(unspooled(file), "fileno", None)
    if get_number is None or getattr(file, "closed", False):
        return None
    try:
        number = get_number()
    except (OSError, ValueError, AttributeError, NotImplementedError):
        # io.UnsupportedOperation is the first two, ValueError a closed file. A member of a tar asks what it
        # reads through, which has no `fileno`; others have one that was never written.
        return None
    return number if isinstance(number, int) and number >= 0 else None
