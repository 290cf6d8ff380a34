"""Which snapshots' bytes are never given up by retention, whatever its rules say.

This is the one place to add a reason: another set in `wanted`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolog.store import published, used_as_input

if TYPE_CHECKING:
    from autolog.store import Store

__all__ = ["wanted"]


def wanted(store: Store) -> set[int]:
    """The ids of snapshots that somebody needs: loaded by a task, or of a published model."""
    return used_as_input(store) | published(store)
