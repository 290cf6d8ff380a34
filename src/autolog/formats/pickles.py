"""Pickles, and what is built of them: joblib files, compressed ones, and the older format of `torch.save`.

Nothing in the file is executed: our own machine follows the pickle's operations and writes down what
loading would do. `Contents.dangerous` names what could run code on loading, `details["imports"]` the
names of packages we don't know, which loading would import, and functions of packages we do know that no
framework has called. What that promises, and what not, stands in `_danger`.
"""

from __future__ import annotations

import io
import os
import re
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats import _joblib, torch_legacy
from autolog.formats._arrays import element_bytes
from autolog.formats._compressed import Inflated, compression
from autolog.formats._danger import dangerous, strangers
from autolog.formats._distributed import METADATA, distributed
from autolog.formats._layout import Layout
from autolog.formats._machine import Machine
from autolog.formats._naming import Naming, attributes, class_path, scalars
from autolog.formats._ration import Ration
from autolog.formats._shape import Contents
from autolog.formats._source import Enough, FileSource, Seekable, Source
from autolog.formats._standins import Blob, Global, Made, as_bytes
from autolog.formats.safetensors import looks_like_safetensors

__all__ = ["Reading", "inspect_compressed", "inspect_pickle"]

_INFLATED = 1 << 30  # bytes of decompressed data that we go through
_INFLATED_AT_LEAST = 1 << 26
_STEEPEST = 200  # times smaller when compressed; beyond that only a part is gone through
_MOST_PICKLES = 16
_SUFFIXES = (
    ".pkl", ".pickle", ".p", ".joblib", ".jl", ".sav", ".pt", ".pth", ".bin", ".ckpt", ".model", ".th", ".mge"
)  # fmt: skip
_OPENING = re.compile(rb"[c(]?[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|[(\]}][lpdt](p?\d+\n)?|[\]}\(]q\x00")
_LOADS_BYTES = "torch.storage._load_from_bytes"
#: How NumPy wrote its functions until 1.20.
_NAMERS = ("numpy.core._ufunc_reconstruct", "numpy._core._ufunc_reconstruct")
_CALLERS = ("functools.partial", "torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2")


class Reading:
    """One file's pickles being followed: the globals they name, and what to make of some objects."""

    def __init__(self, source: Source, ration: Ration | None = None) -> None:
        self.globals: dict[Global, bool] = {}
        self.wrapped = False
        self.unfollowed: dict[str, None] = {}
        self.layout = Layout()
        self.ration = ration or Ration()
        self.machine = Machine(source, self.ration, self.globals)
        self.machine.filled = dict.fromkeys(_joblib.WRAPPERS, self._wrapper)
        self.machine.replaced = {
            _LOADS_BYTES: self._nested,
            **dict.fromkeys(_CALLERS, self._caller),
            **dict.fromkeys(_NAMERS, self._namer),
        }

    def _wrapper(self, made: Made) -> None:
        self.wrapped = True
        _joblib.step_over(made, self.machine)

    def _nested(self, made: Made) -> object:
        argument = made.args[0] if made.args else None
        head = as_bytes(argument)
        inner = Machine(FileSource(io.BytesIO(head), 0, len(head)), self.ration, self.globals)
        found = torch_legacy.read_nested(inner)
        if found is not None:
            storage, behind = found
            size = element_bytes(storage.dtype)
            if isinstance(argument, Blob) and argument.place is not None and size is not None and behind:
                length = min(storage.length * size, argument.length - behind)
                self.layout.put(storage, argument.place + behind, length)
            return storage
        self.unfollowed[_LOADS_BYTES] = None
        return made

    def _namer(self, made: Made) -> object:
        # What it yields is what such a module and name stand for, as if they stood here themselves.
        if len(made.args) == 2 and all(isinstance(each, str) for each in made.args):
            return self.machine.name(*made.args)
        self.unfollowed[made.path] = None
        return made

    def _caller(self, made: Made) -> object:
        # Called through another function, it would load bytes that we haven't seen.
        if made.args and isinstance(made.args[0], Global) and made.args[0].path == _LOADS_BYTES:
            self.unfollowed[_LOADS_BYTES] = None
        return made

    def danger(self) -> tuple[str, ...]:
        """The dotted names that could run code on loading."""
        return (*dangerous(self.globals), *self.unfollowed)

    def contents(
        self, form: str, value: object, facts: dict[str, Any], design: str | None = None
    ) -> Contents:
        """What was found below `value`; `facts` are put into the details last."""
        naming = Naming(self.layout)
        naming.walk(value)
        details = scalars(value)
        if kind := class_path(value):
            details["class"] = kind
        if isinstance(value, Made):
            version = attributes(value).get("_sklearn_version")
            if isinstance(version, str):
                details["sklearn_version"] = version[:50]
        if imports := strangers(self.globals):
            details["imports"] = list(imports)
        if naming.cut:
            details["incomplete"] = "more nested values or tensors than we name"
        details.update(facts)
        return Contents(
            form,
            tuple(naming.tensors),
            naming.parameters if naming.tensors else None,
            details,
            self.danger(),
            design,
            regions=tuple(self.layout.regions),
            stored=naming.stored,
        )


