"""A model that is asked for by a file or an address is the very version that was saved there."""

from pathlib import Path

import pytest

import autolog
from autolog import InputModel, OutputModel

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def made(task, weights):
    """A model with three versions saved over each other, whose bytes are kept."""
    model = OutputModel(task, name="net")
    for number in (1, 2, 3):
        model.update_weights(weights("net.bin", bytes([number]) * 3000), upload_uri=True, iteration=number)
    return model


def recorded(task):
    return [(each.id, each.version) for each in task.models.input]


def test_a_file_is_the_version_whose_bytes_it_has(made, task, weights):
    copy = weights("first.bin", bytes([1]) * 3000)
    task.close()
    using = autolog.init("lab", "use")
    for found in (InputModel.load_model(copy), InputModel.import_model(copy)):
        assert (found.id, found.version) == (made.id, 1)
        assert Path(found.get_weights(raise_on_error=True)).read_bytes() == bytes([1]) * 3000
    found.connect(using)
    assert recorded(using) == [(made.id, 1)]


def test_of_equal_bytes_it_is_the_newest_version(made, task, weights):
    made.update_weights(weights("net.bin", bytes([1]) * 3000), iteration=4)
    found = InputModel.load_model(weights("copy.bin", bytes([1]) * 3000))
    assert (found.id, found.version) == (made.id, 4)


def test_an_address_is_the_version_that_was_registered_there(task):
    made = OutputModel(task, name="net")
    for name in ("epoch1", "epoch2", "epoch1", "epoch3"):
        made.update_weights(register_uri=f"s3://bucket/{name}.pt")
    task.close()
    using = autolog.init("lab", "use")
    for name, version in (("epoch1", 3), ("epoch2", 2)):
        found = InputModel.load_model(f"s3://bucket/{name}.pt")
        assert (found.id, found.version, found.url) == (made.id, version, f"s3://bucket/{name}.pt")
        found.connect(using)
    assert recorded(using) == [(made.id, 3), (made.id, 2)]


def test_a_path_where_nothing_is_any_more_is_the_last_version_there(made, here):
    (here / "net.bin").unlink()
    found = InputModel.load_model("net.bin")
    assert (found.id, found.version) == (made.id, 3)


def test_an_imported_model_stays_the_version_that_was_imported(task, weights):
    path = weights("base.bin", b"one")
    first = InputModel.import_model(path)
    path.write_bytes(b"two")
    second = InputModel.import_model(path)
    assert first.id == second.id
    assert [first.snapshot().digest, second.snapshot().digest] == [each.digest for each in first.snapshots]
    assert Path(second.get_weights(raise_on_error=True)).read_bytes() == b"two"


def test_of_an_origin_alone_no_version_is_known(task, weights):
    from autolog.sdk._records import records
    from autolog.store import schema

    made = InputModel.import_model(weights("base.bin"))
    moved = schema.models.update().where(schema.models.c.id == made.id).values(origin="hub://base")
    with records().store._writing() as connection:
        connection.execute(moved)
    found = InputModel.load_model("hub://base")
    assert (found.id, found.version) == (made.id, None)
