"""Files and bundles that come from elsewhere."""

from contextlib import closing

import pytest

from autolog import config
from autolog.keeping import at_hand, export, import_bundle, import_file
from autolog.store import Kept, Store, edit_task


@pytest.fixture
def importing(keep, tmp_path):
    """Puts bytes at a path and imports it: `(model id, version, whether it is new)`."""
    home = keep()
    settings = config.load(home=home.home)

    def importing(data, path="net.bin"):
        (tmp_path / path).write_bytes(data)
        with at_hand(str(tmp_path / path), settings) as at:
            return import_file(at, home.store, home.kept, settings, chosen={})[:3]

    importing.home = home
    return importing


def test_an_earlier_version_that_is_at_its_path_again(importing):
    model, *first = importing(b"a" * 99)
    other, *_ = importing(b"o" * 99, "other.bin")
    assert importing(b"b" * 99) == (model, 2, True)
    assert importing(b"a" * 99) == (model, 1, False)
    store = importing.home.store
    assert first == [1, True]
    assert [each.state for each in store.model(model).snapshots] == ["at_path", "overwritten"]
    assert importing(b"b" * 99) == (model, 2, False)
    assert [each.state for each in store.model(model).snapshots] == ["overwritten", "at_path"]
    assert importing(b"c" * 99) == (model, 3, True)
    assert [each.state for each in store.model(model).snapshots] == ["overwritten"] * 2 + ["at_path"]
    assert [each.state for each in store.model(other).snapshots] == ["at_path"]


def test_a_bundle_takes_any_kind_of_task_along(keep, tmp_path):
    home = keep()
    home.save(b"bytes" * 99)
    kind = "a search for the best learning rate"
    edit_task(home.store, home.task, lambda record: {"kind": kind})
    bundle = str(tmp_path / "m.autolog")
    settings = config.load(home=home.home)
    export(home.store, home.kept, settings, [each.id for each in home.snapshots], bundle)
    with closing(Store.open(f"sqlite:///{tmp_path}/other.db")) as other:
        import_bundle(bundle, other, Kept(other), settings)
        assert other.task(home.task).kind == kind
