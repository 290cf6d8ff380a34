"""Models in Keras' own format, `.keras`: a zip archive of JSON and one HDF5 file.

`config.json` is the design and how the model was compiled, `metadata.json` which Keras wrote it and
when, `model.weights.h5` the weights. (`keras/src/saving/saving_lib.py`.)
"""

from __future__ import annotations

from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._counting import cut_design, texts
from autolog.formats._keras import read_config
from autolog.formats._shape import Contents
from autolog.formats._source import Enough
from autolog.formats._zips import Archive
from autolog.formats.hdf5 import inspect_hdf5

__all__ = ["inspect_keras"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LARGEST_CONFIG = 1 << 22


def inspect_keras(archive: Archive) -> Contents | None:
    """What such an archive holds; None for any other archive."""
    if not {_CONFIG, _METADATA} <= archive.entries.keys():
        return None
    details: dict[str, Any] = {}
    metadata = archive.json(_METADATA)
    if isinstance(metadata, dict):
        details.update(texts(metadata, "keras_version", "date_saved"))
    try:
        text = archive.read(_CONFIG, _LARGEST_CONFIG).decode("utf-8", "replace")
    except Enough as bound:
        return Contents("Keras", details={**details, "incomplete": str(bound)})
    config = read_config(text)
    details.update(config.details)
    design = cut_design(text)
    try:
        weights = _weights(archive)
    except Enough as bound:
        details["incomplete"] = str(bound)
        return Contents("Keras", details=details, dangerous=config.dangerous, design=design)
    if weights is None:
        return Contents("Keras", details=details, dangerous=config.dangerous, design=design)
    if "incomplete" in weights.details:
        details["incomplete"] = weights.details["incomplete"]
    return Contents(
        "Keras",
        weights.tensors,
        weights.parameters,
        details,
        config.dangerous,
        design,
        regions=weights.regions,
        stored=weights.stored,
    )


def _weights(archive: Archive) -> Contents | None:
    if _WEIGHTS not in archive.entries:
        return None
    found = inspect_hdf5(*archive.file(_WEIGHTS))
    if found is None:
        raise UnreadableWeights(f"{_WEIGHTS} in the archive is no HDF5 file")
    return found
