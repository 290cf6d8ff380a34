"""The mark that a page of something that still grows carries, to be told what has come since."""

from __future__ import annotations

from autolog.store import ModelState, TaskState

from .view import whole

__all__ = ["mark_of", "numbers_of"]


def mark_of(state: ModelState | TaskState) -> str:
    """A state in an address: whether it runs, and its numbers."""
    first = state.is_running if isinstance(state, ModelState) else state.status == "running"
    return ".".join([str(int(first)), *(str(each) for each in state[1:])])


def numbers_of(mark: str, count: int) -> list[int] | None:
    """The numbers of a mark; None if it is none."""
    found = [number for word in mark.split(".") if (number := whole(word, 29)) is not None]
    return found if len(found) == count == mark.count(".") + 1 else None
