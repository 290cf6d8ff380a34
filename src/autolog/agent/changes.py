"""What a script's repository has beyond its commit: the difference as git tells it, and what isn't in git.

A repository may be anybody's. Nothing that its configuration names is run: no hook, filter, monitor, pager
or external difference; nothing is fetched, and no lock is taken.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autolog.config import mask_text

if TYPE_CHECKING:
    from autolog.store import ChangesRecord

__all__ = ["read_changes"]

#: So many bytes of the difference are kept, and so many are read to tell how much is left out.
_MOST_BYTES, _MOST_READ = 1 << 20, 16 << 20
_MOST_NAMES = 1_000
#: For all that git is asked; the script may be waiting for it at its end.
_SECONDS = 10.0
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "diff.autoRefreshIndex=false",
    "protocol.allow=never",  # a partial clone would fetch what it lacks
)
_DIFF = (
    "diff-index", "--patch", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty",
    "--unified=3", "--find-renames", "-l200", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_UNTRACKED = ("ls-files", "--others", "--exclude-standard", "--directory", "--no-empty-directory", "-z")


class _TooLong(Exception):
    pass


def read_changes(git: Mapping[str, Any]) -> tuple[bool | None, ChangesRecord | None]:
    """Whether the tree is dirty, None where git doesn't say; and what it has beyond the commit, if anything.

    `git` has the repository's `root` and `commit`, as they were when the run began.
    """
    from autolog.store import ChangesRecord

    asking = _Git(str(git["root"]))
    # What git's own files say may be anything, also an option.
    commit = str(git.get("commit") or "")
    commit = commit if re.fullmatch(r"[0-9a-f]{40,64}", commit) else "HEAD"
    now = time.time()
    try:
        asking.leave_filters()
        parts = _Parts()
        parts.read(asking.ask(*_DIFF, commit, "--"))
        names = asking.ask(*_UNTRACKED).split(b"\0")[:-1]
    except _TooLong:
        return None, ChangesRecord(read=now, problem=f"git took longer than {_SECONDS:.0f} seconds")
    except (OSError, subprocess.SubprocessError):
        return None, None  # no git here, or a repository that it refuses
    if not (parts.lines or parts.binary or parts.cut_bytes or names):
        return False, None
    untracked = [each.decode("utf-8", "replace") for each in names]
    return bool(parts.lines or parts.binary or parts.cut_bytes), ChangesRecord(
        diff="".join(f"{line}\n" for line in parts.lines),
        binary=tuple(parts.binary[:_MOST_NAMES]),
        untracked=tuple(untracked[:_MOST_NAMES]),
        names_left=max(0, len(parts.binary) - _MOST_NAMES) + max(0, len(untracked) - _MOST_NAMES),
        cut_lines=parts.cut_lines,
        cut_bytes=parts.cut_bytes,
        altered=parts.altered,
        read=now,
    )


class _Git:
    """Asks git about one tree, for so many seconds in all."""

    def __init__(self, root: str) -> None:
        self._until = time.monotonic() + _SECONDS
        self._settings = list(_SAFE)
        self._root = root
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        # Which trees git trusts may be said in the environment; where its files are may not.
        kept |= {key: value for key, value in os.environ.items() if key.startswith("GIT_CONFIG")}
        more = {
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "LC_ALL": "C",
        }
        self._environment = {**kept, **more}

    def leave_filters(self) -> None:
        """Find the filters that there are, and have none of them run."""
        pattern = r"^filter\..*\.(clean|smudge|process|required)$"
        try:
            named = self.ask("config", "--null", "--name-only", "--get-regexp", pattern)
        except subprocess.CalledProcessError as error:
            if error.returncode != 1:  # 1: there are none
                raise
            return
        for name in named.decode("utf-8", "surrogateescape").split("\0")[:-1]:
            if "=" in name:
                raise subprocess.SubprocessError(f"{name!r} can't be switched off")
            self._settings.append(f"{name}={'false' if name.lower().endswith('.required') else ''}")

    def ask(self, *words: str) -> bytes:
        """What git answers, the first of it. Raises _TooLong, OSError and SubprocessError."""
        settings = [word for each in self._settings for word in ("-c", each)]
        where = ["--no-pager", "--no-optional-locks", "--literal-pathspecs"]
        command = ["git", "-C", self._root, *where, *settings, *words]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            bufsize=0,
        ) as process:
            try:
                answer, is_whole = self._answer(process)
            finally:
                process.kill()
        if is_whole and process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return answer

    def _answer(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bool]:
        """What a process says until it ends; not whole where that is more than is read. Raises _TooLong."""
        assert process.stdout is not None  # a pipe
        found = bytearray()
        while len(found) < _MOST_READ:
            left = self._until - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise _TooLong
            piece = process.stdout.read(1 << 16)
            if not piece:
                process.wait()
                return bytes(found), True
            found += piece
        return bytes(found), False


class _Parts:
    """A difference, file by file: what of it is kept, and how much that leaves out."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.binary: list[str] = []
        self.cut_lines = self.cut_bytes = self.altered = 0
        self._room = _MOST_BYTES

    def read(self, text: bytes) -> None:
        """Take in what git says."""
        # What a file has of its own begins with a blank, a sign or a backslash.
        for part in re.split(rb"(?m)^(?=diff --git )", text):
            lines = part.removesuffix(b"\n").split(b"\n")
            if len(lines) == 1:
                continue  # it was touched, and is what it was
            binary = [each for each in lines[:10] if each.startswith(b"Binary files ")]
            if binary and not any(each.startswith(b"@@ ") for each in lines[:10]):
                # Without its bytes git could not apply it: the name is all there is to tell.
                self.binary.append(_name(binary[0].decode("utf-8", "replace")))
                continue
            for line in lines:
                self._take(line)

    def _take(self, raw: bytes) -> None:
        size = len(raw) + 1
        if self.cut_bytes or size > self._room:
            self.cut_lines += 1
            self.cut_bytes += size
            return
        self._room -= size
        line = mask_text(raw.decode("utf-8", "replace"))
        self.altered += line.encode("utf-8") != raw
        self.lines.append(line)


def _name(line: str) -> str:
    """The file of `Binary files a/x and b/x differ`."""
    old, _, new = line.removeprefix("Binary files ").removesuffix(" differ").rpartition(" and ")
    name = old if new == "/dev/null" else new
    return name.replace("a/" if name is old else "b/", "", 1)
