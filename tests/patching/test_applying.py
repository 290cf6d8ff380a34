"""Putting wrappers in place and taking them away again, whatever is imported when."""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest

from autolog.hooks import Hook, load, save
from autolog.patching import Patches
from autolog.patching.wrapper import Patched

pytestmark = pytest.mark.core

KINDS = """
    class Base:
        def save(self, path):
            return "save", type(self).__name__, path

        @classmethod
        def make(cls, path):
            return "make", cls.__name__, path

        @staticmethod
        def store(path):
            return "store", path

        @property
        def size(self):
            return 1

    class Middle(Base):
        pass

    class Leaf(Middle):
        pass

    class Own(Base):
        def save(self, path):
            return "own", *super().save(path)

    class Outer:
        class Inner:
            def save(self, path):
                return path

    def save(obj, path):
        return path

    class Saver:
        def __call__(self, obj, path):
            return path

        def put(self, obj, path):
            return path

    saver = Saver()
    put = saver.put
"""


@pytest.fixture
def kinds(toy: Any) -> Any:
    """The module above, imported."""
    return toy.write("kinds", KINDS).load("kinds")


def points(toy: Any, *names: str) -> list[Any]:
    """Save points for functions of the module above."""
    return [save(toy.at(f"kinds:{name}"), path="path", model=None) for name in names]


def test_method(toy: Any, kinds: Any, install: Callable[..., Any], notes: Any) -> None:
    install(*points(toy, "Base.save"))
    base = kinds.Base()
    assert base.save("a") == ("save", "Base", "a")
    assert base.save(path="b") == ("save", "Base", "b")
    assert kinds.Base.save(base, "c") == ("save", "Base", "c")
    assert kinds.Leaf().save("d") == ("save", "Leaf", "d")
    assert kinds.Own().save("e") == ("own", "save", "Own", "e")
    assert notes.of("keep") == ["a", "b", "c", "d", "e"]
    assert notes.calls[0].arguments["self"] is base


def test_class_method(toy: Any, kinds: Any, install: Callable[..., Any], notes: Any) -> None:
    install(*points(toy, "Base.make"))
    assert kinds.Base.make("a") == ("make", "Base", "a")
    assert kinds.Leaf.make(path="b") == ("make", "Leaf", "b")
    assert kinds.Leaf().make("c") == ("make", "Leaf", "c")
    assert notes.of("keep") == ["a", "b", "c"]
    assert notes.calls[1].arguments["cls"] is kinds.Leaf


def test_static_method(toy: Any, kinds: Any, install: Callable[..., Any], notes: Any) -> None:
    install(*points(toy, "Base.store"))
    assert kinds.Base.store("a") == ("store", "a")
    assert kinds.Leaf().store(path="b") == ("store", "b")
    assert notes.of("keep") == ["a", "b"]


def test_inherited_functions_are_hooked_where_the_hook_says(
    toy: Any, kinds: Any, install: Callable[..., Any], notes: Any
) -> None:
    patches = install(*points(toy, "Middle.save", "Middle.make", "Middle.store"))
    assert kinds.Leaf().save("a") == ("save", "Leaf", "a")
    assert kinds.Leaf.make("b") == ("make", "Leaf", "b")
    assert kinds.Leaf().store("c") == ("store", "c")
    assert kinds.Base().save("d") == ("save", "Base", "d")
    assert notes.of("keep") == ["a", "b", "c"]
    patches.remove()
    assert not {"save", "make", "store"} & set(vars(kinds.Middle))


def test_class_in_a_class_and_function_that_is_a_bound_method(
    toy: Any, kinds: Any, install: Callable[..., Any], notes: Any
) -> None:
    install(*points(toy, "Outer.Inner.save", "put", "Saver.__call__"))
    assert kinds.Outer.Inner().save("a") == "a"
    assert kinds.put(1, "b") == "b"
    assert kinds.saver(1, path="c") == "c"
    assert notes.of("keep") == ["a", "b", "c"]


def test_removal_gives_the_very_objects_back(toy: Any, kinds: Any, install: Callable[..., Any]) -> None:
    names = ("Base.save", "Base.make", "Base.store", "Own.save", "Outer.Inner.save", "save", "put")
    before = {owner: dict(vars(owner)) for owner in (kinds.Base, kinds.Own, kinds.Outer.Inner, kinds)}
    patches = install(*points(toy, *names))
    assert all(result == "applied" for result in patches.results.values())
    patches.remove()
    for owner, attributes in before.items():
        assert {name: vars(owner)[name] for name in attributes} == attributes
        assert all(vars(owner)[name] is value for name, value in attributes.items())
    assert set(patches.results.values()) == {"removed"}


