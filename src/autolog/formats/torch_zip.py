"""Zip archives of PyTorch: `torch.save` (since 1.6), TorchScript, `torch.package`.

All entries lie below one folder. Of `torch.save`, `data.pkl` is the pickled object, `data/<key>` the bytes
of each storage it names, `version` and `byteorder` small texts. TorchScript archives hold `code/` and
`constants.pkl` besides. A package has any number of pickles, its storages below `.data/`, and Python
modules. The bytes of the storages are not read, only whether they are there.
(`torch/serialization.py`, `_save`; PyTorch's `caffe2/serialize/inline_container.h`; `torch/package/`.)
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import Storage, as_storage, element_bytes
from autolog.formats._counting import cut_design
from autolog.formats._layout import Layout
from autolog.formats._shape import Contents
from autolog.formats._source import Enough
from autolog.formats._standins import Pairs, readable
from autolog.formats._zips import Archive
from autolog.formats.pickles import Reading

__all__ = ["inspect_package", "inspect_torch", "is_big"]

_MOST_PICKLES = 64
_MOST_MODULES = 100
_LARGEST_CODE = 1 << 20
_LONGEST_DESIGN = 100_000
_LARGEST_REMEMBERED, _MOST_REMEMBERED = 1 << 22, 20_000
_REMEMBERED = 2

_Pickled: TypeAlias = "tuple[bytes, tuple[tuple[bool, str, int | None, int], ...], bool]"
#: What was found in the archives looked into last: a run saves the same names and shapes again and again,
#: with other numbers, and following the same pickle takes longer than all else.
_recent: list[tuple[_Pickled, Contents]] = []


def inspect_torch(archive: Archive) -> Contents | None:
    """What an archive of `torch.save` or TorchScript holds; None for archives without a `data.pkl`."""
    entries = archive.entries
    pickles = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if not pickles:
        return None
    path = min(pickles, key=lambda name: (name.count("/"), name))
    prefix = path.removesuffix("data.pkl")
    if f"{prefix}constants.pkl" in entries:
        return _followed(archive, path, prefix)
    pickled = _pickled(archive, path, prefix)
    for known, contents in tuple(_recent):
        if known == pickled:
            return contents
    found = _followed(archive, path, prefix)
    if pickled is not None and "incomplete" not in found.details:
        _recent[:] = [(pickled, found), *_recent][:_REMEMBERED]
    return found


def _pickled(archive: Archive, path: str, prefix: str) -> _Pickled | None:
    """All that looking into an archive goes by, which tensors' bytes are none of; None if that is much."""
    from blake3 import blake3

    entries = archive.entries
    if entries[path].file_size > _LARGEST_REMEMBERED or len(entries) > _MOST_REMEMBERED:
        return None
    try:
        digest = blake3(archive.read(path, _LARGEST_REMEMBERED)).digest()
        # The folder in it is called as the file was: `epoch_3` this time, `epoch_4` next.
        places = tuple(
            (name.startswith(prefix), name.removeprefix(prefix), archive.place(name), each.file_size)
            for name, each in entries.items()
        )
        return digest, places, is_big(archive, prefix)
    except (UnreadableWeights, Enough):
        return None  # looking into it says what is wrong


def _followed(archive: Archive, path: str, prefix: str) -> Contents:
    entries = archive.entries
    constants = f"{prefix}constants.pkl"
    script = constants in entries
    form = "TorchScript" if script else "torch zip"
    followed = Reading(archive.source(path), archive.ration)
    followed.layout.big = is_big(archive, prefix)

    def keep(identity: object) -> object:
        storage = as_storage(identity)
        if isinstance(storage, Storage):
            _find_storage(storage, archive, f"{prefix}data/{storage.key}", followed.layout, script)
        return storage

    def keep_constant(identity: object) -> object:
        storage = as_storage(identity)
        if isinstance(storage, Storage):
            entry = f"{prefix}constants/{storage.key}"
            storage = replace(storage, key=f"constants/{storage.key}")
            _find_storage(storage, archive, entry, followed.layout, script)
        return storage

    followed.machine.persistent = keep
    facts: dict[str, Any] = {}
    design = _code(archive, prefix) if script else None
    try:
        value = followed.machine.load()
        if script:
            # Among a TorchScript's constants, which are none of its state dict, may be dangerous names.
            followed.machine.source = archive.source(constants)
            followed.machine.persistent = keep_constant
            kept = followed.machine.load()
            if isinstance(kept, tuple):
                facts["constants"] = len(kept)
    except Enough as bound:
        facts["incomplete"] = str(bound)
        regions = tuple(followed.layout.regions)
        return Contents(form, details=facts, dangerous=followed.danger(), design=design, regions=regions)
    return followed.contents(form, value, facts, design)


