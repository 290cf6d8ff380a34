"""Tags, labels and metadata of a model that write what is changed in them into the store at once.

They are a list and dictionaries as they were when they were asked for; a change is made to what is in the
store by then, so that nobody else's is lost, and they show all of it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex

from autolog.errors import BadName, BadValue

from .checks import labels_of, tags_of, whole_number

if TYPE_CHECKING:
    from autolog.store import ModelRecord

    Edit = Callable[[Callable[[ModelRecord], Mapping[str, Any]]], ModelRecord]

__all__ = ["Labels", "Metadata", "Tags", "metadata_of"]

_LONGEST_KEY = 1000
_LONGEST = 1_000_000


class Tags(list[str]):
    """A model's tags. Raises BadName for one that is none."""

    def __init__(self, tags: Iterable[str], edit: Edit) -> None:
        super().__init__(tags)
        self._edit = edit

    def _change(self, change: Callable[[list[str]], Iterable[str]]) -> None:
        record = self._edit(lambda record: {"tags": tuple(dict.fromkeys(change(list(record.tags))))})
        super().__init__(record.tags)

    def add(self, tag: str) -> None:
        """Add a tag, unless it is there."""
        new = tags_of([tag])
        self._change(lambda tags: [*tags, *new])

    def append(self, tag: str) -> None:
        """Add a tag, unless it is there."""
        self.add(tag)

    def extend(self, tags: Iterable[str]) -> None:
        """Add several."""
        new = tags_of(tags)
        self._change(lambda there: [*there, *new])

    update = extend

    def __iadd__(self, tags: Iterable[str]) -> Tags:  # type: ignore[misc,override]
        self.extend(tags)
        return self

    def insert(self, index: SupportsIndex, tag: str) -> None:
        """Add a tag, unless it is there; they have no order."""
        self.add(tag)

    def discard(self, tag: str) -> None:
        """Take a tag away, if it is there."""
        self._change(lambda tags: [each for each in tags if each != tag])

    def remove(self, tag: str) -> None:
        """Take a tag away. Raises ValueError if it isn't there."""
        if tag not in self:
            raise ValueError(f"{tag!r} is none of its tags: {', '.join(self) or 'it has none'}")
        self.discard(tag)

    def clear(self) -> None:
        """Take all away."""
        self._change(lambda tags: [])

    def pop(self, index: SupportsIndex = -1) -> str:
        """Take one away, and return it."""
        tag = self[index]
        self.discard(tag)
        return tag

    def __setitem__(self, index: Any, value: Any) -> None:
        kept = list(self)
        kept[index] = value
        new = tags_of(kept)
        self._change(lambda tags: new)

    def __delitem__(self, index: Any) -> None:
        gone = self[index]
        for tag in [gone] if isinstance(gone, str) else list(gone):
            self.discard(tag)

    def __reduce__(self) -> Any:
        return list, (list(self),)


class Labels(dict[str, int]):
    """A model's label enumeration. Raises BadValue, and Published for a published model."""

    def __init__(self, labels: Mapping[str, int], edit: Edit) -> None:
        super().__init__(labels)
        self._edit = edit

    def _change(self, change: Callable[[dict[str, int]], Mapping[str, int]]) -> None:
        record = self._edit(lambda record: {"labels": labels_of(change(dict(record.labels)))})
        super().clear()
        super().update(record.labels)

    def __setitem__(self, name: str, number: int) -> None:
        number = whole_number(number, f"the number of the label {name!r}")
        self._change(lambda labels: {**labels, name: number})

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._change(lambda labels: {key: each for key, each in labels.items() if key != name})

    def update(self, *given: Any, **named: int) -> None:
        """Add labels, or give them other numbers."""
        new = labels_of(dict(*given, **named))
        self._change(lambda labels: {**labels, **new})

    def clear(self) -> None:
        """Take all away."""
        self._change(lambda labels: {})

    def pop(self, name: str, *default: Any) -> Any:
        """Take one away, and return its number."""
        if name not in self and default:
            return default[0]
        number = self[name]
        del self[name]
        return number

    def popitem(self) -> tuple[str, int]:
        """Take the last one away, and return it."""
        name = list(self)[-1]
        return name, self.pop(name)

    def setdefault(self, name: str, number: int = 0) -> int:
        """The number of a label, which is added if it isn't there."""
        if name not in self:
            self[name] = number
        return self[name]

    def __ior__(self, other: Any) -> Labels:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def metadata_of(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Metadata: names and values that JSON has types for. Raises BadName and BadValue."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if not isinstance(key, str) or not key.strip():
            raise BadName(f"the name of a value of metadata is text that isn't empty, not {str(key)[:60]!r}")
        if len(key) > _LONGEST_KEY:
            raise BadName(f"a name in metadata may have {_LONGEST_KEY:,} characters; this has {len(key):,}")
        if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
            value = value.tolist()  # NumPy's numbers and arrays
        try:
            text = json.dumps(value, allow_nan=True)
        except (TypeError, ValueError) as error:
            raise BadValue(
                f"metadata {key!r} is a {type(value).__name__}; it takes texts, numbers, truth values, None,"
                " and lists and dictionaries of them"
            ) from error
        if len(text) > _LONGEST:
            raise BadValue(f"metadata {key!r} has {len(text):,} characters as JSON; {_LONGEST:,} may be")
        found[key] = json.loads(text)
    return found


class Metadata(dict[str, Any]):
    """A model's metadata, in the types that JSON has. Raises BadName and BadValue."""

    def __init__(self, values: Mapping[str, Any], edit: Edit) -> None:
        super().__init__(values)
        self._edit = edit

    def _change(self, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
        record = self._edit(lambda record: {"metadata": change(dict(record.metadata))})
        super().clear()
        super().update(record.metadata)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._change(lambda values: {name: each for name, each in values.items() if name != key})

    def update(self, *given: Any, **named: Any) -> None:
        """Add values, or replace them."""
        new = metadata_of(dict(*given, **named))
        self._change(lambda values: {**values, **new})

    def clear(self) -> None:
        """Take all away."""
        self._change(lambda values: {})

    def pop(self, key: str, *default: Any) -> Any:
        """Take one away, and return it."""
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last one away, and return it."""
        key = list(self)[-1]
        return key, self.pop(key)

    def setdefault(self, key: str, value: Any = None) -> Any:
        """A value, which is added if it isn't there."""
        if key not in self:
            self[key] = value
        return self[key]

    def __ior__(self, other: Any) -> Metadata:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)
