"""Saves into and loads from memory: hashed on a short-lived thread, up to a size.

The bytes are shared with the buffer, not copied; a later write into it makes Python copy them then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from autolog._guard import guard

from .pin import unspooled

__all__ = ["digest_of", "hash_later", "join", "size", "view"]

#: The largest mutable buffer that is copied, in bytes: about a millisecond.
_COPY_BYTES = 8 << 20

_threads: set[threading.Thread] = set()
#: The hashing that was begun last: what is told of several buffers is told in the order of their saves.
_latest: list[threading.Thread] = []


def view(target: Any) -> bytes | None:
    """The bytes of a buffer or bytes-like object, without a copy where Python can; None for others.

    What may change under our hands (a `bytearray`) has to be copied, and a lock on it would keep the
    script from resizing it: beyond a few milliseconds' worth it is let go.
    """
    if isinstance(target, bytes):
        return target
    if isinstance(target, (bytearray, memoryview)):
        return bytes(target) if memoryview(target).nbytes <= _COPY_BYTES else None
    target = unspooled(target)
    get_value = getattr(target, "getvalue", None)
    value = get_value() if get_value is not None and not getattr(target, "closed", False) else None
    return value if isinstance(value, bytes) else None


def size(file: Any) -> int | None:
    """How many bytes a file object that can't be looked into has taken so far, if it says so."""
    tell = getattr(file, "tell", None)
    if tell is None or getattr(file, "closed", False):
        return None
    try:
        found = tell()
    except (OSError, ValueError):  # a pipe, or closed without saying so
        return None
    return found if isinstance(found, int) else None


def digest_of(data: bytes) -> str:
    """The digest of some bytes, as it is written everywhere: `blake3:<hex>`."""
    import blake3

    return f"blake3:{blake3.blake3(data).hexdigest()}"


def hash_later(data: bytes, then: Callable[[str], None]) -> None:
    """Hash `data` beside the script and call `then` with its digest, after those of earlier calls."""
    before = tuple(_latest)

    def work() -> None:
        try:
            with guard("hash an in-memory save"):
                digest = digest_of(data)
                for each in before:
                    each.join()
                then(digest)
        finally:
            _threads.discard(threading.current_thread())

    # Not daemonic: the interpreter waits for it, so a digest is never cut off half way.
    thread = threading.Thread(target=work, name="autolog-hash")
    _threads.add(thread)
    try:
        thread.start()
        _latest[:] = [thread]
    except RuntimeError:  # no more threads: the interpreter is ending, or the system's limit is reached
        work()
        _threads.discard(thread)


def join() -> None:
    """Wait for the hashing that is under way."""
    for thread in tuple(_threads):
        thread.join()


def forget() -> None:
    """In a forked child: the parent's threads are not here."""
    _latest.clear()
    _threads.clear()
