"""The format that `torch.save` wrote before 1.6, and still does with `_use_new_zipfile_serialization=False`.

A sequence of pickles: a magic number, the protocol version (1001), facts about the writing machine, the
object itself, the keys of its storages; then, per key, the storage's length as an 8-byte integer and
its elements. (`torch/serialization.py`, `_legacy_save`.)
"""

from __future__ import annotations

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import Storage, as_storage, element_bytes
from autolog.formats._layout import Layout
from autolog.formats._machine import Machine
from autolog.formats._standins import as_pairs

__all__ = ["MAGIC", "read", "read_nested"]

MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001


def read(machine: Machine, layout: Layout) -> object:
    """The saved object, as stand-ins; `machine` has just read the magic number.

    `layout` learns where the storages lie.
    """
    if not _is(machine.load(), _VERSION):
        raise UnreadableWeights("a torch file of an unknown protocol version")
    facts = as_pairs(machine.load())
    layout.big = facts is not None and facts.texts().get("little_endian") is False
    storages: dict[str, Storage] = {}

    def keep(identity: object) -> object:
        storage = as_storage(identity)
        if isinstance(storage, Storage):
            storages[storage.key] = storage
            # Before 0.4 a storage could be a piece of another one.
            layout.meet(storage, isinstance(identity, tuple) and identity[5:6] not in ((), (None,)))
        return storage

    machine.persistent = keep
    value = machine.load()
    keys = machine.load()
    _find(machine, keys, storages, layout)
    return value


def _is(value: object, number: int) -> bool:
    return type(value) is int and value == number


def _find(machine: Machine, keys: object, storages: dict[str, Storage], layout: Layout) -> None:
    """Where the storages lie that the pickle names; the file must be long enough for them."""
    if not isinstance(keys, list):
        raise UnreadableWeights("malformed torch file: the keys of its storages are no list")
    for key in keys:
        storage = storages.get(key) if isinstance(key, str) else None
        if storage is None:
            raise UnreadableWeights("malformed torch file: a storage is there that nothing uses")
        size = element_bytes(storage.dtype)
        if size is None:
            return
        machine.source.skip(8)
        place = machine.source.place
        machine.source.skip(storage.length * size)
        if not layout.put(storage, place, storage.length * size):
            raise UnreadableWeights("malformed torch file: a storage is there twice")


def read_nested(machine: Machine) -> tuple[Storage, int] | None:
    """The storage that `torch.storage._load_from_bytes` makes, which plain pickles of tensors call.

    `machine` reads the bytes it is given, a whole torch file with any code that may be in there: None
    is returned for whatever can't be followed to a bare storage. The number is how many of its bytes
    lie before the elements, 0 where the machine hasn't all of those.
    """
    try:
        if not _is(machine.load(), MAGIC) or not _is(machine.load(), _VERSION):
            return None
        machine.load()
        machine.persistent = as_storage
        value = machine.load()
    except UnreadableWeights:
        return None
    if not isinstance(value, Storage):
        return None
    try:
        machine.load()  # the keys of the storages: the one
        machine.source.skip(8)
    except UnreadableWeights:
        return value, 0
    return value, machine.source.position
