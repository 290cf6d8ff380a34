"""Settings and where they come from.

Order: call argument > environment > `autolog.toml` or `[tool.autolog]` in `pyproject.toml` (found
upward from the working folder) > the user's own `config.toml` > default.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["ConfigurationProblem", "Filter", "Retention", "Settings", "load", "mask", "seconds_of"]

#: key -> environment variable
_ENVIRONMENT = {
    "home": "AUTOLOG_HOME",
    "store": "AUTOLOG_STORE",
    "project": "AUTOLOG_PROJECT",
    "task": "AUTOLOG_TASK",
    "frameworks": "AUTOLOG_FRAMEWORKS",
    "output_uri": "AUTOLOG_OUTPUT_URI",
    "content_store": "AUTOLOG_CONTENT_STORE",
    "repack": "AUTOLOG_REPACK",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "home": (str, os.PathLike),
    "store": (str,),
    "project": (str,),
    "task": (str,),
    "frameworks": (bool, str, dict),
    "exclude": (str, list, tuple),
    "enabled": (bool,),
    "memory_limit": (int,),
    "output_uri": (bool, str, os.PathLike),
    "content_store": (str, os.PathLike),
    "waiting_limit": (int,),
    "repack": (bool, str),
    "retention": (dict,),
}
#: Seconds of the units that an age is written in.
_UNITS = {"min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


_OFF = ("", "0", "false", "no", "off", "none")
_ON = ("1", "true", "yes", "on")


class ConfigurationProblem(Exception):
    """A setting is unknown, of the wrong type, or in a file that can't be read; says how to fix it."""


class Filter(NamedTuple):
    """Which frameworks and which paths are captured.

    `frameworks` is True (all), False (none), or maps a hook's key to a bool, a glob on the path or a
    list of globs; a missing key means what its family's says (`torchscript` goes by `pytorch`), else
    True; an empty mapping switches all off. `exclude` lists globs of paths that are never captured. A
    glob matches the whole path or the file's name.
    """

    frameworks: bool | Mapping[str, Any] = True
    exclude: tuple[str, ...] = ()

    def names(self, key: str) -> bool:
        """Whether a framework that is captured only on request has been asked for."""
        return not isinstance(self.frameworks, bool) and self.frameworks.get(key, False) is not False

    def allows(self, key: str, path: str | None, family: str = "") -> bool:
        """Whether a file of the framework with this hook key is captured.

        A key that isn't named goes by that of its family, if that one is.
        """
        if path is not None and _matches(path, self.exclude):
            return False
        if isinstance(self.frameworks, bool):
            return self.frameworks
        if not self.frameworks:
            return False
        rule = self.frameworks.get(family if family and key not in self.frameworks else key, True)
        if isinstance(rule, bool):
            return rule
        return path is not None and _matches(path, (rule,) if isinstance(rule, str) else tuple(rule))


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    name = os.path.basename(path)
    return any(fnmatch.fnmatch(path, glob) or fnmatch.fnmatch(name, glob) for glob in globs)


class Retention(NamedTuple):
    """How many versions of each model `autolog gc` keeps, and up to what age in seconds; None: all."""

    keep_last: int | None = None
    older_than: float | None = None


class Settings(NamedTuple):
    """All settings in force, and `sources`: where each one came from.

    `memory_limit` is the largest in-memory buffer that is hashed, in bytes. `output_uri` is where weights are
    kept: empty for nowhere but their own path, `true` for the content store, else a folder or a URL of plain
    files. `content_store` is where the content store lies if not in `home`. At most `waiting_limit` bytes
    wait in `home` for a destination that is away.
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
    retention: Retention = Retention()
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
    layers += _files()
    for found, source in layers:
        for key, value in found.items():
            _check(key, value, source or _ENVIRONMENT.get(key, "AUTOLOG_DISABLED"))
            if key not in values:
                values[key] = value
                sources[key] = source or _ENVIRONMENT.get(key, "AUTOLOG_DISABLED")
    home = os.path.abspath(os.path.expanduser(os.fspath(values.get("home") or _default_home())))
    exclude = values.get("exclude") or ()
    return Settings(
        home=home,
        store=_store_url(values.get("store"), home),
        project=values.get("project"),
        task=values.get("task"),
        filter=Filter(
            _frameworks(values.get("frameworks", True)),
            (exclude,) if isinstance(exclude, str) else tuple(exclude),
        ),
        enabled=values.get("enabled", True),
        memory_limit=values.get("memory_limit", 2 << 30),
        output_uri=_destination(values.get("output_uri", False)),
        content_store=_destination(values.get("content_store", "")),
        waiting_limit=values.get("waiting_limit", 50 << 30),
        repack=_is_on(values.get("repack", True)),
        retention=_retention(values.get("retention", {}), sources.get("retention", "")),
        sources=sources,
    )


def mask(url: str) -> str:
    """The URL with any password or token in it replaced by `***`."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    place, slash, path = rest.partition("/")
    credentials, at, host = place.rpartition("@")
    if at:
        user, colon, _ = credentials.partition(":")
        place = f"{user}{':***' if colon else ''}@{host}"
    path, question, query = path.partition("?")
    if question:
        query = "&".join(
            f"{part.partition('=')[0]}=***" if _is_secret(part) else part for part in query.split("&")
        )
    return f"{scheme}{mark}{place}{slash}{path}{question}{query}"


