"""Many files as one zip: the same files always give the same bytes."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping

from autolog.errors import BadValue

__all__ = ["zip_files"]

#: The earliest time that a zip can say; when a file was changed is nothing of its content.
_THEN = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20


def zip_files(files: Mapping[str, str], target: str) -> None:
    """Write files, by their names in it, into a new zip. Raises BadValue for one that can't be read."""
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for name in sorted(files):
            try:
                _add(archive, name, files[name])
            except OSError as error:
                if error.filename != files[name]:
                    raise  # it can't be written
                raise BadValue(f"{files[name]} can't be read ({error.strerror or error})") from error


def _add(archive: zipfile.ZipFile, name: str, path: str) -> None:
    with open(path, "rb") as source:
        status = os.fstat(source.fileno())
        # Undecodable bytes of a name become escapes: a zip's names are UTF-8.
        entry = zipfile.ZipInfo(os.fsencode(name).decode("utf-8", "backslashreplace"), _THEN)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = (0o100755 if status.st_mode & 0o100 else 0o100644) << 16
        entry.file_size = status.st_size
        # A file that is written to meanwhile may become larger than it was.
        with archive.open(entry, "w", force_zip64=status.st_size > 1 << 30) as output:
            shutil.copyfileobj(source, output, _BLOCK)
