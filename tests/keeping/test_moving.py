"""Chunks are moved into other packs while somebody reads them."""

import os
import threading
from collections import namedtuple
from functools import partial

import pytest

from autolog.content import open_place
from autolog.keeping.collect import copy_stored, rewrite, take_away
from autolog.keeping.destination import open_recorded
from autolog.keeping.reading import Reading

pytestmark = pytest.mark.core

Span = namedtuple("Span", "offset length itemsize")
SIZE = 12 << 20  # two batches, each for a thread of its own


class Gated(type(open_place("/"))):
    """A folder whose pack is moved as two threads are about to read it; one is through before the other."""

    is_near = False  # so that there are two threads on one processor, too

    def __init__(self, root, old, move):
        super().__init__(root)
        self.old = old
        self.move = move
        self.both = threading.Barrier(2)
        self.moved = threading.Event()
        self.is_through = threading.Event()

    def read(self, name, offset, length):
        if not threading.current_thread().name.startswith("autolog-restore"):
            return super().read(name, offset, length)
        if name != self.old:
            data = super().read(name, offset, length)
            self.is_through.set()
            return data
        if self.both.wait(60) == 0:
            self.move()
            self.moved.set()
        else:
            self.moved.wait(60)
            self.is_through.wait(60)
        return super().read(name, offset, length)


def test_two_threads_that_meet_it_go_on_with_the_new_pack(keep):
    keep = keep()
    data = os.urandom(SIZE)
    keep.save(data, spans=[Span(0, SIZE, 1)])
    keep.end()
    (record,) = keep.kept.places()
    (pack,) = keep.kept.packs(record.id).values()
    place = open_recorded(record, keep.home)

    def move():
        fill = partial(copy_stored, rows=keep.kept.chunks_in(pack.id))
        # Of the same size: only to have it elsewhere.
        assert rewrite(keep.kept, record, place, pack, fill, at_most=1.1)
        take_away(keep.kept, record, place)

    gated = Gated(place.root, pack.name, move)
    (file,) = keep.kept.files_at(record.id)
    reading = Reading(keep.kept, record.id, gated)
    assert b"".join(reading.file(keep.kept.recipe(file.recipe_id))) == data
    assert gated.is_through.is_set()