def _is_secret(part: str) -> bool:
    name = part.partition("=")[0].lower()
    return any(word in name for word in ("password", "passwd", "secret", "token", "key", "signature", "sig"))


def _default_home() -> str:
    import platformdirs

    return platformdirs.user_data_dir("autolog", appauthor=False)


def _store_url(value: str | None, home: str) -> str:
    if not value:
        return "sqlite:///" + os.path.join(home, "autolog.db")
    if "://" in value:
        return value
    return "sqlite:///" + os.path.abspath(os.path.expanduser(value))


def _destination(value: bool | str | os.PathLike[str]) -> str:
    """Empty for nowhere, `true` for the content store, else a URL or a folder's whole path."""
    text = str(value) if isinstance(value, bool) else os.fspath(value)
    if text.lower() in _OFF:
        return ""
    if text.lower() in _ON:
        return "true"
    return text if "://" in text else os.path.abspath(os.path.expanduser(text))


def _is_on(value: bool | str) -> bool:
    return value if isinstance(value, bool) else value.lower() not in _OFF


def seconds_of(age: str) -> float:
    """The seconds of an age such as `30d`, `12h`, `2w` or `90min`. Raises ValueError."""
    number = age.strip().rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = age.strip()[len(number) :].strip()
    if unit not in _UNITS or not number.strip().replace(".", "", 1).isdigit():
        raise ValueError(f"{age!r} is no age; write a number of min, h, d or w, such as 30d")
    return float(number) * _UNITS[unit]


def _retention(value: Mapping[str, Any], source: str) -> Retention:
    found: dict[str, Any] = {}
    for key, each in value.items():
        if key == "keep_last" and isinstance(each, int) and not isinstance(each, bool) and each >= 1:
            found[key] = each
        elif key == "older_than" and isinstance(each, str):
            try:
                found[key] = seconds_of(each)
            except ValueError as error:
                raise ConfigurationProblem(f"retention.older_than in {source}: {error}") from error
        else:
            raise ConfigurationProblem(
                f"retention in {source} has {key} = {each!r}; write"
                ' retention = {keep_last = 5, older_than = "30d"}, or one of them'
            )
    return Retention(**found)


def _frameworks(value: Any) -> bool | Mapping[str, Any]:
    if isinstance(value, str):
        # "pytorch,xgboost=*.ubj": only these; everything else off
        named = dict(part.partition("=")[::2] for part in value.replace(" ", "").split(",") if part)
        if not named or set(named) & {"all", "true", "1"}:
            return True
        if set(named) & {"none", "false", "0"}:
            return False
        return _OnlyNamed({key: glob or True for key, glob in named.items()})
    return value  # type: ignore[no-any-return]


class _OnlyNamed(dict[str, Any]):
    """A framework filter that is off for every key not in it."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, False)


def _environment() -> dict[str, Any]:
    found: dict[str, Any] = {
        key: os.environ[name] for key, name in _ENVIRONMENT.items() if os.environ.get(name)
    }
    if os.environ.get("AUTOLOG_DISABLED", "") not in ("", "0"):
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


def _check(key: str, value: Any, source: str) -> None:
    expected = _TYPES.get(key)
    if expected is None:
        import difflib

        near = difflib.get_close_matches(key, _TYPES, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(_TYPES))}"
        raise ConfigurationProblem(f"unknown setting {key!r} in {source}{hint}")
    if not isinstance(value, expected) and not (key == "frameworks" and isinstance(value, Mapping)):
        names = " or ".join(kind.__name__ for kind in expected)
        raise ConfigurationProblem(f"{key} in {source} is {value!r}; it must be {names}")
