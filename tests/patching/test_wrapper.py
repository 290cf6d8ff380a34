"""A wrapped function looks, pickles and copies as the bare one."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from autolog.hooks import save

pytestmark = pytest.mark.core

SOURCE = '''
    import functools

    def save(obj, path: str, *, level: int = 3) -> str:
        """Saves."""
        return path

    class Model:
        """A model."""

        def __init__(self, name="m"):
            self.name = name

        def __eq__(self, other):
            return self.name == other.name

        def __hash__(self):
            return hash(self.name)

        def save(self, path: str) -> str:
            """Saves itself."""
            return self.name + path

        @classmethod
        def make(cls, path):
            return cls.__name__ + path

        @staticmethod
        def store(path):
            return path

    class Child(Model):
        pass
'''
NAMES = ("save", "Model.save", "Model.make", "Model.store")


@pytest.fixture
def module(toy: Any) -> Any:
    """The module above."""
    return toy.write("io", SOURCE).load("io")


@pytest.fixture
def wrapped(module: Any, toy: Any, install: Callable[..., Any]) -> Any:
    """The module above, hooked."""
    install(*(save(toy.at(f"io:{name}"), path="path") for name in NAMES))
    return module


def ways(module: Any) -> dict[str, Any]:
    """Every way to get at one of the functions."""
    model, child = module.Model("a"), module.Child("b")
    return {
        "save": module.save,
        "Model.save": module.Model.save,
        "Child.save": module.Child.save,
        "model.save": model.save,
        "child.save": child.save,
        "Model.make": module.Model.make,
        "Child.make": module.Child.make,
        "model.make": model.make,
        "Model.store": module.Model.store,
        "child.store": child.store,
    }


def facts(function: Any) -> dict[str, Any]:
    """What anybody may ask of it."""
    return {
        "signature": str(inspect.signature(function)),
        "function": inspect.isfunction(function),
        "method": inspect.ismethod(function),
        "routine": inspect.isroutine(function),
        "names": (function.__name__, function.__qualname__, function.__module__, function.__doc__),
        "annotations": function.__annotations__,
        "defaults": (function.__defaults__, function.__kwdefaults__),
        "source": inspect.getsource(function),
        "repr": repr(function).partition(" at ")[0],
        "type": isinstance(function, type(lambda: None)),
    }


def test_nobody_can_tell(module: Any, toy: Any, install: Callable[..., Any]) -> None:
    bare = {way: facts(function) for way, function in ways(module).items()}
    install(*(save(toy.at(f"io:{name}"), path="path") for name in NAMES))
    assert {way: facts(function) for way, function in ways(module).items()} == bare


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_equal_and_load_back(
    protocol: int, module: Any, toy: Any, install: Callable[..., Any]
) -> None:
    bare = {way: pickle.dumps(function, protocol) for way, function in ways(module).items()}
    patches = install(*(save(toy.at(f"io:{name}"), path="path") for name in NAMES))
    for way, function in ways(module).items():
        data = pickle.dumps(function, protocol)
        assert pickle.loads(data)(*_arguments(way)) == function(*_arguments(way))
        if "store" not in way:  # a static method is pickled by way of its class: another detour, same end
            assert data == bare[way], way
        assert b"autolog" not in data
        assert b"wrapt" not in data
    patches.remove()
    for data in bare.values():
        assert type(pickle.loads(data)).__module__ == "builtins"


def _arguments(way: str) -> tuple[Any, ...]:
    if way in ("Model.save", "Child.save"):
        return type("M", (), {"name": "n"})(), "p"
    return (1, "p") if way == "save" else ("p",)


def test_copies(wrapped: Any) -> None:
    assert copy.copy(wrapped.save) is wrapped.save
    assert copy.deepcopy([wrapped.save])[0] is wrapped.save
    assert wrapped.Model.save is wrapped.Model.save
    assert wrapped.Child.save is wrapped.Model.save
    model = wrapped.Model("a")
    assert model.save == model.save
    assert hash(model.save) == hash(model.save)
    assert copy.copy(model.save)("x") == "ax"
    again = copy.deepcopy(model.save)
    assert again.__self__ is not model
    assert again.__self__ == model
    assert again("x") == "ax"


def test_partial(wrapped: Any, notes: Any) -> None:
    for made in (
        functools.partial(wrapped.save, level=1),
        pickle.loads(pickle.dumps(functools.partial(wrapped.save, level=1))),
        copy.deepcopy(functools.partial(wrapped.save, level=1)),
    ):
        assert made(1, "p") == "p"
    bound = pickle.loads(pickle.dumps(functools.partial(wrapped.Model("a").save, "p")))
    assert bound() == "ap"
    assert notes.of("keep") == ["p"] * 4


def test_wraps_and_attributes(wrapped: Any) -> None:
    @functools.wraps(wrapped.save)
    def mine(*args: Any, **kwargs: Any) -> Any:
        return wrapped.save(*args, **kwargs)

    assert mine.__name__ == "save"
    assert str(inspect.signature(mine)) == "(obj, path: str, *, level: int = 3) -> str"
    wrapped.save.note = 1
    assert wrapped.save.__wrapped__.note == 1


def test_warnings_and_logs_that_blame_the_caller_name_it(
    toy: Any, install: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    module = toy.write(
        "old",
        """
        import logging
        import warnings

        def save(obj, path):
            warnings.warn("save is old", DeprecationWarning, stacklevel=2)
            logging.getLogger("toy").warning("save is old", stacklevel=2)
            return path

        def outer(obj, path):
            return inner(obj, path)

        def inner(obj, path):
            warnings.warn("so is inner", UserWarning, stacklevel=3)
        """,
    ).load("old")
    install(*(save(toy.at(f"old:{name}"), path="path", model="obj") for name in ("save", "outer", "inner")))
    here = inspect.currentframe()
    assert here is not None
    with pytest.warns(DeprecationWarning, match="save is old") as blamed:
        module.save(1, "a")
    saved = here.f_lineno - 1
    assert [(each.filename, each.lineno) for each in blamed] == [(__file__, saved)]
    if sys.version_info >= (3, 11):
        assert [(each.pathname, each.lineno) for each in caplog.records] == [(__file__, saved)]
    with pytest.warns(UserWarning, match="so is inner") as blamed:
        module.outer(1, "a")
    called = here.f_lineno - 1
    assert [(each.filename, each.lineno) for each in blamed] == [(__file__, called)]


def test_isinstance_and_subclassing_of_the_class_are_untouched(wrapped: Any) -> None:
    class Mine(wrapped.Model):  # type: ignore[misc, name-defined]
        def save(self, path: str) -> str:
            return "mine " + super().save(path)

    assert isinstance(Mine("a"), wrapped.Model)
    assert Mine("a").save("x") == "mine ax"
    assert "save" in vars(wrapped.Model)
    assert inspect.getattr_static(wrapped.Child, "save") is vars(wrapped.Model)["save"]


def test_switched_off_it_only_calls_through(
    module: Any, toy: Any, install: Callable[..., Any], notes: Any
) -> None:
    patches = install(*(save(toy.at(f"io:{name}"), path="path") for name in NAMES))
    kept = ways(module)
    patches.remove()
    assert [function(*_arguments(way)) for way, function in kept.items()] == [
        function(*_arguments(way)) for way, function in ways(module).items()
    ]
    assert notes.told == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 raises again with the traceback it caught")
def test_a_traceback_has_no_frame_of_ours(toy: Any, install: Callable[..., Any]) -> None:
    module = toy.write("bad", "def save(obj, path):\n    raise OSError(path)\n").load("bad")
    target = toy.at("bad:save")
    install(save(target, path="path", model="obj"), save("_pickle:dump", path="file", model="obj"))
    with pytest.raises(OSError, match="a") as raised:
        module.save(1, "a")
    assert [each.name for each in raised.traceback] == ["test_a_traceback_has_no_frame_of_ours", "save"]
    with pytest.raises(TypeError) as raised_in_c:
        pickle.dump(1, 2)  # type: ignore[arg-type]
    assert [each.name for each in raised_in_c.traceback] == ["test_a_traceback_has_no_frame_of_ours"]


def test_a_warning_about_the_caller_names_the_caller(toy: Any, install: Callable[..., Any]) -> None:
    module = toy.write(
        "old",
        """
        import warnings

        def save(obj, path, depth=2):
            warnings.warn("this is old", DeprecationWarning, stacklevel=depth)

        def save_more(obj, path):
            save(obj, path, depth=3)
        """,
    ).load("old")

    def warned() -> list[tuple[str, int]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.save(1, "a")
            module.save_more(2, "b")
        return [(each.filename, each.lineno) for each in caught]

    bare = warned()
    assert {name for name, _ in bare} == {__file__}
    install(save(toy.at("old:save"), path="path"), save(toy.at("old:save_more"), path="path"))
    assert warned() == bare
