"""A place that keeps bytes: a folder, or anywhere that fsspec reaches.

Whatever is published there is there whole or not at all. In a folder that takes a temporary file, fsync,
rename, and fsync of the folder; an object store shows an object only when all of it has arrived; elsewhere
the file is moved to its name when it is complete.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from autolog.config import mask, secrets_in
from autolog.errors import DestinationError, IntegrityError

from .copies import copy_file
from .reach import PLAINLY, Reach, is_remote

__all__ = ["Place", "open_place"]

#: The longest wait in seconds before trying again where a place answers with an error that may pass.
_LONGEST_WAIT = 4.0
#: Errors that don't pass by waiting.
_FINAL = (PermissionError, NotImplementedError, ValueError, TypeError)
#: Object stores: a name appears there only when everything has arrived.
_ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory", "oss", "r2"})
#: What to install for a scheme.
_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
}
_TEMPORARY = ".part"

#: Called with how many bytes have come since the last time.
Told = Callable[[int], None]

_T = TypeVar("_T")


def open_place(url: str, reach: Reach = PLAINLY) -> Place:
    """The place at a folder's path, `file://` or any other fsspec URL.

    Raises DestinationError where the scheme is unknown or its driver isn't installed.
    """
    if not is_remote(url):
        return Folder(url.partition("://")[2] if "://" in url else url)
    return Remote(url, reach)


class Place(ABC):
    """Named byte strings, as files below a root. Names are relative, with forward slashes."""

    #: The root as it may be shown: credentials are masked.
    name: str
    #: Whether it lies in this machine's file system, where asking for little and often costs nothing.
    is_near = False

    @abstractmethod
    def publish(self, name: str, source: str, *, is_ours: bool = False) -> None:
        """Put the local file `source` under a name, whole or not at all; an existing one is replaced.

        If it `is_ours`, nobody writes to it any more, and it may become the one that is published. Raises
        DestinationError.
        """

    @abstractmethod
    def read(self, name: str, offset: int, length: int) -> bytes:
        """`length` bytes at an offset. Raises IntegrityError if there are fewer, DestinationError."""

    @abstractmethod
    def fetch(self, name: str, target: str, told: Told | None = None) -> None:
        """Copy a whole file to the local path `target`; `told` hears of bytes as they come from afar.

        Without a name it is the file that the place's URL is itself. Raises DestinationError, and
        IntegrityError if a file with a name is gone.
        """

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Its size in bytes; None if there is no such file. Raises DestinationError."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Take a file away; one that is gone already is no error. Raises DestinationError."""

    def probe(self) -> None:
        """See that it can be reached. Raises DestinationError."""
        self.size("autolog")

    @abstractmethod
    def tidy(self, name: str) -> None:
        """Take away the folders that a removed file has left empty, where there are such."""

    @abstractmethod
    def names(self, below: str) -> Iterator[tuple[str, int, float]]:
        """`(name, size, modified)` of all files below a name. Raises DestinationError."""