def test_removal_leaves_what_somebody_else_put_there(
    toy: Any, kinds: Any, install: Callable[..., Any], notes: Any
) -> None:
    patches = install(*points(toy, "save"))
    ours = kinds.save

    def theirs(obj: Any, path: Any) -> Any:
        return ours(obj, path)

    kinds.save = theirs
    patches.remove()
    assert kinds.save is theirs
    assert theirs(1, "a") == "a"
    assert notes.told == []


def test_what_is_not_there_does_not_take_the_others_with_it(
    toy: Any, kinds: Any, install: Callable[..., Any], notes: Any
) -> None:
    patches = install(*points(toy, "gone", "Gone.save", "Base.gone", "Base", "save"))
    assert patches.results == {
        toy.at("kinds:gone"): "this version has no such function",
        toy.at("kinds:Gone.save"): "this version has no such function",
        toy.at("kinds:Base.gone"): "this version has no such function",
        toy.at("kinds:Base"): "can't be replaced: it is a class",
        toy.at("kinds:save"): "applied",
    }
    kinds.save(1, "a")
    assert notes.of("keep") == ["a"]
    assert kinds.Base().save("b") == ("save", "Base", "b")


MOVED = """
    def save(obj, path):
        return "moved", path
"""


@pytest.mark.parametrize("order", [("kinds", "moved"), ("moved", "kinds")])
@pytest.mark.parametrize("init", ["first", "between", "last"])
@pytest.mark.parametrize("older", [True, False])
def test_function_that_stood_elsewhere_in_older_releases(
    order: tuple[str, str], init: str, older: bool, toy: Any, install: Callable[..., Any], notes: Any
) -> None:
    """The new module may be there in the older release, and the old one in the newer."""
    toy.write("kinds", KINDS if older else "").write("moved", "" if older else MOVED)
    point = save(toy.at("moved:save"), path="path", formerly=(toy.at("gone:save"), toy.at("kinds:save")))
    patches = install(point) if init == "first" else None
    toy.load(order[0])
    patches = install(point) if init == "between" else patches
    toy.load(order[1])
    patches = install(point) if init == "last" else patches
    assert patches.results == {toy.at("moved:save"): "applied"}
    module = sys.modules[toy.at("kinds" if older else "moved")]
    module.save(1, "a")
    assert notes.of("keep") == ["a"]
    patches.remove()
    assert type(vars(module)["save"]) is types.FunctionType


def test_function_that_is_in_none_of_its_modules(toy: Any, install: Callable[..., Any]) -> None:
    toy.write("kinds", KINDS).write("moved", MOVED)
    patches = install(save(toy.at("kinds:gone"), path="path", formerly=(toy.at("moved:gone"),)))
    toy.load("moved")
    assert patches.results == {toy.at("kinds:gone"): f"{toy.at('kinds')} is not imported"}
    toy.load("kinds")
    assert patches.results == {toy.at("kinds:gone"): "this version has no such function"}


def test_what_can_not_be_replaced_is_said(install: Callable[..., Any]) -> None:
    patches = install(save("builtins:str.encode", path="encoding"))
    assert patches.results["builtins:str.encode"].startswith("can't be replaced")
    assert "ä".encode() == b"\xc3\xa4"


def test_hooks_may_come_from_a_generator(toy: Any, kinds: Any, notes: Any) -> None:
    made = (Hook(name, name, "toy", tuple(points(toy, name))) for name in ("save", "put"))
    patches = Patches(made, notes)
    patches.install()
    try:
        assert patches.results == {toy.at("kinds:save"): "applied", toy.at("kinds:put"): "applied"}
        kinds.save(1, "a")
        assert notes.calls[0].hook.key == "save"
    finally:
        patches.remove()


