"""Digits as a pocket calculator shows them, drawn with noise: what the scripts here learn to read."""

import numpy as np

#: The segments of each digit: top, upper left and right, middle, lower left and right, bottom.
_SEGMENTS = (
    (1, 1, 1, 0, 1, 1, 1),
    (0, 0, 1, 0, 0, 1, 0),
    (1, 0, 1, 1, 1, 0, 1),
    (1, 0, 1, 1, 0, 1, 1),
    (0, 1, 1, 1, 0, 1, 0),
    (1, 1, 0, 1, 0, 1, 1),
    (1, 1, 0, 1, 1, 1, 1),
    (1, 0, 1, 0, 0, 1, 0),
    (1, 1, 1, 1, 1, 1, 1),
    (1, 1, 1, 1, 0, 1, 1),
)
_PLACES = (
    (slice(0, 1), slice(1, 5)),
    (slice(1, 5), slice(0, 1)),
    (slice(1, 5), slice(5, 6)),
    (slice(5, 6), slice(1, 5)),
    (slice(6, 10), slice(0, 1)),
    (slice(6, 10), slice(5, 6)),
    (slice(10, 11), slice(1, 5)),
)


def digits(count, seed):
    """`count` pictures of one channel, 12 times 8 pixels, and what they show."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 10, count)
    pictures = chance.normal(0, 0.3, (count, 1, 12, 8))
    for picture, label in zip(pictures, labels, strict=True):
        down, right = chance.integers(0, 2, 2)
        for (rows, columns), lit in zip(_PLACES, _SEGMENTS[label], strict=True):
            shown = picture[0, down : down + 11, right : right + 6]
            shown[rows, columns] += lit
    return pictures.astype("float32"), labels.astype("int32")
