"""What a browser saves."""

from __future__ import annotations

from collections.abc import Callable

from blake3 import blake3
from playwright.sync_api import Page

__all__ = ["downloaded"]


def downloaded(page: Page, begin: Callable[[], None]) -> str:
    """Do what begins a download; the digest of the bytes that came, as records have it."""
    with page.expect_download() as download:
        begin()
    return f"blake3:{blake3(download.value.path().read_bytes()).hexdigest()}"
