"""A model's metadata by the names that ClearML's users know, with the types that it has words for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .live import Metadata, metadata_of

if TYPE_CHECKING:
    from autolog.store import ModelRecord

__all__ = ["MetadataEntries"]

#: What ClearML calls the types of values in metadata.
_TYPES: Mapping[str, Any] = {
    "float": float,
    "int": int,
    "bool": lambda text: str(text).strip().lower() in ("true", "1", "yes"),
    "str": str,
    "basestring": str,
    "list": list,
    "tuple": list,
    "dict": dict,
}


class MetadataEntries:
    """Values by their keys, as text and in their own types."""

    if TYPE_CHECKING:

        @property
        def _head(self) -> ModelRecord: ...

        def _edit(self, change: Any) -> ModelRecord: ...

    @property
    def metadata(self) -> Metadata:
        """Its metadata, which may be changed in place: `m.metadata["dataset"] = "v3"`."""
        return Metadata(self._head.metadata, self._edit)

    def set_metadata(self, key: str, value: Any, v_type: str | None = None) -> bool:
        """Set a value of metadata; its type is the value's, or `v_type`. True. Raises BadValue."""
        self.metadata.update({str(key): value if v_type is None else _cast(value, v_type)})
        return True

    def get_metadata(self, key: str) -> str | None:
        """A value as text; None if there is none."""
        found = self._head.metadata
        return _text(found[str(key)]) if str(key) in found else None

    def get_metadata_casted(self, key: str) -> Any:
        """A value in its own type; None if there is none."""
        return self._head.metadata.get(str(key))

    def get_all_metadata(self) -> dict[str, dict[str, str]]:
        """`{key: {"value": ..., "type": ...}}`, all as text."""
        return {
            key: {"value": _text(value), "type": type(value).__name__}
            for key, value in self._head.metadata.items()
        }

    def get_all_metadata_casted(self) -> dict[str, Any]:
        """`{key: value}`, each in its own type."""
        return dict(self._head.metadata)

    def set_all_metadata(self, metadata: Mapping[str, Any], replace: bool = True) -> bool:
        """Set all values, as `{key: {"value": ..., "type": ...}}` or `{key: value}`; True. Raises BadValue.

        Without `replace`, those that are there and not named stay.
        """
        new = metadata_of({str(key): _entry(value) for key, value in metadata.items()})
        self._edit(lambda record: {"metadata": new if replace else {**record.metadata, **new}})
        return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _entry(value: Any) -> Any:
    if isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "type", "key"}:
        kind = value.get("type")
        return value["value"] if kind in (None, "None") else _cast(value["value"], str(kind))
    return value


def _cast(value: Any, kind: str) -> Any:
    """A value of one of ClearML's types; of any other it stays what it is."""
    make = _TYPES.get(kind)
    if make is None or isinstance(value, (list, dict)):
        return value
    if make in (list, dict):
        import ast

        try:
            found = ast.literal_eval(str(value))
            return list(found) if make is list else dict(found)
        except (ValueError, SyntaxError, TypeError):
            return str(value)
    try:
        return make(value)
    except (TypeError, ValueError):
        return str(value)
