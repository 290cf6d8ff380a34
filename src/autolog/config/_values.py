"""What each setting may be: every key, its variable in the environment, and how its value is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ._masking import conceal, mask

__all__ = [
    "KEYS",
    "OFF",
    "TABLES",
    "VARIABLES",
    "ConfigurationProblem",
    "Retention",
    "bytes_of",
    "destination",
    "measure_of",
    "read",
    "seconds_of",
    "suggestion",
]

#: Seconds of the units that an age is written in.
_UNITS = {"min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
#: Bytes of the units that a size is written in.
_SIZES = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
}
#: What stands for false and for true in the environment.
OFF = ("", "0", "false", "no", "off", "none")
_ON = ("1", "true", "yes", "on")
#: As many uploads side by side as any link is good for.
_MOST_WORKERS = 64


class ConfigurationProblem(Exception):
    """A setting is unknown, of the wrong type, or in a file that can't be read; says how to fix it."""


class Retention(NamedTuple):
    """How many versions of each model `autolog gc` keeps, and up to what age in seconds; None: all.

    The last `keep_last` are kept, and the `keep_best` best ones by the metric `by`: see `measure_of`.
    """

    keep_last: int | None = None
    older_than: float | None = None
    keep_best: int | None = None
    by: str = ""


def seconds_of(age: str) -> float:
    """The seconds of an age such as `30d`, `12h`, `2w` or `90min`. Raises ValueError."""
    number, unit = _split(age)
    if unit not in _UNITS or not number.replace(".", "", 1).isdigit():
        raise ValueError(f"{age!r} is no age; write a number of min, h, d or w, such as 30d")
    return float(number) * _UNITS[unit]


def measure_of(text: str) -> tuple[str, str]:
    """What is best, `min` or `max`, and the metric: of `max:accuracy`. Of a metric alone the smallest is.

    Raises ValueError.
    """
    direction, _, name = (each.strip() for each in text.partition(":"))
    if direction not in ("min", "max"):
        direction, name = "min", text.strip()
    if not name:
        raise ValueError(f"{text!r} is no metric; write min:val_loss or max:accuracy")
    return direction, name


def bytes_of(size: str) -> int:
    """The bytes of a size such as `20GiB`, `500 MB` or `1000`. Raises ValueError."""
    number, unit = _split(size.lower())
    if unit not in {"", *_SIZES} or not number.replace(".", "", 1).isdigit():
        raise ValueError(f"{size!r} is no size; write a number of bytes, KB, MB, GB or KiB, MiB, GiB: 20GiB")
    return int(float(number) * _SIZES[unit]) if unit else int(float(number))


def _split(text: str) -> tuple[str, str]:
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz")
    return number.strip(), text.strip()[len(number) :].strip()


# -- what a value may be: each gives the value as it is used, and raises ValueError ----------------


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be str")
    return value


