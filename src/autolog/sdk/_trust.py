"""What a file would run when it is loaded, and the error that says so."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from autolog import formats
from autolog.errors import NotLoadable, UnreadableWeights, Untrusted

if TYPE_CHECKING:
    from zipfile import ZipFile

__all__ = ["look", "only_weights", "program_names", "refuse_unlocking", "risks", "untrusted"]

_MOST_SHOWN = 10
#: Arguments of loaders that let a file run code, and the values of them that do.
_UNLOCKING = {"weights_only": False, "safe_mode": False, "trust_remote_code": True, "allow_pickle": True}
_FORCE, _FORBID = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
_forcing = threading.RLock()

# What may be in an exported program's expressions, which sympy evaluates as Python, and as its operators,
# which are looked up as attributes of `torch`.
_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"\b(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\b")
_EXPRESSION = re.compile(r"[\w\s()+\-*/%,.<>=&|~^]*\Z")
_SYMBOL = re.compile(r"[a-z]{1,4}\d+\Z|[A-Z][A-Za-z]*\Z")
_FUNCTIONS = re.compile(
    r"(floor|ceiling|sqrt|oo|int_oo|true|false|and|or|not|positive|nonnegative|negative|nonzero|integer|real"
    r"|finite|even|odd|precision|evaluate)\Z"
)
#: The only texts in an expression: what is left when they are taken for it is no text.
_TEXT = re.compile(r"(Symbol|Float)\('([a-z]{1,4}\d+|[\d.]+(e[+-]?\d+)?)'")
_OPERATOR = re.compile(
    r"torch\.ops\.\w+\.\w+(\.\w+)?\Z|torch\._?sym_\w+\Z|torch\._C\._functorch\.\w+\Z"
    r"|torch\._C\._set_grad_enabled\Z|math\.\w+\Z"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_|xor"
    r"|not_|invert|lshift|rshift)\Z"
)
_CODE = ("aotinductor/", "opaque_obj_")
_LARGEST_JSON = 1 << 28


def look(path: str) -> formats.Contents | None:
    """What is in a file, a folder, or the files that begin with this prefix; nothing of it is run.

    Raises UnreadableWeights, and NotLoadable if nothing is there.
    """
    if os.path.isfile(path):
        with open(path, "rb") as file:
            return formats.inspect(file, os.path.basename(path))
    if os.path.isdir(path):
        found = [os.path.join(here, name) for here, _, names in os.walk(path) for name in sorted(names)]
        files = [(os.path.relpath(each, path), each) for each in found]
    else:
        folder, prefix = os.path.split(os.path.abspath(path))
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        files = [(name, os.path.join(folder, name)) for name in names if name.startswith(f"{prefix}.")]
    if not files:
        raise NotLoadable(f"{path} is no file and no folder with files in it")
    return formats.inspect_bundle([(name, partial(_open, each)) for name, each in files])


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def risks(path: str) -> tuple[str, ...]:
    """What loading a pickle would call or import that is no part of a framework we know."""
    found = look(path)
    if found is None:
        return ()
    imports = found.details.get("imports", ())
    return tuple(dict.fromkeys((*found.dangerous, *(each for each in imports if isinstance(each, str)))))


def untrusted(path: str, names: tuple[str, ...], *, hint: str = "") -> Untrusted:
    """The error for a file that could run code when it is loaded."""
    shown = ", ".join(names[:_MOST_SHOWN]) + (", ..." if len(names) > _MOST_SHOWN else "")
    what = f"it names {shown}" if names else "it names nothing that is known to do harm, but that is no proof"
    return Untrusted(
        f"loading {path} can run any code that is in it ({what}); if you made this file yourself, or trust"
        f" whoever did, say load(trusted=True){hint}",
        names,
    )


def refuse_unlocking(options: Mapping[str, Any]) -> None:
    """Raise Untrusted for an option that would let a file run code behind our back."""
    for name, value in _UNLOCKING.items():
        if name in options and options[name] is not None and bool(options[name]) is value:
            raise Untrusted(f"{name}={options[name]!r} lets the file run code; say trusted=True as well")


@contextmanager
def only_weights() -> Iterator[None]:
    """Have every `torch.load` refuse pickled code, also those that ask for it.

    `torch.export.load` tries without it when it fails with it. On other threads it refuses meanwhile, too.
    """
    with _forcing:
        before = {name: os.environ.pop(name, None) for name in (_FORCE, _FORBID)}
        os.environ[_FORCE] = "1"
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def program_names(path: str) -> tuple[str, ...]:
    """What an exported program has that could run on loading and is no pickle (see `only_weights`).

    That is machine code, objects that are pickled by themselves, expressions that are more than arithmetic,
    and operators that are no operators. Raises UnreadableWeights.
    """
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            return tuple(dict.fromkeys(_program_names(archive)))
    except (BadZipFile, ValueError, RecursionError, RuntimeError, EOFError) as error:
        raise UnreadableWeights(f"{path} is a damaged exported program: {error}") from error


def _program_names(archive: ZipFile) -> Iterator[str]:
    for entry in archive.infolist():
        # torch looks its entries up whatever their case.
        name = entry.filename.lower()
        yield from (entry.filename for each in _CODE if each in name)
        if not name.endswith(".json"):
            continue
        if entry.file_size > _LARGEST_JSON:
            raise UnreadableWeights(f"an exported program with {entry.file_size:,} bytes of JSON")
        pending = [json.loads(archive.read(entry))]
        while pending:
            value = pending.pop()
            if isinstance(value, list):
                pending += value
            elif isinstance(value, dict):
                yield from _odd(value)
                pending += value.values()


def _odd(value: Mapping[str, Any]) -> Iterator[str]:
    text = value.get("expr_str")
    if isinstance(text, str) and not _is_arithmetic(text):
        yield text[:200]
    target = value.get("target")
    is_looked_up = isinstance(target, str) and target.startswith(("torch", "_operator", "math", "#"))
    if is_looked_up and not _OPERATOR.match(str(target)):
        yield str(target)[:200]
    path = value.get("path_name")
    if isinstance(path, str) and (".." in path or path.lower().startswith("opaque_obj_")):
        yield path[:200]


def _is_arithmetic(text: str) -> bool:
    """Whether sympy's evaluating it can't run anything; numbers like 1e-05 are no words."""
    text = _NUMBER.sub("1", _TEXT.sub(r"\1(\2", text))
    words = [found[0] for found in _WORD.finditer(text)]
    return (
        _EXPRESSION.match(text) is not None
        and "__" not in text
        and not re.search(r"\.\s*[^\W\d]", text)
        and all(_FUNCTIONS.match(word) or _SYMBOL.match(word) for word in words)
    )
