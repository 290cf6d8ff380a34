"""What the recorder must know of a hooked call: `autolog.patching` hands such over, and isn't imported here.

Imported for types alone: making a protocol's class costs every script time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["CallLike"]


class CallLike(Protocol):
    """A call of a hooked function, as `autolog.patching` hands it over."""

    pinned: Any

    @property
    def hook(self) -> Any:
        """What is known about the framework."""

    @property
    def point(self) -> Any:
        """What is known about the function."""

    @property
    def target(self) -> Any:
        """What it writes or reads."""

    @property
    def has_returned(self) -> bool:
        """Whether the original has run; what it writes may be known only then."""

    @property
    def rule(self) -> str:
        """Why it is no model, if something around it says so."""

    @property
    def model(self) -> Any:
        """The object that was saved or loaded."""

    @property
    def group(self) -> tuple[str, int | None] | None:
        """The model, and the iteration, that a checkpoint callback says it is a version of."""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What the framework knows of the weights that were saved."""

    @property
    def origin(self) -> Any:
        """The URL that a loaded file came from."""