def is_big(archive: Archive, prefix: str) -> bool:
    """Whether the machine that wrote the storages was big-endian: an entry says so since 2.1."""
    entry = f"{prefix}byteorder"
    return entry in archive.entries and archive.read(entry, 64).strip() == b"big"


def _code(archive: Archive, prefix: str) -> str | None:
    """TorchScript's own source of the modules, one file after the other: its design."""
    parts: list[str] = []
    length = 0
    below = f"{prefix}code/"
    names = [name for name in archive.entries if name.startswith(below) and name.endswith(".py")]
    for name in names:
        if archive.entries[name].file_size > _LARGEST_CODE:
            continue
        text = archive.read(name, _LARGEST_CODE).decode("utf-8", "replace")
        parts.append(f"# {name.removeprefix(prefix)}\n{text}")
        length += len(text)
        if length > _LONGEST_DESIGN:
            break
    return cut_design("\n".join(parts))


def inspect_package(archive: Archive) -> Contents | None:
    """What an archive of `torch.package` holds; None for any other archive.

    Every pickle in it is followed, at most 64. The Python modules in it are in `dangerous`, since loading
    runs those that a pickle needs.
    """
    mark = next((name for name in archive.entries if name.endswith(".data/extern_modules")), None)
    if mark is None:
        return None
    prefix = mark.removesuffix(".data/extern_modules")
    names = [name for name in archive.entries if name.endswith(".pkl") and name.startswith(prefix)]
    modules = [name.removeprefix(prefix) for name in archive.entries if name.endswith(".py")]
    facts: dict[str, Any] = {"pickles": [readable(name.removeprefix(prefix), 200) for name in names[:20]]}
    code = tuple(f"source {readable(name, 200)}" for name in modules[:_MOST_MODULES])
    value, followed, bound = _follow(archive, names[:_MOST_PICKLES], prefix)
    if bound or len(names) > _MOST_PICKLES:
        facts["incomplete"] = bound or f"more than {_MOST_PICKLES} pickles"
    if followed is None:
        return Contents("torch.package", details=facts, dangerous=code)
    made = followed.contents("torch.package", value, facts)
    return replace(made, dangerous=(*made.dangerous, *code))


def _follow(archive: Archive, names: list[str], prefix: str) -> tuple[object, Reading | None, str]:
    """What the pickles hold, how they were followed, and the bound that ended it."""
    values = Pairs()
    followed: Reading | None = None
    for name in names:
        source = archive.source(name)
        if followed is None:
            followed = Reading(source, archive.ration)
            followed.machine.persistent = partial(_package_storage, archive, prefix, followed.layout)
        followed.machine.source = source
        try:
            values.append((name.removeprefix(prefix), followed.machine.load()))
        except Enough as bound:
            return values, followed, str(bound)
    return (values[0][1] if len(values) == 1 else values), followed, ""


def _package_storage(archive: Archive, prefix: str, layout: Layout, identity: object) -> object:
    storage = as_storage(identity)
    if isinstance(storage, Storage):
        _find_storage(storage, archive, f"{prefix}.data/{storage.key}.storage", layout)
    return storage


def _find_storage(
    storage: Storage, archive: Archive, name: str, layout: Layout, may_lack: bool = False
) -> None:
    """Note where a storage's bytes lie: an entry of its own, which the archive must have."""
    entry, size = archive.entries.get(name), element_bytes(storage.dtype)
    if entry is None or (size is not None and entry.file_size < storage.length * size):
        if may_lack:
            return
        raise UnreadableWeights(f"the archive lacks bytes of storage {storage.key!r} that its pickle names")
    if layout.meet(storage):
        layout.put(storage, archive.place(name), entry.file_size)