def inspect_pickle(file: Seekable, size: int, name: str, ration: Ration | None = None) -> Contents | None:
    """What a pickle holds; None if the file doesn't look like one.

    From protocol 2 on a pickle begins with 0x80 and the protocol; older ones are texts, told by how
    such texts begin, or by the file's suffix, and by the full stop at their end. `ration` is that of the
    file it lies in.
    """
    file.seek(0)
    head = file.read(256)
    if head[:1] == b"\x80":
        # A header of safetensors may be 640 bytes long, which looks like the beginning of a pickle.
        if len(head) < 2 or not 2 <= head[1] <= 5 or looks_like_safetensors(head):
            return None
        return _inspect(FileSource(file, 0, size), name, {}, ration)
    if not head or not (_OPENING.match(head) or name.lower().endswith(_SUFFIXES)):
        return None
    file.seek(size - 1)
    if file.read(1) != b"." and not _OPENING.match(head):
        return None
    try:
        return _inspect(FileSource(file, 0, size), name, {}, ration)
    except UnreadableWeights:
        return None


def inspect_compressed(file: Seekable, name: str) -> Contents | None:
    """What a compressed pickle or joblib file holds; None for other files, compressed or not."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(16)
    kind = compression(head)
    if kind is None or looks_like_safetensors(head):
        return None
    hinted = name.lower().endswith(_SUFFIXES)
    if kind == "lz4":
        # No decompressor in the standard library.
        facts = {"compression": "lz4", "incomplete": "lz4 data are not looked into"}
        return Contents("joblib", details=facts) if hinted else None
    file.seek(0)
    try:
        source = Source(Inflated(file, kind), limit=min(_INFLATED, _INFLATED_AT_LEAST + _STEEPEST * size))
        begins = source.rest()[:2]
    except UnreadableWeights:
        if hinted:
            raise
        return None
    if begins[:1] != b"\x80" or (len(begins) > 1 and begins[1] > 5):
        return None
    return _inspect(source, name, {"compression": kind})


def _inspect(source: Source, name: str, facts: dict[str, Any], ration: Ration | None = None) -> Contents:
    followed = Reading(source, ration)
    joblib = bool(facts) or name.lower().endswith((".joblib", ".jl"))
    try:
        value = followed.machine.load()
        if type(value) is int and value == torch_legacy.MAGIC:
            value = torch_legacy.read(followed.machine, followed.layout)
            return followed.contents("torch legacy", value, facts)
        if isinstance(value, Made) and value.path == METADATA:
            return distributed(value, followed.danger())
        value = _with_the_rest(followed, value)
    except Enough as bound:
        form = "joblib" if joblib or followed.wrapped else "pickle"
        return Contents(form, details={**facts, "incomplete": str(bound)}, dangerous=followed.danger())
    return followed.contents("joblib" if joblib or followed.wrapped else "pickle", value, facts)


def _with_the_rest(followed: Reading, value: object) -> object:
    """`value`, or a list of it and the values dumped into the same file after it."""
    values = [value]
    source = followed.machine.source
    while len(values) < _MOST_PICKLES and source.peek() == 0x80:
        values.append(followed.machine.load())
    return values if len(values) > 1 else value
