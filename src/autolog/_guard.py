"""The package's only broad `except`: what goes wrong in us never reaches the training script.

`with guard("where"): ...` runs our own code beside somebody's training. A fault in it is counted,
told once in one line on stderr, handed to whoever records faults for this run, and swallowed. With
`AUTOLOG_STRICT=1` it is raised instead, which is how our tests run.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

__all__ = ["Fault", "complain", "faults", "guard", "is_strict", "note", "report_to"]


class Fault(NamedTuple):
    """One fault of ours: where it happened, what it was, and the traceback as text."""

    time: float
    where: str
    error: str
    traceback: str


#: The latest faults of this process; bounded, since a fault may repeat on every save.
faults: deque[Fault] = deque(maxlen=100)

_sinks: list[Callable[[Fault], None]] = []
_told: set[str] = set()
_mode: list[bool | None] = [None]


def is_strict() -> bool:
    """Whether faults of ours are raised: the value given to `set_strict`, else `AUTOLOG_STRICT`."""
    chosen = _mode[0]
    if chosen is not None:
        return chosen
    return os.environ.get("AUTOLOG_STRICT", "").lower() not in ("", "0", "false", "no", "off", "none")


def set_strict(strict: bool | None) -> None:
    """Raise faults (True), swallow them (False), or do as `AUTOLOG_STRICT` says (None)."""
    _mode[0] = strict


def report_to(sink: Callable[[Fault], None]) -> Callable[[], None]:
    """Have `sink` called with every further fault; returns what takes it away again."""
    _sinks.append(sink)

    def remove() -> None:
        if sink in _sinks:
            _sinks.remove(sink)

    return remove


def complain(line: str) -> None:
    """Write one line to stderr, once per process and text; silent where stderr is gone."""
    if line in _told:
        return
    _told.add(line)
    try:
        sys.stderr.write(f"autolog: {line}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # stderr closed, full, or None under pythonw: there is nobody to tell


def note(where: str, error: BaseException, *, quiet: bool = False) -> None:
    """Count a fault, tell the user (one line a process) and pass it to whoever records faults."""
    import traceback  # loaded by most scripts anyway, and not needed in a run without faults

    fault = Fault(time.time(), where, _one_line(error), "".join(traceback.format_exception(error))[-8000:])
    faults.append(fault)
    if not quiet:
        _tell(fault)
    for sink in tuple(_sinks):
        try:
            sink(fault)
        except Exception as second:  # a recorder of faults that fails must not fail the script either
            faults.append(Fault(time.time(), "recording a fault", _one_line(second), ""))


def _one_line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception whose own __str__ raises
        text = "(no message)"
    return f"{type(error).__name__}: {text}"[:500]


def _tell(fault: Fault) -> None:
    # One line a process, whatever goes wrong afterwards: the script's stderr is not ours to fill.
    if "fault" not in _told:
        _told.add("fault")
        complain(f"could not {fault.where} ({fault.error}); your script goes on. `autolog doctor` has more.")


class guard:
    """A context manager around our own code; `where` completes the sentence "could not ...".

    Exceptions that are not errors (KeyboardInterrupt, SystemExit) pass: they are the user's.
    `quiet` records a fault without the line on stderr.
    """

    __slots__ = ("_quiet", "_where")

    def __init__(self, where: str, *, quiet: bool = False) -> None:
        self._where = where
        self._quiet = quiet

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, Exception) or is_strict():
            return False
        note(self._where, error, quiet=self._quiet)
        return True
