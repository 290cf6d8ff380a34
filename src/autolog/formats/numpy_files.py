"""Files of NumPy's: one array (`.npy`), or an archive of such files (`.npz`).

They are no format of models, so `inspect` doesn't take them for weights; but a file that is kept is cut
where arrays lie, and a script may keep its weights so.
"""

from __future__ import annotations

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import fortran_strides
from autolog.formats._counting import MOST_TENSORS, counts, named
from autolog.formats._layout import Layout
from autolog.formats._npy import MAGIC, Headers
from autolog.formats._shape import Contents, Place, Stored, Tensor
from autolog.formats._source import Enough, FileSource, Seekable, Source
from autolog.formats._zips import open_archive

__all__ = ["inspect_numpy"]


def inspect_numpy(file: Seekable, size: int) -> Contents | None:
    """What such a file holds; None for any other file. The array of a `.npy` file has no name."""
    file.seek(0)
    head = file.read(6)
    layout = Layout()
    if head == MAGIC:
        return _contents("NumPy array", [_array(FileSource(file, 0, size), "", Headers(1), layout)], layout)
    if head[:4] != b"PK\x03\x04":
        return None
    try:
        with open_archive(file, size) as archive:
            names = list(archive.entries)
            if len(names) > MOST_TENSORS or not all(name.endswith(".npy") for name in names):
                return None
            headers = Headers(len(names))
            arrays = [
                _array(archive.source(name), name.removesuffix(".npy"), headers, layout) for name in names
            ]
    except Enough:
        return None
    return _contents("NumPy archive", arrays, layout)


def _contents(form: str, arrays: list[tuple[Tensor, Stored]], layout: Layout) -> Contents:
    tensors = tuple(tensor for tensor, _ in arrays)
    stored = tuple(each for tensor, each in arrays if counts(tensor))
    total = sum(tensor.elements for tensor in tensors)
    return Contents(form, tensors, total, regions=tuple(layout.regions), stored=stored)


def _array(source: Source, name: str, headers: Headers, layout: Layout) -> tuple[Tensor, Stored]:
    found = headers.read(source)
    tensor = named(name, found.shape, found.dtype)
    if source.left is not None and found.length > source.left:
        raise UnreadableWeights("truncated: an array of NumPy's")
    layout.add(found.start, found.length, found.itemsize, found.dtype)
    place = None
    if found.start is not None and found.itemsize:
        place = Place(found.start, fortran_strides(found.shape) if found.fortran else (), found.big)
    return tensor, Stored(tensor.name, tensor.name, tensor.shape, tensor.dtype, found.length, place)
