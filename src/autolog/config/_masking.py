"""What must not be shown: passwords in URLs, and secrets among the options of a driver."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["conceal", "mask", "mask_text", "secrets_in"]

_HIDDEN = "***"
#: What the name of a secret in a URL has in it, and what that of a driver's option may have besides.
_WORDS = ("password", "passwd", "secret", "token", "key", "signature", "sig")
_MORE_WORDS = ("credential", "connection_string", "passphrase", "cookie", "auth")
_URL = r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"`<>]+"
#: A URL that a program fills in has no password in it yet.
_FILLED_IN = r"://[^/@]*:[^/@]*[{$%][^/@]*@"
_LITERAL = (
    r"((?:password|passwd|passphrase|secret|credential|(?:api|access|private|account)_?key|(?:auth|access)_?token)"
    r"\w*[\"']?\s*[:=]\s*([\"']))(?:(?!\2).)+(\2)"
)
#: Tokens that are known by how they begin: of AWS, GitHub, GitLab, Hugging Face, OpenAI and Slack.
_TOKEN = (
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{36,}|glpat-[\w-]{20,}|hf_[A-Za-z0-9]{30,}"
    r"|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,})"
)


def mask(url: str) -> str:
    """The URL with any password or token in it replaced by `***`."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    place, slash, path = rest.partition("/")
    credentials, at, host = place.rpartition("@")
    if at:
        user, colon, _ = credentials.partition(":")
        place = f"{user}{':***' if colon else ''}@{host}"
    path, question, query = path.partition("?")
    if question:
        query = "&".join(
            f"{part.partition('=')[0]}=***" if _is_named(part.partition("=")[0], _WORDS) else part
            for part in query.split("&")
        )
    return f"{scheme}{mark}{place}{slash}{path}{question}{query}"


def mask_text(text: str) -> str:
    """Text such as a line of a program, with `***` for what looks like a secret.

    That is a password or token in a URL, text given to a name such as `password` or `api_key`, and tokens
    that are known by how they begin.
    """
    text = re.sub(_URL, lambda match: match[0] if re.search(_FILLED_IN, match[0]) else mask(match[0]), text)
    text = re.sub(_LITERAL, rf"\1{_HIDDEN}\3", text, flags=re.IGNORECASE)
    return re.sub(_TOKEN, _HIDDEN, text)


def conceal(value: Any) -> Any:
    """A setting as it may be shown: what goes by the name of a secret is `***`, and URLs are masked."""
    if isinstance(value, Mapping):
        return {
            mask(name): _HIDDEN if _is_secret(name) and each not in (None, "") else conceal(each)
            for name, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [conceal(each) for each in value]
    return mask(value) if isinstance(value, str) else value


def secrets_in(value: Any) -> Iterator[str]:
    """The texts that `conceal` hides, the longest of one place first."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(each) if _is_secret(name) else secrets_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from secrets_in(each)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str) and value:
        yield value


def _is_secret(name: str) -> bool:
    return _is_named(name, _WORDS + _MORE_WORDS) and "://" not in name


def _is_named(name: str, words: tuple[str, ...]) -> bool:
    lower = name.lower()
    return any(word in lower for word in words)
