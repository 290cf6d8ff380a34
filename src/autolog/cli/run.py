"""`autolog run SCRIPT [args]` and `autolog run -m MODULE [args]`.

The script is run by Python itself: this process becomes `python SCRIPT args` (`execve`, same process
id), with a folder of ours first on PYTHONPATH whose `sitecustomize` calls `autolog.init()` while the
interpreter starts, puts PYTHONPATH and `sys.path` back as they were and hands over to the user's own
`sitecustomize`. The alternative, to compile the script and `exec` it in here, was not taken: our
frames would lie below the script's, which shows in recursion depth, `inspect.stack()`, tracebacks
printed from threads or from `traceback.print_stack()`, in `sys.orig_argv` and in what is imported
already; `__main__`, `runpy`, the handling of SyntaxError, SystemExit, KeyboardInterrupt (which ends the
process by SIGINT) and the order of exit functions would each have to be imitated, for every version of
Python. This way they are the real thing.

The price: Python starts twice (some 20 ms), and an interpreter told to ignore its environment or
`site` (`-I`, `-E`, `-S`) can't be used.
"""

from __future__ import annotations

import json
import os
import sys

import click

from autolog.errors import AutologError

from ._boot import BOOT, REQUEST
from ._options import Options, places

__all__ = ["run"]


class _RunCommand(click.Command):
    """A command whose own options end at the script's or module's name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = self._end_of_ours(ctx, args)
        return super().parse_args(ctx, [*args[:at], "--", *args[at:]])

    def _end_of_ours(self, ctx: click.Context, args: list[str]) -> int:
        takes_value = {
            name: not getattr(each, "is_flag", False)
            for each in self.get_params(ctx)
            if isinstance(each, click.Option)
            for name in each.opts
        }
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] not in ("-", "--"):
            here = args[at]
            if here.startswith("-m"):  # the module's arguments follow, as with `python -m`
                return at + (2 if here == "-m" else 1)
            at += 2 if takes_value.get(here, False) else 1
        if at < len(args) and args[at] == "--":
            del args[at]
        return min(at, len(args))


@click.command(cls=_RunCommand)
@click.option("-m", "module", metavar="MODULE", help="Run a module or package, as `python -m` does.")
@click.option("--project", metavar="NAME", help="The project that the task belongs to.")
@click.option("--task", metavar="NAME", help="The task's name.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag of the task; may be repeated.")
@places
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT [ARGS]...")
@click.pass_obj
def run(options: Options, /, module: str | None, command: tuple[str, ...], tags: tuple[str, ...],
        **names: str | None) -> None:  # fmt: skip
    """Run a Python script, unchanged, with capture on.

    Everything after SCRIPT (or `-m MODULE`) is the script's. `--project`, `--task`, `--home` and
    `--store` reach it as AUTOLOG_PROJECT and so on, so that an `autolog.init()` in the script and in
    the processes that it starts means the same task.
    """
    if module is None and not command:
        raise click.UsageError("name a script: autolog run SCRIPT [ARGS], or autolog run -m MODULE [ARGS]")
    if not sys.executable:
        raise AutologError("this Python doesn't know its own executable; call autolog.init() in the script")
    flags = _interpreter_flags()
    environment = {**_environment(), REQUEST: _request(module, command, tags)}
    for name, value in (*names.items(), ("home", options.home), ("store", options.store)):
        if value is not None:
            environment[f"AUTOLOG_{name.upper()}"] = os.path.abspath(value) if name == "home" else value
    before = os.environ.get("PYTHONPATH")
    # An empty PYTHONPATH counts as none, while an empty entry behind another one is the working folder.
    environment["PYTHONPATH"] = f"{BOOT}{os.pathsep}{before}" if before else BOOT
    target = list(command) if module is None else ["-m", module, *command]
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(sys.executable, [sys.executable, *flags, *target], environment)
    except OSError as error:
        raise AutologError(f"{sys.executable} can't be run ({error.strerror})") from error


def _request(module: str | None, command: tuple[str, ...], tags: tuple[str, ...]) -> str:
    """What the other side of `execve` has to know; see `_boot`."""
    return json.dumps(
        {
            "pythonpath": os.environ.get("PYTHONPATH"),
            "module": module,
            "script": command[0] if module is None else None,
            "tags": tags,
        }
    )


def _interpreter_flags() -> list[str]:
    """The options that this interpreter was given itself. Raises click.UsageError where they exclude us."""
    flags = sys.flags
    if flags.ignore_environment or flags.isolated or flags.no_site:
        raise click.UsageError(
            "`autolog run` needs the interpreter's start-up, which -I, -E and -S leave out; run without them,"
            " or call autolog.init() in the script"
        )
    return _leading_options(sys.orig_argv[1:])


def _leading_options(command: list[str]) -> list[str]:
    """What stands before the script, `-m` or `-c` of Python's own command line."""
    found: list[str] = []
    at = 0
    while at < len(command) and command[at].startswith("-") and command[at] != "-":
        here = command[at]
        at += 1
        if here.startswith("--"):
            found.append(here)
            needs_value = here == "--check-hash-based-pycs"
        else:
            # Letters may stand together (-Bu), the last of them with its value (-BWerror, -Xdev).
            letters = here[1:]
            last = next((number for number, letter in enumerate(letters) if letter in "cmWX"), None)
            if last is not None and letters[last] in "cm":
                return [*found, f"-{letters[:last]}"] if last else found
            found.append(here)
            needs_value = last == len(letters) - 1
        if needs_value and at < len(command):
            found.append(command[at])
            at += 1
    return found


def _environment() -> dict[str, str]:
    """The environment as this process was given it, for another Python to start with."""
    found = dict(os.environ)
    if "LC_CTYPE" in found and not _was_given("LC_CTYPE"):
        # Python's own doing in the C locale (PEP 538); left in, it would switch off UTF-8 mode.
        del found["LC_CTYPE"]
    return found


def _was_given(name: str) -> bool:
    try:
        with open("/proc/self/environ", "rb") as file:
            return any(each.startswith(f"{name}=".encode()) for each in file.read().split(b"\0"))
    except OSError:
        return True
