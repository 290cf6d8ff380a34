"""Two versions beside each other: what became of each tensor. Nothing of the files is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autolog.formats import difference_of

from .here import Here
from .opening import openers

if TYPE_CHECKING:
    from autolog.formats import Change
    from autolog.store import Kept, ModelRecord, SnapshotRecord

__all__ = ["details_of", "tensor_changes"]

_SHOWN = ("format", "parameters")


def details_of(model: ModelRecord, snapshot: SnapshotRecord) -> dict[str, Any]:
    """What is told of a version where it is compared with another one."""
    return {
        "framework": model.framework,
        "iteration": snapshot.iteration,
        "size": snapshot.size,
        "digest": snapshot.digest,
        "weights digest": snapshot.weights_digest,
        **{name: getattr(snapshot.contents, name, None) for name in _SHOWN},
    }


def tensor_changes(old: SnapshotRecord, new: SnapshotRecord, kept: Kept, here: Here) -> tuple[Change, ...]:
    """What became of each tensor, by name; nothing where both are the same bytes.

    Of kept versions only what is needed is fetched. Both `parts` must be there. Raises WeightsUnavailable,
    UnreadableWeights, IntegrityError and DestinationError.
    """
    if old.digest is not None and old.digest == new.digest:
        return ()
    sides = []
    for snapshot in (old, new):
        files = openers(snapshot, kept, here)
        own = snapshot.uri or "weights"
        aside = frozenset(part.name for part in snapshot.parts if not part.weights)
        sides.append(([(name or own.rpartition("/")[2], opener) for name, opener in files], aside))
    (files_a, aside_a), (files_b, aside_b) = sides
    return difference_of(files_a, files_b, aside_a, aside_b)
