"""What a person at a terminal sees while the script waits for the agent at its end."""

from __future__ import annotations

import sys
import time

__all__ = ["Progress"]


class Progress:
    """One line on stderr, rewritten; nothing before a second has passed or without a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = time.monotonic()
        self._is_shown = False

    def show(self, left: int) -> None:
        """`left` of the snapshots are not in the store yet."""
        if time.monotonic() - self._began < 1.0 or not self._is_terminal():
            return
        done = self._total - left
        bar = "#" * (20 * done // max(1, self._total))
        sys.stderr.write(f"\rautolog: recording snapshots [{bar:<20}] {done}/{self._total} ")
        sys.stderr.flush()
        self._is_shown = True

    def clear(self) -> None:
        """Take the line away again."""
        if self._is_shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    @staticmethod
    def _is_terminal() -> bool:
        try:
            return sys.stderr is not None and sys.stderr.isatty()
        except ValueError:  # closed
            return False
