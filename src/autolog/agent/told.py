"""What the agent is told by the process that starts it: where records and bytes go, with their passwords."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from autolog.config import mask
from autolog.events import Started

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.keeping import Destination

__all__ = ["Told"]


class Told(NamedTuple):
    """Where a run's records and bytes go, and how these places are reached: as in the settings."""

    store: str
    output_uri: str = ""
    content_store: str = ""
    waiting_limit: int = 50 << 30
    repack: bool = True
    git_diff: bool = True
    storage_options: Mapping[str, Mapping[str, Any]] = {}
    upload_retries: int = 3
    upload_workers: int = 2

    @classmethod
    def of(cls, started: Started, text: str) -> Told:
        """What the starting process says, else what the spool says, where passwords are masked."""
        found: dict[str, Any] = json.loads(text) if text else {}
        told = cls(started.store, started.output_uri, started.content_store)
        return told._replace(**{key: value for key, value in found.items() if key in cls._fields})

    @classmethod
    def of_settings(cls, settings: Settings) -> Told:
        """What the settings of this process say."""
        return cls(**{name: getattr(settings, name) for name in cls._fields})

    @classmethod
    def of_command(cls, started: Started, settings: Settings, store: str) -> Told:
        """What a command knows: a masked URL of the spool means the one in its own settings."""
        output_uri = settings.output_uri if "***" in started.output_uri else started.output_uri
        packs = settings.content_store if "***" in started.content_store else started.content_store
        own = cls.of_settings(settings)
        return own._replace(store=store, output_uri=output_uri, content_store=packs)

    def destination(self, home: str, output_uri: str = "") -> Destination:
        """Where bytes go: to `output_uri` as it is recorded, else where the run's go, if they go anywhere."""
        from autolog.content import Reach
        from autolog.keeping import destination_of

        chosen = self.output_uri if output_uri in ("", mask(self.output_uri)) else output_uri
        reach = Reach(self.storage_options, self.upload_retries, self.upload_workers)
        found = destination_of(chosen, self.content_store, home, self.store, reach)
        assert found is not None  # output_uri says where
        return found
