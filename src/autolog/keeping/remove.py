"""Removing versions: bytes that we keep first, then the records. Files at their own paths stay untouched."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from autolog.errors import DestinationError
from autolog.store import remove as remove_records

from .collect import Collected, collect
from .here import Here

if TYPE_CHECKING:
    from autolog.store import Kept, Store

__all__ = ["Removed", "remove"]


class Removed(NamedTuple):
    """The ids of the models that are gone altogether, and what was freed."""

    models: tuple[str, ...]
    collected: Collected


def remove(
    store: Store,
    here: Here,
    kept: Kept,
    snapshot_ids: Collection[int],
    model_ids: Collection[str] = (),
    *,
    force: bool = False,
) -> Removed:
    """Remove snapshots (`snapshot_ids`, all of those of `model_ids` among them) and whole models.

    Who asks has seen to it that nobody needs them (`store.uses_by_others`), or says `force`. It can be done
    again after an interruption. Raises DestinationError if files of theirs can't be taken away just now: then
    their records stay, and say that the bytes are dropped. Raises InUse and StoreError.
    """
    kept.drop(snapshot_ids, "removed by autolog rm")
    collected = collect(kept, here)
    for place in kept.places():
        left = [each for each in kept.dropped(place.id) if each.snapshot_id in snapshot_ids]
        if left:
            raise DestinationError(
                f"{len(left)} files can't be taken away, so their records stay for now:"
                f" {'; '.join(collected.problems)}"
            )
    return Removed(tuple(remove_records(store, snapshot_ids, model_ids, force=force)), collected)
