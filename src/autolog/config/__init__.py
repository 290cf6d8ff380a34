"""Settings and where they come from.

Order: call argument > environment > `autolog.toml` or `[tool.autolog]` in `pyproject.toml` (found
upward from the working folder) > the user's own `config.toml` > default. Of the tables `cache`, `upload`
and `storage_options` each key is looked for by itself, so that one file may add to another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ._filter import Filter, filter_of
from ._masking import conceal, mask, mask_text, secrets_in
from ._values import (
    KEYS,
    OFF,
    TABLES,
    VARIABLES,
    ConfigurationProblem,
    Retention,
    bytes_of,
    destination,
    measure_of,
    read,
    seconds_of,
    suggestion,
)

__all__ = [
    "KEYS",
    "VARIABLES",
    "ConfigurationProblem",
    "Filter",
    "Retention",
    "Settings",
    "bytes_of",
    "conceal",
    "destination",
    "load",
    "mask",
    "mask_text",
    "measure_of",
    "seconds_of",
    "secrets_in",
    "suggestion",
]


class Settings(NamedTuple):
    """All settings in force, and `sources`: where each one came from, by its key (`cache.dir`).

    `memory_limit` is the largest in-memory buffer that is hashed, in bytes. `output_uri` is where weights are
    kept: empty for nowhere but their own path, `true` for the content store, else a folder or a URL of plain
    files. `content_store` is where the content store lies if not in `home`. At most `waiting_limit` bytes
    wait in `home` for a destination that is away. `storage_options` has, by the beginning of a URL, what its
    driver is given; the longest that fits counts, and passwords may be in it. Downloads are kept in
    `cache_dir`, up to `cache_max_bytes` of them and as long as `cache_min_free_bytes` stay free on its disk.
    What fails on its way is tried `upload_retries` times more, and `upload_workers` files of a snapshot go
    side by side. `path_substitution` are pairs: how a recorded path begins, and where that is on this
    machine. `git_diff` records what the script's repository has beyond its commit. `strict` raises faults of
    ours.
    """

    home: str
    store: str
    project: str | None = None
    task: str | None = None
    filter: Filter = Filter()
    enabled: bool = True
    memory_limit: int = 2 << 30
    output_uri: str = ""
    content_store: str = ""
    waiting_limit: int = 50 << 30
    repack: bool = True
    git_diff: bool = True
    retention: Retention = Retention()
    storage_options: Mapping[str, Mapping[str, Any]] = {}
    cache_dir: str = ""
    cache_max_bytes: int = 20 << 30
    cache_min_free_bytes: int = 1 << 30
    upload_retries: int = 3
    upload_workers: int = 2
    path_substitution: tuple[tuple[str, str], ...] = ()
    strict: bool = False
    sources: Mapping[str, str] = {}

    @property
    def spool(self) -> str:
        """The folder of journals that are not all in the store yet."""
        return os.path.join(self.home, "spool")


def load(**arguments: Any) -> Settings:
    """Settings by the order above; arguments that are None don't count.

    Raises ConfigurationProblem.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    layers = [({k: v for k, v in arguments.items() if v is not None}, "argument"), (_environment(), "")]
    for found, layer in (*layers, *_files()):
        for key, value in _flat(found, layer):
            source = layer or VARIABLES.get(key, "AUTOLOG_DISABLED")
            checked = read(key, value, source)
            if key not in values:
                values[key] = checked
                sources[key] = source
    return _settings(values, sources)


def _settings(values: dict[str, Any], sources: dict[str, str]) -> Settings:
    home = os.path.abspath(os.path.expanduser(values.pop("home", "") or _default_home()))
    options = {
        key.partition(".")[2]: values.pop(key) for key in tuple(values) if key.startswith("storage_options.")
    }
    chosen = filter_of(values.pop("frameworks", True), values.pop("exclude", ()))
    cache = values.pop("cache.dir", "") or os.path.join(home, "cache")
    return Settings(
        home=home,
        store=_store_url(values.pop("store", None), home),
        filter=chosen,
        storage_options=options,
        cache_dir=cache,
        sources=sources,
        # What is left has the name of its field, and the field's default if it isn't given.
        **{key.replace(".", "_"): value for key, value in values.items()},
    )


def _flat(found: Mapping[str, Any], source: str) -> Iterator[tuple[str, Any]]:
    """The settings of one layer; those in tables by `table.key`. Raises ConfigurationProblem."""
    for key, value in found.items():
        if key not in TABLES:
            yield key, value
        elif isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", each) for inner, each in value.items())
        else:
            raise ConfigurationProblem(f"{key} in {source} must be a table; write {TABLES[key]}")


def _default_home() -> str:
    import platformdirs

    return platformdirs.user_data_dir("autolog", appauthor=False)


def _store_url(value: str | None, home: str) -> str:
    if not value:
        return "sqlite:///" + os.path.join(home, "autolog.db")
    if "://" in value:
        return value
    return "sqlite:///" + os.path.abspath(os.path.expanduser(value))


def _environment() -> dict[str, Any]:
    found: dict[str, Any] = {key: os.environ[name] for key, name in VARIABLES.items() if os.environ.get(name)}
    if os.environ.get("AUTOLOG_DISABLED", "").lower() not in OFF:
        found["enabled"] = False
    return found


def _files() -> list[tuple[dict[str, Any], str]]:
    """The project's and the user's configuration files, nearest first."""
    found: list[tuple[dict[str, Any], str]] = []
    try:
        folder = os.getcwd()
    except OSError:  # the working folder has been removed
        folder = ""
    while folder:
        path = os.path.join(folder, "autolog.toml")
        if os.path.isfile(path):
            found.append((_read(path), path))
            break
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path) and b"[tool.autolog" in _bytes(path):
            found.append((_read(path).get("tool", {}).get("autolog", {}), path))
            break
        parent = os.path.dirname(folder)
        folder = "" if parent == folder else parent
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = os.path.join(base, "autolog", "config.toml")
    if os.path.isfile(path):
        found.append((_read(path), path))
    return found


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigurationProblem(f"{path} can't be read ({error.strerror}); make it readable") from error


def _read(path: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        found: dict[str, Any] = tomllib.loads(_bytes(path).decode("utf-8"))
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigurationProblem(f"{path} is not valid TOML ({error}); correct or remove it") from error
    return found
