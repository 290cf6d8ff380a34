"""Models with real files: safetensors written by hand, imported as `autolog import` does."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autolog import config
from autolog.keeping import at_hand, import_file
from autolog.store import Kept, Store

__all__ = ["import_versions", "many_tensors", "safetensors"]


def safetensors(tensors: Mapping[str, Sequence[int]], filled: int = 0) -> bytes:
    """A file of float32 tensors of these shapes, each byte the same."""
    header: dict[str, Any] = {}
    offset = 0
    for name, shape in tensors.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes([filled]) * offset


def many_tensors(layers: int = 62, width: int = 8) -> dict[str, tuple[int, ...]]:
    """The tensors of an encoder, eight a layer and some around them: about 500 for 62 layers."""
    found: dict[str, tuple[int, ...]] = {"encoder.embeddings.word.weight": (width * 40, width)}
    for number in range(layers):
        for part in ("query", "key", "value", "output"):
            found[f"encoder.layer.{number}.attention.{part}.weight"] = (width, width)
            found[f"encoder.layer.{number}.attention.{part}.bias"] = (width,)
    found["head.weight"] = (4, width)
    found["head.bias"] = (4,)
    return found


def import_versions(
    store: Store, home: Path, path: Path, files: Iterable[bytes], *, keep: bool = True, **chosen: str
) -> str:
    """Save these bytes to a path, one after the other, and import each as a version; the model's id."""
    settings = config.load(home=str(home))
    kept = Kept(store)
    model_id = ""
    for data in files:
        path.write_bytes(data)
        with at_hand(str(path), settings) as at:
            model_id = import_file(at, store, kept, settings, chosen=chosen, keep=keep).model_id
    kept.close()
    return model_id