def _path(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError("it must be str or PathLike")
    return os.fspath(value)


def _folder(value: Any) -> str:
    return os.path.abspath(os.path.expanduser(_path(value)))


def destination(value: Any) -> str:
    """Empty for nowhere, `true` for the content store, else a URL or a folder's whole path."""
    if not isinstance(value, (bool, str, os.PathLike)):
        raise ValueError("it must be bool or str or PathLike")
    text = str(value) if isinstance(value, bool) else os.fspath(value)
    if text.lower() in OFF:
        return ""
    if text.lower() in _ON:
        return "true"
    scheme, colon, rest = text.partition(":/")
    if colon and len(scheme) > 1 and scheme.isalnum() and not rest.startswith("/"):
        # A folder called `s3:` would take everything, and nobody would look for it there.
        meant = f"{scheme}://{'/' if scheme in ('file', 'local') else ''}{rest}"
        raise ValueError(
            f"a URL has two slashes, and pathlib leaves one of them; write {mask(meant)!r} as str"
        )
    return text if "://" in text else os.path.abspath(os.path.expanduser(text))


def _packs(value: Any) -> str:
    return destination(_path(value))


def _switch(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in (*_ON, *OFF):
        return value.lower() in _ON
    if not isinstance(value, bool):
        raise ValueError("it must be true or false")
    return value


def _choice(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it must be bool")
    return value


def _size(value: Any) -> int:
    if isinstance(value, str):
        return bytes_of(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise ValueError("it must be a number of bytes, or a size such as 20GiB")
    if value < 0:
        raise ValueError("a size can't be negative")
    return int(value)


def _count(least: int, most: int | None = None) -> Callable[[Any], int]:
    def number(value: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number or value < least or (most is not None and value > most):
            bound = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise ValueError(f"it must be a whole number {bound}")
        return int(value)

    return number


def _frameworks(value: Any) -> Any:
    if not isinstance(value, (bool, str, Mapping)):
        raise ValueError("it must be bool or str or dict")
    return value


def _globs(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if isinstance(value, str):
        return value
    raise ValueError("it must be str or list of str")


def _retention(value: Any) -> Retention:
    example = 'write retention = {keep_last = 5, older_than = "30d"}, or {keep_best = 3, by = "min:val_loss"}'
    if not isinstance(value, Mapping):
        raise ValueError(f"it must be a table; {example}")
    found: dict[str, Any] = {}
    for key, each in value.items():
        is_count = isinstance(each, int) and not isinstance(each, bool) and each >= 1
        if key in ("keep_last", "keep_best") and is_count:
            found[key] = each
        elif key == "by" and isinstance(each, str):
            measure_of(each)
            found[key] = each
        elif key == "older_than" and isinstance(each, str):
            found[key] = seconds_of(each)
        elif key in Retention._fields:
            raise ValueError(f"{key} can't be {each!r}; {example}")
        else:
            raise ValueError(f"{key!r} is unknown in it{suggestion(key, Retention._fields)}; {example}")
    if ("keep_best" in found) != ("by" in found):
        raise ValueError(f"keep_best and by belong together: which metric says what is best? {example}")
    return Retention(**found)


def _options(value: Any) -> Mapping[str, Any]:
    """A driver's options. They go to the agent as JSON, so they are plain values."""
    if not isinstance(value, Mapping):
        raise ValueError('it must be a table of options, such as {endpoint_url = "https://..."}')
    return {str(name): _plain(each, str(name)) for name, each in value.items()}


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {str(inner): _plain(each, f"{name}.{inner}") for inner, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, name) for each in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise ValueError(
        f"{name} is a {type(value).__name__}; write text, numbers, true or false, lists and tables of them"
    )


def _substitution(value: Any) -> tuple[tuple[str, str], ...]:
    example = 'write path_substitution = [{from = "/data", to = "/mnt/data"}]'
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"it must be a list; {example}")
    found = []
    for each in value:
        pair = each
        if isinstance(each, Mapping):
            for key in each:
                if key not in ("from", "to"):
                    hint = suggestion(str(key), ("from", "to"))
                    raise ValueError(f"{key!r} is unknown in it{hint}; {example}")
            pair = (each.get("from"), each.get("to"))
        if not (
            isinstance(pair, (list, tuple))
            and len(pair) == 2
            and all(isinstance(path, (str, os.PathLike)) and os.fspath(path) for path in pair)
        ):
            raise ValueError(f"each of it has a recorded prefix and where that is here; {example}")
        prefix, mount = map(os.fspath, pair)
        found.append((prefix.rstrip("/") or "/", os.path.abspath(os.path.expanduser(mount))))
    return tuple(found)


#: Key -> how its value is read. `table.key` is written as a table or with a dot.
KEYS: dict[str, Callable[[Any], Any]] = {
    "project": _text,
    "task": _text,
    "frameworks": _frameworks,
    "exclude": _globs,
    "home": _path,
    "store": _text,
    "output_uri": destination,
    "content_store": _packs,
    "storage_options": _options,
    "cache.dir": _folder,
    "cache.max_bytes": _size,
    "cache.min_free_bytes": _size,
    "upload.retries": _count(0),
    "upload.workers": _count(1, _MOST_WORKERS),
    "path_substitution": _substitution,
    "repack": _switch,
    "git_diff": _switch,
    "retention": _retention,
    "memory_limit": _size,
    "waiting_limit": _size,
    "enabled": _choice,
    "strict": _switch,
}
#: Key -> environment variable. `enabled` has AUTOLOG_DISABLED, which says the opposite.
VARIABLES = {
    "project": "AUTOLOG_PROJECT",
    "task": "AUTOLOG_TASK",
    "frameworks": "AUTOLOG_FRAMEWORKS",
    "home": "AUTOLOG_HOME",
    "store": "AUTOLOG_STORE",
    "output_uri": "AUTOLOG_OUTPUT_URI",
    "content_store": "AUTOLOG_CONTENT_STORE",
    "cache.dir": "AUTOLOG_CACHE_DIR",
    "repack": "AUTOLOG_REPACK",
    "git_diff": "AUTOLOG_GIT_DIFF",
    "strict": "AUTOLOG_STRICT",
}
#: Tables whose keys are settings of their own, each with its own source; and how one is written.
TABLES = {
    "cache": 'cache = {max_bytes = "20GiB"}',
    "upload": "upload = {retries = 3}",
    "storage_options": '[storage_options."s3://bucket"], and options of its driver below',
}


def read(key: str, value: Any, source: str) -> Any:
    """A value as it is used. Raises ConfigurationProblem.

    `storage_options` has a key for each beginning of a URL: `storage_options.s3://bucket`.
    """
    reader = KEYS.get(key)
    if key.startswith("storage_options."):
        reader = KEYS["storage_options"]
        prefix = key.partition(".")[2]
        if "://" not in prefix:
            scheme = prefix.partition(":")[0] + "://"
            meant = f"; did you mean {scheme!r}?" if isinstance(value, Mapping) else ""
            raise ConfigurationProblem(
                f"storage_options in {source} has {prefix!r} where a URL begins{meant}; write"
                f" {TABLES['storage_options']}"
            )
    elif reader is None:
        raise ConfigurationProblem(f"unknown setting {key!r} in {source}{suggestion(key, KEYS, TABLES)}")
    try:
        return reader(value)
    except ValueError as error:
        # Of options nothing is shown: any of them may be a secret.
        shown = "" if reader is _options else f" is {conceal(value)!r}"
        raise ConfigurationProblem(f"{mask(key)} in {source}{shown or ' is wrong'}: {error}") from error


def suggestion(key: str, *known: Iterable[str]) -> str:
    """`; did you mean ...?` where a known key is like it, else which ones there are."""
    import difflib

    names = [name for each in known for name in each]
    # `max_bytes` alone means `cache.max_bytes`.
    near = [name for name in names if name.rpartition(".")[2] == key]
    near = near or difflib.get_close_matches(key, names, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(names))}"
