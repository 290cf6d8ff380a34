"""How much looking into one file may cost, whatever is in it."""

from __future__ import annotations

from autolog.formats._source import Enough

__all__ = ["TOO_LONG", "Ration"]

TOO_LONG = "more pickle operations than we follow"


class Ration:
    """What is left to spend on one file of `size` bytes, shared by all that work on it.

    Each method raises `Enough` where there is less left.
    """

    def __init__(self, size: int = 0) -> None:
        self.operations = 2_000_000
        self.kept = 1 << 26  # bytes
        self.unpacked = (1 << 26) + 16 * size  # bytes

    def keep(self, count: int) -> None:
        """Account for `count` bytes of payload held in memory."""
        self.kept -= count
        if self.kept < 0:
            raise Enough("more text than we hold in memory")

    def unpack(self, count: int) -> None:
        """Account for `count` bytes that were taken out of an archive."""
        self.unpacked -= count
        if self.unpacked < 0:
            raise Enough("entries expand to more than we go through")

    def operate(self, count: int) -> None:
        """Account for as much work as `count` operations of a pickle."""
        self.operations -= count
        if self.operations < 0:
            raise Enough(TOO_LONG)
