"""`upload.workers`: how many files of a snapshot are on their way at once."""

import os
import threading

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from autolog.content import Reach
from autolog.errors import DestinationError
from autolog.keeping import destination_of, restore, send

pytestmark = pytest.mark.core


class Together(MemoryFileSystem):
    """A driver that writes only when as many files as its option says are being written at once."""

    protocol = "together"
    cachable = False

    def __init__(self, at_once=1, **options):
        super().__init__(**options)
        self.barrier = threading.Barrier(at_once)

    def put_file(self, *arguments, **options):
        try:
            self.barrier.wait(5)
        except threading.BrokenBarrierError:
            raise ValueError("there are not as many") from None
        return super().put_file(*arguments, **options)


def sent(keep, workers, at_once):
    fsspec.register_implementation("together", Together, clobber=True)
    url = "together://" + os.urandom(4).hex()
    keep = keep(output_uri=url)
    files = {f"{number}.bin": os.urandom(100 + number) for number in range(6)}
    staged = keep.stage_files(files)
    reach = Reach({url: {"at_once": at_once}}, retries=0, workers=workers)
    assert send(staged, destination_of(url, "", keep.home, keep.url, reach), keep.kept)
    return keep, files


def test_as_many_as_said_go_side_by_side(keep, tmp_path):
    keep, files = sent(keep, workers=3, at_once=3)
    target = tmp_path / "back"
    restore(keep.snapshots[0], keep.kept, keep.home, str(target))
    assert {each.name: each.read_bytes() for each in target.iterdir()} == files


@pytest.mark.slow
def test_and_no_more(keep):
    with pytest.raises(DestinationError, match="there are not as many"):
        sent(keep, workers=2, at_once=3)