def test_import_after_install(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    toy.write("kinds", KINDS)
    patches = install(*points(toy, "save", "Base.save"))
    module = toy.at("kinds")
    assert set(patches.results.values()) == {f"{module} is not imported"}
    assert module not in sys.modules
    toy.load("kinds").save(1, "a")
    assert notes.of("keep") == ["a"]
    assert set(patches.results.values()) == {"applied"}


def test_import_between_installations(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    toy.write("kinds", KINDS)
    first = install(*points(toy, "save"))
    first.remove()
    module = toy.load("kinds")
    assert type(vars(module)["save"]) is types.FunctionType
    first.install()
    module.save(1, "a")
    first.remove()
    first.install()
    module.save(1, "b")
    assert notes.of("keep") == ["a", "b"]


def test_two_installations_at_once(toy: Any, kinds: Any, install: Callable[..., Any], notes: Any) -> None:
    original = kinds.save
    one, two = install(*points(toy, "save")), install(*points(toy, "save"))
    kinds.save(1, "a")
    assert notes.of("keep") == ["a", "a"]
    two.remove()
    one.remove()
    assert kinds.save is original


def test_import_that_fails_can_be_tried_again(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    toy.write("kinds", "raise ImportError('not today')")
    install(*points(toy, "save"))
    with pytest.raises(ImportError, match="not today"):
        toy.load("kinds")
    toy.write("kinds", KINDS)
    importlib.invalidate_caches()
    toy.load("kinds").save(1, "a")
    assert notes.of("keep") == ["a"]


def test_versions_are_those_of_the_modules(toy: Any, install: Callable[..., Any]) -> None:
    toy.write("__init__", "__version__ = '1.2.3'").write("kinds", KINDS)
    patches = install(*points(toy, "save"))
    assert patches.versions() == {}
    toy.load("kinds")
    assert patches.versions() == {toy.name: "1.2.3"}


# -- names bound before and after -------------------------------------------------------------------


def test_names_imported_early_are_rebound_and_put_back(
    toy: Any, install: Callable[..., Any], notes: Any
) -> None:
    toy.write("kinds", KINDS).write("__init__", "from TOY.kinds import save, put as other_put")
    toy.write("user", "from TOY import save as keep\nkept = [keep]\ndef use(path, save=keep): save(1, path)")
    package, user = importlib.import_module(toy.name), toy.load("user")
    before = {"save": package.save, "other_put": package.other_put, "keep": user.keep}
    patches = install(*points(toy, "save", "put"))
    package.save(1, "a")
    package.other_put(1, "b")
    user.keep(1, "c")
    assert notes.of("keep") == ["a", "b", "c"]
    user.kept[0](1, "d")  # a list and a default argument can't be reached, and still work
    user.use("e")
    assert notes.of("keep") == ["a", "b", "c"]
    patches.remove()
    assert {"save": package.save, "other_put": package.other_put, "keep": user.keep} == before
    assert all(
        vars(module)[name] is value
        for (name, value), module in zip(before.items(), (package, package, user), strict=True)
    )


def test_names_imported_late_are_put_back_too(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    toy.write("kinds", KINDS).write("__init__", "from TOY.kinds import save")
    toy.write("user", "from TOY import save as keep")
    patches = install(*points(toy, "save"))
    user = toy.load("user")
    package = sys.modules[toy.name]
    user.keep(1, "a")
    package.save(1, "b")
    assert notes.of("keep") == ["a", "b"]
    patches.remove()
    for function in (user.keep, package.save, sys.modules[toy.at("kinds")].save):
        assert type(function) is types.FunctionType
    user.keep(1, "c")
    assert notes.of("keep") == ["a", "b"]


def test_other_names_in_the_module_that_defines_it(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    toy.write("__init__", "def save(obj, path): return path\nkeep = save\nfrom TOY import user")
    toy.write("user", "from TOY import save as mine")
    patches = install(save(f"{toy.name}:save", path="path", model="obj"))
    package = importlib.import_module(toy.name)
    package.keep(1, "a")
    package.user.mine(1, "b")
    package.save(1, "c")
    assert notes.of("keep") == ["a", "b", "c"]
    patches.remove()
    for function in (package.keep, package.user.mine, package.save):
        assert type(function) is types.FunctionType


def test_other_names_of_a_method(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    module = toy.write(
        "kinds",
        """
        class First:
            def save(self, path):
                return path

        class Second:
            save = First.save

        class Other:
            def save(self, path):
                return path
        """,
    ).load("kinds")
    before = module.First.save
    aliases = ("Second.save", "Other.save", "Missing.save", "First.missing")
    point = save(toy.at("kinds:First.save"), path="path", model="self", aliases=aliases)
    patches = install(point)
    module.First().save("a")
    module.Second().save("b")
    module.Other().save("c")  # another function, whatever the hook says
    assert notes.of("keep") == ["a", "b"]
    assert pickle.loads(pickle.dumps(module.Second.save)) is module.First.save
    patches.remove()
    assert vars(module.First)["save"] is vars(module.Second)["save"] is before


def test_lazy_modules_are_not_woken(toy: Any, kinds: Any, install: Callable[..., Any]) -> None:
    class Lazy(types.ModuleType):
        def __getattribute__(self, name: str) -> Any:
            if name not in ("__class__", "__name__"):
                raise AssertionError(f"somebody asked for {name}")
            return super().__getattribute__(name)

    lazy = Lazy(f"{toy.name}.lazy")
    sys.modules[lazy.__name__] = lazy
    install(*points(toy, "save")).remove()


def test_what_only_calls_itself_a_module_is_passed_over(
    toy: Any, install: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:  # as cffi's are, which cryptography leaves among the modules
        __slots__ = ()
        __class__ = types.ModuleType  # type: ignore[assignment]
        __name__ = "_toy.lib"

    monkeypatch.setitem(sys.modules, "_toy.lib", Library())
    toy.write("kinds", "def save(obj, path): return path").load("kinds")
    user = types.ModuleType("toy_user")
    user.save = sys.modules[toy.at("kinds")].save
    monkeypatch.setitem(sys.modules, "toy_user", user)
    install(*points(toy, "save"))
    assert type(user.save) is Patched


# -- modules that are half imported -----------------------------------------------------------------


def test_module_that_calls_init_while_it_is_imported(
    toy: Any, install: Callable[..., Any], notes: Any
) -> None:
    """A plug-in that the framework imports in the middle of itself, and whose first line is init()."""
    toy.write(
        "kinds", "def early(path): return path\nfrom TOY import plugin\ndef save(obj, path): return path"
    )
    toy.write("plugin", "import builtins\nbuiltins.TOY_init()\nfrom TOY.kinds import early")
    found: list[Any] = []

    def init() -> None:
        found.append(install(*points(toy, "save", "early")))
        assert set(found[0].results.values()) == {f"{toy.at('kinds')} is still being imported"}

    vars(importlib.import_module("builtins"))[f"{toy.name}_init"] = init
    try:
        module = toy.load("kinds")
    finally:
        del vars(importlib.import_module("builtins"))[f"{toy.name}_init"]
    assert set(found[0].results.values()) == {"applied"}
    module.save(1, "a")
    sys.modules[toy.at("plugin")].early("b")  # bound while the module was half there
    assert notes.of("keep") == ["a", "b"]
    assert type(module.__spec__).__name__ == "ModuleSpec"
    found[0].remove()
    assert type(module.save) is types.FunctionType
    assert type(sys.modules[toy.at("plugin")].early) is types.FunctionType


def test_half_imported_module_whose_import_fails(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    toy.write("kinds", "import builtins\nbuiltins.TOY_init()\nraise ImportError('not today')")
    builtins = vars(importlib.import_module("builtins"))
    builtins[f"{toy.name}_init"] = lambda: install(*points(toy, "save"))
    try:
        with pytest.raises(ImportError, match="not today"):
            toy.load("kinds")
    finally:
        del builtins[f"{toy.name}_init"]
    assert toy.at("kinds") not in sys.modules


def test_module_that_another_thread_is_importing(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    toy.write(
        "kinds",
        """
        import builtins
        builtins.TOY_inside.set()
        assert builtins.TOY_go_on.wait(10)
        def save(obj, path):
            return path
        """,
    )
    inside, go_on = threading.Event(), threading.Event()
    builtins = vars(importlib.import_module("builtins"))
    builtins[f"{toy.name}_inside"], builtins[f"{toy.name}_go_on"] = inside, go_on
    try:
        thread = threading.Thread(target=toy.load, args=("kinds",))
        thread.start()
        assert inside.wait(10)
        patches = install(*points(toy, "save"))
        assert set(patches.results.values()) == {f"{toy.at('kinds')} is still being imported"}
        go_on.set()
        thread.join()
    finally:
        del builtins[f"{toy.name}_inside"], builtins[f"{toy.name}_go_on"]
    assert set(patches.results.values()) == {"applied"}
    sys.modules[toy.at("kinds")].save(1, "a")
    assert notes.of("keep") == ["a"]


def test_installing_while_threads_import(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    names = [f"part{number}" for number in range(30)]
    for name in names:
        toy.write(name, "import time; time.sleep(0.001)\ndef save(obj, path): return path")
    start = threading.Barrier(3)

    def load(order: list[str]) -> None:
        start.wait()
        for name in order:
            toy.load(name)

    threads = [threading.Thread(target=load, args=(each,)) for each in (names, names[::-1])]
    for thread in threads:
        thread.start()
    start.wait()
    patches = install(*(save(toy.at(f"{name}:save"), path="path") for name in names))
    for thread in threads:
        thread.join()
    assert set(patches.results.values()) == {"applied"}
    for name in names:
        function = vars(sys.modules[toy.at(name)])["save"]
        assert type(function) is Patched
        assert type(function.__wrapped__) is types.FunctionType
        function(1, name)
    assert notes.of("keep") == names


# -- classes that make their instances in __new__ -----------------------------------------------------

READER = """
    class Reader:
        def __new__(cls, path, mode="r", *, deep=False):
            if path == "missing":
                raise FileNotFoundError(path)
            made = super().__new__(cls)
            made.path = path
            return made

    class Child(Reader):
        pass

    class Loud(Reader):
        def __init__(self, path):
            super().__init__()
            self.loud = True
"""


def test_making_an_instance_is_a_call(toy: Any, notes: Any, install: Callable[..., Any]) -> None:
    """As of a class written in C or Rust: the class stays, its `__init__` tells."""
    module = toy.write("readers", READER).load("readers")
    kind, signature = module.Reader, inspect.signature(module.Reader)
    patches = install(load(toy.at("readers:Reader.__init__"), path="path", model=None))
    assert patches.results[toy.at("readers:Reader.__init__")] == "applied"
    assert module.Reader is kind
    assert inspect.signature(kind) == signature
    assert pickle.loads(pickle.dumps(kind.__init__)) is object.__init__
    assert kind("a").path == "a"
    made = kind(mode="w", path="b", deep=True)
    assert made.path == "b"
    assert type(module.Child("c")) is module.Child
    assert module.Loud("d").loud  # it passes nothing on, so there is nothing to see
    assert notes.of("keep") == ["a", "b", "c"]
    assert dict(notes.calls[1].arguments) == {"self": made, "path": "b", "mode": "w", "deep": True}


def test_an_instance_that_is_not_made_is_no_call(toy: Any, notes: Any, install: Callable[..., Any]) -> None:
    module = toy.write("readers", READER).load("readers")
    kind = module.Reader
    install(load(toy.at("readers:Reader.__init__"), path="path", model=None))
    with pytest.raises(FileNotFoundError):
        kind("missing")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'path'"):
        kind()
    assert notes.told == []


def test_class_has_its_own_start_again(toy: Any, notes: Any, install: Callable[..., Any]) -> None:
    module = toy.write("readers", READER).load("readers")
    patches = install(load(toy.at("readers:Reader.__init__"), path="path", model=None))
    patches.remove()
    assert "__init__" not in vars(module.Reader)
    assert module.Reader.__init__ is object.__init__
    assert module.Reader("a", deep=True).path == "a"
    assert notes.told == []


# -- watching a call --------------------------------------------------------------------------------


def test_watched_call_is_seen_and_undone(toy: Any, kinds: Any, install: Callable[..., Any]) -> None:
    seen: list[Any] = []
    original = sys.exit
    patches = install(*points(toy, "save"))
    patches.watch_call(sys, "exit", seen.append)
    for arguments in ((), (3,), ("a message",)):
        with pytest.raises(SystemExit) as caught:
            sys.exit(*arguments)
        assert caught.value.code == (arguments[0] if arguments else None)
        assert caught.value.__context__ is None
    assert seen == [None, 3, "a message"]
    patches.remove()
    assert sys.exit is original
    with pytest.raises(SystemExit):
        sys.exit(4)
    assert seen == [None, 3, "a message"]


def test_watched_function_bound_early_is_seen(toy: Any, notes: Any) -> None:
    module = toy.write("kinds", "from sys import exit as leave").load("kinds")
    original = module.leave
    seen: list[Any] = []
    patches = Patches([toy.hook()], notes)
    patches.watch_call(sys, "exit", seen.append)
    patches.install()
    try:
        with pytest.raises(SystemExit):
            module.leave(2)
    finally:
        patches.remove()
    assert seen == [2]
    assert module.leave is original is sys.exit
