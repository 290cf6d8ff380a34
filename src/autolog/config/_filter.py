"""Which frameworks and which paths are captured."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Filter", "filter_of"]


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


def filter_of(frameworks: Any, exclude: str | list[str] | tuple[str, ...]) -> Filter:
    """The filter that these settings give."""
    return Filter(_frameworks(frameworks), (exclude,) if isinstance(exclude, str) else tuple(exclude))


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
