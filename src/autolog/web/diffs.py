"""A difference as `git diff` tells it, file by file, for a page; and as a file that `git apply` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from autolog.shown.words import size as in_words
from autolog.store import ChangesRecord

__all__ = ["ChangedFile", "Changes", "Line", "as_patch", "laid_out"]

#: Lines that one page shows; beyond that there is the download.
_MOST_LINES = 5_000
#: A file of more lines than that is folded, and so is every file behind so many shown lines.
_LONG, _OPEN = 80, 400
_KINDS = {"+": "added", "-": "removed", "@": "place", " ": "same", "": "same"}


class Line(NamedTuple):
    """A line: `added`, `removed`, `same`, or the `place` of what follows; its sign is in the text."""

    kind: str
    text: str


@dataclass
class ChangedFile:
    """What became of a file, and how many lines were added and removed in it."""

    name: str
    lines: list[Line]
    added: int = 0
    removed: int = 0
    #: Such as `new file` or `renamed from a.py`.
    note: str = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Changes:
    """A difference as a page shows it: `left` lines are not shown."""

    record: ChangesRecord
    files: tuple[ChangedFile, ...]
    left: int

    @property
    def cut(self) -> str:
        """What is left out of the record, in words."""
        return cut_in_words(self.record)


def laid_out(record: ChangesRecord) -> Changes:
    """The files of a difference and their lines, the first of them."""
    files: list[ChangedFile] = []
    shown = left = 0
    is_head = False
    for text in record.diff.split("\n")[:-1]:
        if text.startswith("diff --git "):
            files.append(ChangedFile(_name(text), []))
            is_head = True
            continue
        if not files:
            continue  # from a bundle that says what it likes
        file = files[-1]
        is_head = is_head and not text.startswith("@@")
        if is_head:
            _read_head(file, text)
            continue
        kind = _KINDS.get(text[:1], "note")
        file.added += kind == "added"
        file.removed += kind == "removed"
        if shown >= _MOST_LINES:
            left += 1
        else:
            shown += 1
            file.lines.append(Line(kind, text))
    seen = 0
    for file in files:
        file.is_folded = len(file.lines) > _LONG or seen > _OPEN
        seen += len(file.lines)
    return Changes(record, tuple(files), left)


def cut_in_words(record: ChangesRecord) -> str:
    """How much is left out, empty if all is there."""
    if not record.cut_bytes:
        return ""
    return f"{record.cut_lines:,} lines ({in_words(record.cut_bytes)}) or more are left out"


def as_patch(record: ChangesRecord, task_id: str, commit: str) -> str:
    """The difference as a file. What stands before the first file's part, `git apply` passes over."""
    head = [f"# What task {task_id} had beyond commit {commit or '(none)'}; apply it with: git apply FILE"]
    if record.cut_bytes:
        head.append(f"# CUT: {cut_in_words(record)}, so git apply refuses what is incomplete.")
    if record.altered:
        head.append(f"# {record.altered} lines are not as they were: a secret is masked, or no UTF-8.")
    head += [f"# binary, not here: {_one_line(name)}" for name in record.binary]
    head += [f"# not in git, not here: {_one_line(name)}" for name in record.untracked]
    if record.names_left:
        head.append(f"# and {record.names_left:,} more files")
    return "\n".join(head) + "\n" + record.diff


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _read_head(file: ChangedFile, text: str) -> None:
    word, _, rest = text.partition(" ")
    if text.startswith("new file"):
        file.note = "new file"
    elif text.startswith("deleted file"):
        file.note = "deleted"
    elif text.startswith("rename from "):
        file.note = f"renamed from {text.removeprefix('rename from ')}"
    elif text.startswith("new mode ") and not file.note:
        file.note = f"mode {text.removeprefix('new mode ')}"
    elif word == "+++" and rest != "/dev/null":
        file.name = rest.removeprefix("b/").rstrip("\t")
    elif word == "---" and rest != "/dev/null":
        file.name = rest.removeprefix("a/").rstrip("\t")


def _name(line: str) -> str:
    return line.removeprefix("diff --git ").rpartition(" b/")[2] or line
