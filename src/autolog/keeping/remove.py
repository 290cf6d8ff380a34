"""Removing versions: bytes that we keep first, then the records. Files at their own paths stay untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from autolog.errors import DestinationError
from autolog.store import remove as remove_records

from .collect import Collected, collect
from .here import Here

if TYPE_CHECKING:
    from autolog.store import Going, Kept, Store

__all__ = ["Removed", "remove"]


class Removed(NamedTuple):
    """The ids of the models that are gone altogether, and what was freed."""

    models: tuple[str, ...]
    collected: Collected


def remove(store: Store, here: Here, kept: Kept, going: Going) -> Removed:
    """Remove snapshots (all of those of the models that go among them) and whole models.

    Whether they may go is seen in the transaction that gives their bytes up, and again in the one that takes
    away their records: InUse is raised where they may not, the second time by what came meanwhile. It can be
    done again after an interruption. Raises DestinationError if files of theirs can't be taken away just now:
    then their records stay, and say that the bytes are dropped. Raises StoreError.
    """
    snapshot_ids, model_ids, force, archived = going
    kept.give_up(going, "removed by autolog rm")
    collected = collect(kept, here)
    for place in kept.places():
        left = [each for each in kept.dropped(place.id) if each.snapshot_id in snapshot_ids]
        if left:
            raise DestinationError(
                f"{len(left)} files can't be taken away, so their records stay for now:"
                f" {'; '.join(collected.problems)}"
            )
    gone = remove_records(store, snapshot_ids, model_ids, force=force, archived=archived)
    return Removed(tuple(gone), collected)
