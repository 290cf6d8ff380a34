"""From an object to one file that keeps it, and back: nothing that runs code by being read, unless asked for.

The libraries that an object may be of are not imported to see what it is: whoever has such an object has
imported them.
"""

from __future__ import annotations

import glob
import json
import os
import pickle
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from autolog.errors import AutologError, BadValue, IntegrityError, NotFound, Untrusted

from ._frames import read_table, write_table
from ._plain import kind_of
from ._zipping import zip_files

__all__ = ["PREVIEW", "Form", "Made", "read", "write"]

#: How many characters of an object are shown by default.
PREVIEW = 2000
#: A text that is longer is not taken for a path.
_LONGEST_PATH = 1024
_SUFFIX = re.compile(r"\.\w{1,10}\Z")
#: What is text, and may be shown.
_TEXTS = frozenset(
    {".csv", ".html", ".ini", ".json", ".jsonl", ".log", ".md", ".rst", ".tsv", ".txt", ".xml"}
)
_TEXTS |= {".yaml", ".yml"}
_FAILS_TO_PICKLE = (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError)


class Form(NamedTuple):
    """How an object is to be kept, where there is a choice."""

    extension_name: str | None = None
    auto_pickle: bool = False
    serialization_function: Callable[[Any], bytes | bytearray] | None = None


class Made(NamedTuple):
    """The file that keeps an object: its kind (see `ArtifactRecord`), where it is, and its beginning as text.

    `named` is the caller's own file or folder, if the object was one.
    """

    kind: str
    path: str
    preview: str
    named: str = ""


def write(value: Any, folder: str, stem: str, form: Form) -> Made:
    """Write an object into `folder`, as `<stem><suffix>`; a single file that is named stays where it is.

    Raises BadValue for an object of no kind that can be kept, NotFound for a path where nothing is.
    """
    if form.serialization_function is not None:
        return _serialised(value, os.path.join(folder, stem), form)
    if value is None:
        raise BadValue(
            "artifact_object is None; give a path, a dictionary, a text, an array, a frame or an image"
        )
    path = _path_in(value)
    if path is not None:
        return _of_path(path, folder, stem)
    try:
        return _of_object(value, os.path.join(folder, stem), form.extension_name)
    except BadValue:
        if not form.auto_pickle:
            raise
    return _pickled(value, os.path.join(folder, stem))


def _of_object(value: Any, base: str, extension: str | None) -> Made:
    if isinstance(value, str):
        return _text(value, base + _suffix(extension, ".txt"))
    if _is(value, "numpy", "ndarray"):
        return _array(value, base + _suffix(extension, ".npy", {".npy"}))
    if any(
        _is(value, *each) for each in (("pandas", "DataFrame"), ("pandas", "Series"), ("polars", "DataFrame"))
    ):
        path = base + _suffix(extension, ".csv.gz", {".csv.gz", ".parquet"})
        write_table(value, path)
        return Made("table", path, f"{value.shape[0]:,} rows\n{str(value.head(10))[:PREVIEW]}")
    if _is(value, "PIL.Image", "Image"):
        return _image(value, base + _suffix(extension, ".png"))
    if isinstance(value, (Mapping, list, tuple)):
        return _json(value, base + _suffix(extension, ".json", {".json"}))
    raise BadValue(
        f"{kind_of(value)} can't be kept as it is: give a path, a dictionary, a list, a text, a numpy array,"
        " a data frame or an image, pickle it yourself, or pass auto_pickle=True"
    )