class Folder(Place):
    """A folder of this machine; it is made when something is put there."""

    is_near = True

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(os.path.expanduser(root))
        self.name = self.root

    def publish(self, name: str, source: str, *, is_ours: bool = False) -> None:
        """Linked or copied next to its place, synced, renamed; the folder is synced, too."""
        path = self._path(name)
        folder = os.path.dirname(path)
        temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}{_TEMPORARY}"
        try:
            _make_folders(folder)
            try:
                if not (is_ours and _link(source, temporary)):
                    copy_file(source, temporary)
                os.rename(temporary, path)
            finally:
                # There still if that failed, and if the link is to the very file that has this name already:
                # then rename(2) does nothing.
                _unlink(temporary)
            _sync_folder(folder)
        except OSError as error:
            raise self._problem("written", error) from error

    def read(self, name: str, offset: int, length: int) -> bytes:
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise IntegrityError(f"{self._path(name)} is gone") from error
        except OSError as error:
            raise self._problem("read", error) from error
        try:
            data = os.pread(descriptor, length, offset)
            while len(data) < length and (
                more := os.pread(descriptor, length - len(data), offset + len(data))
            ):
                data += more
        except OSError as error:
            raise self._problem("read", error) from error
        finally:
            os.close(descriptor)
        if len(data) != length:
            raise IntegrityError(f"{self._path(name)} ends before byte {offset + length}")
        return data

    def fetch(self, name: str, target: str, told: Told | None = None) -> None:
        try:
            copy_file(self._path(name), target)
        except FileNotFoundError as error:
            if not os.path.exists(self._path(name)):
                raise IntegrityError(f"{self._path(name)} is gone") from error
            raise self._problem("read", error) from error
        except OSError as error:
            raise self._problem("read", error) from error

    def size(self, name: str) -> int | None:
        try:
            return os.stat(self._path(name)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._problem("read", error) from error

    def remove(self, name: str) -> None:
        try:
            os.unlink(self._path(name))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._problem("written", error) from error

    def probe(self) -> None:
        try:
            os.scandir(self.root).close()
        except OSError as error:
            raise self._problem("read", error) from error

    def tidy(self, name: str) -> None:
        while name := os.path.dirname(name):
            try:
                os.rmdir(self._path(name))
            except OSError:
                return  # something is in it

    def names(self, below: str) -> Iterator[tuple[str, int, float]]:
        for folder, _, files in os.walk(self._path(below)):
            for each in files:
                path = os.path.join(folder, each)
                try:
                    status = os.stat(path)
                except OSError:
                    continue  # taken away meanwhile
                yield os.path.relpath(path, self.root), status.st_size, status.st_mtime

    def _path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _problem(self, verb: str, error: OSError) -> DestinationError:
        return DestinationError(
            f"{self.name} can't be {verb} ({error.strerror or error}); make it writable or name another"
            " destination"
        )


class Remote(Place):
    """Whatever fsspec reaches; what `reach` doesn't say comes from its and the driver's own settings."""

    def __init__(self, url: str, reach: Reach = PLAINLY) -> None:
        import fsspec

        self.name = mask(url)
        options = reach.options_for(url)
        self._secrets = tuple(each for each in secrets_in(options) if len(each) > 3)
        self._tries = reach.retries + 1
        scheme = url.partition("://")[0]
        try:
            self._fs, root = fsspec.core.url_to_fs(url, **{**options, "use_listings_cache": False})
        except ImportError as error:
            extra = _EXTRAS.get(scheme)
            hint = f'pip install "autolog-models[{extra}]"' if extra else str(error)
            raise DestinationError(f"there is no driver for {self.name}; install it: {hint}") from error
        except (ValueError, TypeError, OSError) as error:
            said = self._first_line(error)
            raise DestinationError(f"{self.name} is no place that can be reached: {said}") from error
        self._root = root.rstrip("/")
        self._is_atomic = scheme in _ATOMIC

    def publish(self, name: str, source: str, *, is_ours: bool = False) -> None:
        path = self._path(name)

        def put() -> None:
            if self._is_atomic:
                self._fs.put_file(source, path)
                return
            temporary = f"{path}.{os.urandom(4).hex()}{_TEMPORARY}"
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.put_file(source, temporary)
            self._fs.mv(temporary, path)

        self._try("written", put)

    def read(self, name: str, offset: int, length: int) -> bytes:
        data: bytes = self._try(
            "read", lambda: self._fs.cat_file(self._path(name), start=offset, end=offset + length), name
        )
        if len(data) != length:
            raise IntegrityError(f"{self.name}/{name} ends before byte {offset + length}")
        return data

    def fetch(self, name: str, target: str, told: Told | None = None) -> None:
        def get() -> None:
            more = {} if told is None else {"callback": _callback(told)}
            self._fs.get_file(self._path(name), target, **more)

        self._try("read", get, name)

    def size(self, name: str) -> int | None:
        def ask() -> int | None:
            try:
                facts: Mapping[str, Any] = self._fs.info(self._path(name))
            except FileNotFoundError:
                return None
            return int(facts["size"]) if facts.get("type") != "directory" else None

        return self._try("read", ask)

    def remove(self, name: str) -> None:
        def take_away() -> None:
            try:
                self._fs.rm_file(self._path(name))
            except FileNotFoundError:
                pass

        self._try("written", take_away)

    def tidy(self, name: str) -> None:
        """Nothing: what is no folder of this machine is left as it is."""

    def names(self, below: str) -> Iterator[tuple[str, int, float]]:
        def ask() -> Mapping[str, Mapping[str, Any]]:
            try:
                found: Mapping[str, Mapping[str, Any]] = self._fs.find(self._path(below), detail=True)
            except FileNotFoundError:
                return {}
            return found

        for path, facts in self._try("read", ask).items():
            when = facts.get("LastModified") or facts.get("mtime") or facts.get("created") or 0.0
            modified = when.timestamp() if hasattr(when, "timestamp") else float(when)
            yield path.removeprefix(self._root).lstrip("/"), int(facts["size"]), modified

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _try(self, verb: str, action: Callable[[], _T], name: str = "") -> _T:
        """Do it, again after a while where it fails: drivers have errors of their own for what may pass.

        `name` is that of a file which is read: then one that isn't there is gone. Of what is written, it is
        the bucket that isn't there, maybe not yet.
        """
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_not_exception_type((FileNotFoundError, *_FINAL)),
            stop=tenacity.stop_after_attempt(self._tries),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=_LONGEST_WAIT),
        )
        try:
            result: _T = retrying(action)
            return result
        except (FileNotFoundError, tenacity.RetryError, *_FINAL) as error:
            if name and isinstance(error, FileNotFoundError):
                raise IntegrityError(f"{self.name}/{name} is gone") from error
            problem = error.last_attempt.exception() if isinstance(error, tenacity.RetryError) else error
            said = self._first_line(problem)
            raise DestinationError(
                f"{self.name} can't be {verb} ({said}); check that it exists, is reachable and that your"
                " credentials allow it"
            ) from problem

    def _first_line(self, error: BaseException | None) -> str:
        lines = str(error).splitlines()
        line = mask(lines[0]) if lines and lines[0] else type(error).__name__
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


def _callback(told: Told) -> Any:
    """What has a driver tell of bytes as they come: it counts from the beginning."""
    from fsspec.callbacks import Callback

    before = 0

    def count(size: int | None, value: int, **_: Any) -> None:
        nonlocal before
        told(value - before)
        before = value

    return Callback(hooks={"count": count})


def _make_folders(folder: str) -> None:
    """Make a folder and those above it, and sync each into the one above."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        try:
            os.mkdir(each)
        except FileExistsError:
            continue  # somebody else was faster
        _sync_folder(os.path.dirname(each))


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network filesystems have no fsync for folders
    finally:
        os.close(descriptor)


def _link(source: str, target: str) -> bool:
    """Give a file a second name and sync it; False if that can't be done here, as across filesystems."""
    try:
        os.link(source, target)
    except OSError:
        return False
    descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # it was never made
