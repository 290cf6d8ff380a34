"""Which snapshots' bytes are never given up by retention, whatever its rules say.

This is the one place to add a reason: another set in `wanted`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolog.store import aliased, newest_of_tagged, published, used_as_input

if TYPE_CHECKING:
    from autolog.store import Store

__all__ = ["wanted"]


def wanted(store: Store) -> set[int]:
    """The ids of snapshots that somebody needs.

    Those that a task loaded or an alias stands for, all of a published model, the newest of a tagged one.
    """
    return used_as_input(store) | published(store) | aliased(store) | newest_of_tagged(store)
