"""What was taken out of a task may be put back once, and is not lost where the store refuses it."""

import pytest

from autolog.errors import NotFound, StoreLocked
from autolog.web.undoing import TakenInputs

pytestmark = pytest.mark.core


def test_once_and_again_if_the_store_refuses_it():
    taken = TakenInputs()
    mark = taken.keep("task", ["an input"])
    with pytest.raises(StoreLocked), taken.given("task", mark):
        raise StoreLocked("the store is locked")
    with taken.given("task", mark) as found:
        assert found == ["an input"]
    with pytest.raises(NotFound), taken.given("task", mark):
        pass
