"""Where a command's words go: data to stdout, messages to stderr, and nothing to a reader who left."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["emit", "emit_json", "is_terminal", "safe", "say"]


def emit(text: str) -> None:
    """Write data to stdout, a newline added.

    A reader that has had enough (`| head`) ends the command quietly and well.
    """
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def emit_json(value: Any) -> None:
    """Write a value as JSON; in ASCII, so that no terminal's encoding can spoil it."""
    emit(json.dumps(value, indent=2))


def say(line: str) -> None:
    """Write one line of ours to stderr."""
    try:
        sys.stderr.write(f"autolog: {' '.join(safe(line).split())}\n")
    except BrokenPipeError:
        return


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def safe(text: str) -> str:
    """Text without control characters: a file's name must not move somebody's cursor."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in text
    )
