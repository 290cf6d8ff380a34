"""Who, where and with which code: what is noted of a run when it begins.

No process is started for it. The commit and branch are read from git's own files (gitrepository-layout
in git's manual); whether the tree is dirty needs `git` itself, and is asked by the agent.
"""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["git_head", "is_interactive", "script", "script_name", "user"]


def is_interactive() -> bool:
    """Whether this is a notebook or a prompt, where an exception doesn't end the run."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or "ipykernel" in sys.modules


def script() -> str:
    """The absolute path of the script that runs, `-m` modules included; empty at a prompt."""
    main = sys.modules.get("__main__")
    notebook = os.environ.get("JPY_SESSION_NAME")
    if "ipykernel" in sys.modules:
        return os.path.abspath(notebook) if notebook else ""
    path = getattr(main, "__file__", None)
    return os.path.abspath(path) if path else ""


def script_name() -> str:
    """The run's name if nobody gave one: the script's stem, or what kind of session it is."""
    path = script()
    if path:
        stem = os.path.splitext(os.path.basename(path))[0]
        return os.path.basename(os.path.dirname(path)) if stem == "__main__" else stem
    return "notebook" if "ipykernel" in sys.modules else "interactive"


def user() -> str:
    """The login name, without asking a directory service."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(name):
            return os.environ[name]
    return str(os.getuid()) if hasattr(os, "getuid") else ""


def git_head(path: str) -> dict[str, Any]:
    """`{"root", "commit", "branch"}` of the repository that `path` lies in; empty outside of one."""
    folder = path
    while True:
        dot_git = os.path.join(folder, ".git")
        if os.path.exists(dot_git):
            break
        parent = os.path.dirname(folder)
        if parent == folder:
            return {}
        folder = parent
    directory = dot_git
    if os.path.isfile(dot_git):  # a worktree or submodule: one line that points at the real one
        directory = os.path.join(folder, _first_line(dot_git).partition(":")[2].strip())
    head = _first_line(os.path.join(directory, "HEAD"))
    found: dict[str, Any] = {"root": folder}
    if not head.startswith("ref:"):
        return {**found, "commit": head or None, "branch": None}
    reference = head[4:].strip()
    common = _first_line(os.path.join(directory, "commondir"))
    common = os.path.join(directory, common) if common else directory
    commit = ""
    for place in (directory, common):
        commit = commit or _first_line(os.path.join(place, reference))
    return {
        **found,
        "commit": commit or _packed(common, reference),
        "branch": reference.removeprefix("refs/heads/"),
    }


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _packed(directory: str, reference: str) -> str | None:
    try:
        with open(os.path.join(directory, "packed-refs"), encoding="utf-8", errors="replace") as file:
            for line in file:
                commit, _, name = line.strip().partition(" ")
                if name == reference:
                    return commit
    except OSError:
        pass
    return None
