"""The errors that calls made on purpose raise; a hook never raises any of them.

Every message says what is wrong and how to put it right.
"""

from __future__ import annotations

__all__ = [
    "Ambiguous",
    "AutologError",
    "BadName",
    "BundleError",
    "DestinationError",
    "InUse",
    "IntegrityError",
    "NotFound",
    "Published",
    "StoreAway",
    "StoreError",
    "StoreLocked",
    "StoreMissing",
    "StoreRefused",
    "TargetError",
    "UnreadableWeights",
    "WeightsUnavailable",
    "WhereError",
]


class AutologError(Exception):
    """The base of every error of ours."""


class BadName(AutologError, ValueError):
    """That can't be the name of anything."""


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


class WhereError(AutologError, ValueError):
    """A condition can't be read; `position` is where in it the fault is, counted from 0."""

    def __init__(self, message: str, text: str, position: int) -> None:
        shown = text[max(0, position - 60) : position + 40].replace("\n", " ")
        pointer = " " * min(position, 60) + "^"
        super().__init__(f"{message} (at character {position + 1})\n  {shown}\n  {pointer}")
        self.position = position