def _is(value: Any, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def _suffix(extension: str | None, default: str, allowed: set[str] | None = None) -> str:
    if not extension:
        return default
    found = extension if extension.startswith(".") else f".{extension}"
    if not re.fullmatch(r"(\.\w{1,20}){1,3}", found) or (allowed and found not in allowed):
        known = ", ".join(sorted(allowed or {default}))
        raise BadValue(f"extension_name is {extension!r}, and this kind of object can be kept as {known}")
    return found


# -- paths --------------------------------------------------------------------------------------------


def _path_in(value: Any) -> str | None:
    """The path or glob that is given; None for an object, and for a text that can be none."""
    if isinstance(value, os.PathLike):
        return os.path.expanduser(os.fsdecode(value))
    if not isinstance(value, str) or "\n" in value or "\0" in value or len(value) > _LONGEST_PATH:
        return None
    if not value.strip():
        raise BadValue("artifact_object is an empty text; give a path, or something to keep")
    path = os.path.expanduser(value)
    looks_written = any(each.isspace() for each in value) and "/" not in value
    if looks_written and not os.path.exists(path) and not _SUFFIX.search(value):
        return None
    return path


def _of_path(path: str, folder: str, stem: str) -> Made:
    if os.path.isfile(path):
        return Made("file", os.path.abspath(path), _beginning(path), os.path.abspath(path))
    whole = os.path.abspath(path)
    if os.path.isdir(path):
        files, root = _files_below(whole), whole
    elif glob.has_magic(path):
        root = _fixed_part(whole)
        found = glob.glob(whole, recursive=True)
        files = [each for each in found if os.path.isfile(each)]
        files += [each for inner in found if os.path.isdir(inner) for each in _files_below(inner)]
    else:
        hint = (
            "" if "/" in path else "; a text of one line is taken for a path, one that ends with \\n is not"
        )
        raise NotFound(f"there is nothing at {whole}{hint}")
    names = {os.path.relpath(each, root): each for each in files}
    if not names:
        raise NotFound(f"there are no files in {path}")
    target = os.path.join(folder, f"{stem}.zip")
    zip_files(names, target)
    listed = "\n".join(f"{name} ({os.path.getsize(names[name]):,} bytes)" for name in sorted(names)[:50])
    return Made("folder", target, f"{len(names):,} files\n{listed}"[:PREVIEW], whole)


def _fixed_part(pattern: str) -> str:
    """The folder of a glob that its names are relative to."""
    folder = pattern
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder


def _files_below(folder: str) -> list[str]:
    """All files in a folder; what a link leads to is in it, once."""
    seen: set[tuple[int, int]] = set()
    found = []
    for here, inner, names in os.walk(folder, followlinks=True):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:
            inner.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        inner.sort()
        found += [os.path.join(here, name) for name in names if os.path.isfile(os.path.join(here, name))]
    return found


def _beginning(path: str) -> str:
    """How a file of text begins; nothing of any other one."""
    if os.path.splitext(path)[1].lower() not in _TEXTS:
        return ""
    with open(path, encoding="utf-8", errors="replace") as source:
        return source.read(PREVIEW)


# -- objects ------------------------------------------------------------------------------------------


def _serialised(value: Any, base: str, form: Form) -> Made:
    assert form.serialization_function is not None
    data = form.serialization_function(value)
    if not isinstance(data, (bytes, bytearray)):
        raise BadValue(f"serialization_function has to return bytes, and has returned {kind_of(data)}")
    path = base + _suffix(form.extension_name, ".bin")
    with open(path, "wb") as target:
        target.write(data)
    return Made("file", path, "")


def _text(value: str, path: str) -> Made:
    with open(path, "w", encoding="utf-8", errors="surrogatepass", newline="") as target:
        target.write(value)
    return Made("text", path, value[:PREVIEW])


def _json(value: Any, path: str) -> Made:
    try:
        text = json.dumps(value, indent=1, ensure_ascii=False, default=_as_list)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadValue(
            f"it can't be kept as JSON ({error}): give what JSON has words for, or pass auto_pickle=True"
        ) from error
    # What UTF-8 can't say becomes the very escape that JSON has for it.
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as target:
        target.write(text)
    return Made("json", path, text[:PREVIEW])


def _as_list(value: Any) -> Any:
    convert = getattr(value, "tolist", None)
    if not callable(convert):
        raise TypeError(f"there is {kind_of(value)} in it")
    return convert()


def _array(value: Any, path: str) -> Made:
    import numpy as np

    try:
        np.save(path, value, allow_pickle=False)
    except ValueError as error:
        raise BadValue(f"an array of {value.dtype} can't be kept without pickling it: {error}") from error
    return Made("array", path, f"{value.dtype} of shape {value.shape}\n{str(value)[:PREVIEW]}")


def _image(value: Any, path: str) -> Made:
    try:
        value.save(path)
    except (OSError, ValueError, KeyError) as error:
        raise BadValue(f"the image can't be kept as {os.path.splitext(path)[1]} ({error})") from error
    return Made("image", path, f"{value.size[0]} x {value.size[1]} {value.mode}")


def _pickled(value: Any, base: str) -> Made:
    try:
        data = pickle.dumps(value)
    except _FAILS_TO_PICKLE as error:
        raise BadValue(f"{kind_of(value)} can't be pickled: {error}") from error
    with open(f"{base}.pkl", "wb") as target:
        target.write(data)
    return Made("pickle", f"{base}.pkl", kind_of(value))


# -- and back -----------------------------------------------------------------------------------------


def read(kind: str, path: str, *, trusted: bool = False) -> Any:
    """The object that a file of this kind keeps.

    Raises Untrusted for a pickle that isn't trusted, IntegrityError for a file of another kind, and
    AutologError where a library that it takes is missing.
    """
    if kind == "pickle" and not trusted:
        raise Untrusted(
            "to read a pickle runs whatever code is in it; if you know who made it, say get(trusted=True)"
        )
    try:
        return _READERS[kind](path)
    except ImportError as error:
        raise AutologError(f"to read it takes a library that isn't here ({error}); install it") from error
    except (ValueError, EOFError, OSError) as error:
        if kind == "pickle":
            raise  # whatever the code in it raises
        raise IntegrityError(f"the file is not of the kind that was recorded, {kind}: {error}") from error


def _read_json(path: str) -> Any:
    with open(path, encoding="utf-8") as source:
        return json.load(source)


def _read_text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogatepass", newline="") as source:
        return source.read()


def _read_array(path: str) -> Any:
    import numpy as np

    return np.load(path, allow_pickle=False)


def _read_image(path: str) -> Any:
    from PIL import Image

    with Image.open(path) as image:
        image.load()
        return image.copy() if getattr(image, "n_frames", 1) == 1 else image


def _read_pickle(path: str) -> Any:
    with open(path, "rb") as source:
        return pickle.load(source)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "json": _read_json,
    "text": _read_text,
    "array": _read_array,
    "table": read_table,
    "image": _read_image,
    "pickle": _read_pickle,
}
