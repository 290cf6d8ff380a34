"""The errors that calls made on purpose raise; a hook never raises any of them.

Every message says what is wrong and how to put it right.
"""

from __future__ import annotations

__all__ = [
    "Ambiguous",
    "AutologError",
    "BadName",
    "BadValue",
    "BundleError",
    "CacheFull",
    "DestinationError",
    "FrameworkMissing",
    "InUse",
    "IntegrityError",
    "NotFound",
    "NotLoadable",
    "Published",
    "StoreAway",
    "StoreError",
    "StoreLocked",
    "StoreMissing",
    "StoreRefused",
    "TargetError",
    "UnreadableWeights",
    "Untrusted",
    "WeightsUnavailable",
    "WhereError",
]


class AutologError(Exception):
    """The base of every error of ours."""


class BadName(AutologError, ValueError):
    """That can't be the name of anything."""


class BadValue(AutologError, ValueError):
    """A value that was given can't be used; the message says which one, and what is wrong with it."""


class NotFound(AutologError):
    """No task, model or snapshot goes by that name."""


class Ambiguous(AutologError):
    """Several records go by that name; `candidates` lists them, newest first."""

    def __init__(self, message: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class Published(AutologError):
    """A published model's weights, design and labels don't change any more."""


class StoreError(AutologError):
    """The store can't be opened, read or written."""


class StoreAway(StoreError):
    """The store's server can't be reached, or the connection broke."""


class StoreLocked(StoreError):
    """Another process kept the store locked for longer than we wait."""


class StoreMissing(StoreError):
    """There is no store at that address, and none may be made there."""


class StoreRefused(StoreError):
    """The store can't hold this record, however often it is tried."""


class UnreadableWeights(AutologError):
    """A weights file is truncated, malformed, or built to do harm; nothing in it was run."""


class BundleError(AutologError):
    """A file is no bundle that can be imported: of another kind, malformed, or built to do harm."""


class InUse(AutologError):
    """What was to be removed is needed by somebody."""


class DestinationError(AutologError):
    """A place that keeps weights can't be reached, read or written."""


class IntegrityError(AutologError):
    """Kept bytes are gone or damaged: they do not match the digest that was recorded for them."""


class TargetError(AutologError):
    """A file that was asked for can't be written where it was to be, or something else is there."""


class WeightsUnavailable(AutologError):
    """A snapshot's bytes were not kept, and the file at its path is gone or is another one by now."""


class CacheFull(AutologError):
    """A snapshot doesn't fit into the cache of this machine, or not beside what is in use there."""


class Untrusted(AutologError):
    """Reading a file would run code that is in it; say `trusted=True` if you know where it comes from.

    `names` are what it would call or import, where that is known.
    """

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


class FrameworkMissing(AutologError):
    """What loads this format isn't installed here."""


class NotLoadable(AutologError):
    """No loader makes a model of this file by itself."""


class WhereError(AutologError, ValueError):
    """A condition can't be read; `position` is where in it the fault is, counted from 0."""

    def __init__(self, message: str, text: str, position: int) -> None:
        shown = text[max(0, position - 60) : position + 40].replace("\n", " ")
        pointer = " " * min(position, 60) + "^"
        super().__init__(f"{message} (at character {position + 1})\n  {shown}\n  {pointer}")
        self.position = position
