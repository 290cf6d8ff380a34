"""Hashing beside the script."""

from __future__ import annotations

from autolog.capture import memory


def test_digests_are_told_in_the_order_of_their_saves() -> None:
    told: list[str] = []
    large = bytes(200 << 20)  # takes longer than all of the small ones
    saved = (large, b"a", b"b", large[:50_000_000], b"c")
    expected = [memory.digest_of(data) for data in saved]
    for data in saved:
        memory.hash_later(data, told.append)
    memory.join()
    assert told == expected
