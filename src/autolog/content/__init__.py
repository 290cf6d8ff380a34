"""Bytes of snapshots, deduplicated: chunks, packs that hold them, places where packs and files lie.

Knows nothing of the records: whoever has a chunk's row (`autolog.store`) finds its bytes here.
"""

from .ahead import reserve
from .codec import Data
from .cutting import cut
from .heaps import Heap, alone
from .packs import Chunk, Pack, PackWriter, new_name, open_chunk, read_index, verify_pack
from .places import Place, Told, open_place
from .reach import PLAINLY, Reach, is_remote
from .recipes import from_recipe, to_recipe
from .staging import Staged, StagedFile, Staging, item_facts, read_item

__all__ = [
    "PLAINLY",
    "Chunk",
    "Data",
    "Heap",
    "Pack",
    "PackWriter",
    "Place",
    "Reach",
    "Staged",
    "StagedFile",
    "Staging",
    "Told",
    "alone",
    "cut",
    "from_recipe",
    "is_remote",
    "item_facts",
    "new_name",
    "open_chunk",
    "open_place",
    "read_index",
    "read_item",
    "reserve",
    "to_recipe",
    "verify_pack",
]
