"""Keeping the bytes of snapshots: the one room where records (`store`) and bytes (`content`) move together.

`send` takes what was put aside to where it is kept, `restore` brings it back, `verify` compares it with what
was recorded, `collect` takes away what nobody needs, `repack` makes it smaller while nobody waits.
"""

from .bundle import Exported, Imported, export, import_bundle, is_bundle
from .by_hand import record_by_hand
from .cache import local_copy
from .cache_entries import Cache
from .collect import Collected, collect
from .comparing import details_of, tensor_changes
from .copies import archive_copy, file_copy
from .destination import Destination, destination_of, kept_at, open_recorded, place_name
from .external import Registered, at_hand, framework_of, import_file
from .forecast import forecast
from .here import Here, reach_of, seen_at
from .layout import Layout, is_safe_name, layout_of
from .opening import openers
from .own_paths import changed
from .reading import Reading
from .remove import Removed, remove
from .repack import Repacked, repack
from .restore import Restored, digest_at, files_of, restore
from .retention import Chosen, Rule, choose
from .send import send
from .streaming import Streamed, artifact_stream, streams
from .unpacking import is_archive, unpacked
from .verify import Damage, size_of, verify
from .wanted import wanted

__all__ = [
    "Cache",
    "Chosen",
    "Collected",
    "Damage",
    "Destination",
    "Exported",
    "Here",
    "Imported",
    "Layout",
    "Reading",
    "Registered",
    "Removed",
    "Repacked",
    "Restored",
    "Rule",
    "Streamed",
    "archive_copy",
    "artifact_stream",
    "at_hand",
    "changed",
    "choose",
    "collect",
    "destination_of",
    "details_of",
    "digest_at",
    "export",
    "file_copy",
    "files_of",
    "forecast",
    "framework_of",
    "import_bundle",
    "import_file",
    "is_archive",
    "is_bundle",
    "is_safe_name",
    "kept_at",
    "layout_of",
    "local_copy",
    "open_recorded",
    "openers",
    "place_name",
    "reach_of",
    "record_by_hand",
    "remove",
    "repack",
    "restore",
    "seen_at",
    "send",
    "size_of",
    "streams",
    "tensor_changes",
    "unpacked",
    "verify",
    "wanted",
]
