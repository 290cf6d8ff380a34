"""How chunks are stored: whatever the bytes, they come back; damage is told, never guessed at."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolog.content.codec import decode, encode, encode_difference, loose_parts
from autolog.errors import IntegrityError

pytestmark = pytest.mark.core

ITEMSIZES = st.sampled_from([1, 2, 4, 8, 3, 16])


@given(st.binary(max_size=5000), ITEMSIZES)
def test_what_was_stored_comes_back(data, itemsize):
    stored = encode(data, itemsize)
    assert len(stored) <= len(data) + 1
    assert bytes(decode(stored, len(data))) == data


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_weights_get_smaller_by_their_planes(dtype):
    weights = (np.random.default_rng(1).standard_normal(100_000) * 0.02).astype(dtype)
    if dtype == "int64":
        weights = np.arange(100_000)
    data = weights.tobytes()
    stored = encode(data, weights.itemsize)
    assert len(stored) < 0.95 * len(data)
    assert bytes(decode(stored, len(data))) == data


@pytest.mark.parametrize(("dtype", "kind"), [("float16", 2), ("float32", 4), ("float64", 4), ("int64", 2)])
def test_lower_halves_that_are_noise_stay_together(dtype, kind):
    weights = (np.random.default_rng(1).standard_normal(100_000) * 0.02).astype(dtype)
    if dtype == "int64":
        weights = np.arange(100_000)
    data = weights.tobytes()
    stored = encode(data, weights.itemsize)
    assert stored[0] == kind
    assert bytes(decode(stored, len(data))) == data
    if kind == 4:
        low = np.frombuffer(data, f"<u{weights.itemsize // 2}")[::2].tobytes()
        assert low in stored
        # Only what could be others and give the same bytes is checked besides the chunk's digest.
        assert sum(map(len, loose_parts(stored))) == len(stored) - len(low) - sum(
            len(plane)
            for plane in np.frombuffer(data, np.uint8)
            .reshape(-1, weights.itemsize)[:, weights.itemsize // 2 :]
            .T
            if plane.tobytes() in stored
        )


def test_a_part_that_compresses_after_all_does_not_mislead():
    """Noise in the middle, where the sample is taken, and zeros around it; and the other way round."""
    noise, zeros = os.urandom(400_000), bytes(400_000)
    for data in (zeros + noise + zeros, noise + zeros + noise, zeros * 3):
        assert bytes(decode(encode(data, 4), len(data))) == data


def test_threads_do_not_get_into_each_others_way():
    random = np.random.default_rng(2)
    datas = [(random.standard_normal(50_000) * 0.02).astype(np.float32).tobytes() for _ in range(64)]
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(lambda data: encode(data, 4), datas))
        assert [bytes(each) for each in threads.map(decode, stored, map(len, datas))] == datas
    assert stored == [encode(data, 4) for data in datas]


def test_noise_is_stored_as_it_is():
    data = os.urandom(100_000)
    assert encode(data, 4) == b"\0" + data


@given(st.integers(0, 400), st.sampled_from([2, 4, 8]), st.integers(0, 2**32))
def test_a_difference_comes_back_whatever_lies_between(count, itemsize, seed):
    random = np.random.default_rng(seed)
    data, base = (random.integers(0, 256, count * itemsize, dtype=np.uint8).tobytes() for _ in range(2))
    stored = encode_difference(data, base, itemsize)
    if count:
        with pytest.raises(IntegrityError, match="base"):
            decode(stored, len(data))
        assert bytes(decode(stored, len(data), base)) == data


def test_a_small_step_is_a_small_difference():
    random = np.random.default_rng(2)
    before = (random.standard_normal(100_000) * 0.02).astype(np.float32)
    after = before + (random.standard_normal(100_000) * 1e-6).astype(np.float32)
    stored = encode_difference(after.tobytes(), before.tobytes(), 4)
    assert len(stored) < 0.7 * len(encode(after.tobytes(), 4))
    assert bytes(decode(stored, after.nbytes, before.tobytes())) == after.tobytes()


def test_there_is_no_difference_of_different_sizes():
    assert encode_difference(b"abcd", b"abcdefgh", 4) is None
    assert encode_difference(b"abc", b"abc", 1) is None


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\x09abc",
        b"\x01abc",
        b"\x02",
        b"\x02\x04abc",
        b"\x03\x04" + bytes(16),
        b"\0abc",
        b"\x04",
        b"\x04\x04abc",
        b"\x04\x02" + bytes(16),
        b"\x04\x04" + bytes(17),
    ],
    ids=[
        "empty",
        "unknown",
        "no frame",
        "no planes",
        "short planes",
        "no base",
        "another length",
        "no halves",
        "short halves",
        "halves of two bytes",
        "halves of another length",
    ],
)
def test_damage_is_an_integrity_error(stored):
    with pytest.raises(IntegrityError):
        decode(stored, 8)


@given(st.binary(max_size=200), st.integers(0, 1 << 40))
def test_anything_else_is_an_integrity_error_or_bytes_of_the_size_asked_for(stored, size):
    assert sum(map(len, loose_parts(stored))) <= len(stored) or not stored
    try:
        assert len(decode(stored, size)) == size
    except IntegrityError:
        pass
