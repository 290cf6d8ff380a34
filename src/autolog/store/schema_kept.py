"""The tables of bytes that are kept: places, packs and chunks in them, and which files consist of which.

As in `schema`, whose metadata they belong to.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from .schema import ID, metadata
from .types import BigInteger, Text

__all__ = ["chunks", "holds", "identity", "kept", "packs", "places", "recipes", "uses"]

#: The store's own id, one row: packs of several stores may lie at one place.
identity = Table("identity", metadata, Column("id", String(32), primary_key=True))

#: Where bytes are kept. `url` is a folder or an fsspec URL, empty for the content store in the home that the
#: store lies in; `host` is the machine of a folder, empty where every machine reaches it.
places = Table(
    "places",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    UniqueConstraint("url", "host"),
)

#: Files that hold chunks (`autolog.content.packs`). One that is `doomed` is no longer used, and is taken
#: away.
packs = Table(
    "packs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("place_id", Integer, ForeignKey("places.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created", Float, nullable=False),
    Column("task_id", ID, ForeignKey("tasks.id")),
    Column("doomed", Boolean, nullable=False),
)

#: Tasks that count on packs which another one has brought, or nobody.
holds = Table(
    "holds",
    metadata,
    # What removes a pack or a task knows nothing of these.
    Column("pack_id", Integer, ForeignKey("packs.id", ondelete="CASCADE"), primary_key=True),
    Column("task_id", ID, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True, index=True),
)

#: Where each chunk of a place lies.
chunks = Table(
    "chunks",
    metadata,
    Column("place_id", Integer, ForeignKey("places.id"), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("pack_id", Integer, ForeignKey("packs.id"), nullable=False, index=True),
    Column("offset", BigInteger, nullable=False),
    Column("length", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("itemsize", SmallInteger, nullable=False),
    Column("check", LargeBinary(8), nullable=False),
    # the chunk that it is a difference to
    Column("base", LargeBinary(32)),
)

#: Which chunks the file with some digest consists of, at one place.
recipes = Table(
    "recipes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("place_id", Integer, ForeignKey("places.id"), nullable=False),
    Column("digest", String(80), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("chunks", LargeBinary, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("place_id", "digest"),
)

#: Which packs a recipe needs.
uses = Table(
    "uses",
    metadata,
    Column("recipe_id", Integer, ForeignKey("recipes.id"), primary_key=True),
    Column("pack_id", Integer, ForeignKey("packs.id"), primary_key=True, index=True),
)

#: The kept files of snapshots: by a recipe, or plain, at a path below the place.
kept = Table(
    "kept",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("snapshot_id", Integer, ForeignKey("snapshots.id"), nullable=False, index=True),
    # its name in the snapshot, empty if it is the only file
    Column("name", Text, nullable=False),
    Column("digest", String(80), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("place_id", Integer, ForeignKey("places.id"), nullable=False),
    Column("recipe_id", Integer, ForeignKey("recipes.id"), index=True),
    Column("path", Text),
    UniqueConstraint("snapshot_id", "name", "place_id"),
)
