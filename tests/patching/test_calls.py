"""Arguments by name, calls inside calls, and what becomes of a call that fails."""

from __future__ import annotations

import gc
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autolog import _guard
from autolog.hooks import knows, load, mute, opens, origin, part, save, series, source

pytestmark = pytest.mark.core

SOURCE = """
    def save(obj, path, *, indent=None, **more):
        if obj == "bad":
            raise ValueError("can't save that")
        with open(path, "w") as file:
            file.write(str(obj))
        return [path]

    def load(path="default.toy"):
        with open(path) as file:
            return file.read()

    def save_all(objects, path, then=None):
        for name, each in objects.items():
            save(each, name)
        if then is not None:
            then()
        return path

    def write(obj, file):
        file.write(str(obj))

    def save_by_buffer(obj, path):
        import io
        buffer = io.StringIO()
        write(obj, buffer)
        save(buffer.getvalue(), path)

    def cache(obj, path):
        save(obj, path)

    def pieces(objects):
        for name, each in objects.items():
            save(each, name)
            load(name)

    def save_by_threads(objects, path):
        import threading
        for name, each in objects.items():
            thread = threading.Thread(target=pieces, args=({name: each},))
            thread.start()
            thread.join()
        save("more", "beside")

    def names(*args, first=1, **kwargs):
        return args, first, kwargs

    def export(obj, name):
        path = name + ".toy"
        save(obj, path)
        return path

    def state(model, destination=None):
        return model.__dict__ if destination is None else destination
"""


@pytest.fixture
def functions(toy: Any, install: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The functions above, hooked."""
    monkeypatch.chdir(tmp_path)
    module = toy.write("io", SOURCE).load("io")
    install(
        save(toy.at("io:save"), path="path", model="obj"),
        load(toy.at("io:load"), path="path"),
        save(toy.at("io:save_all"), path="path", model="objects"),
        save(toy.at("io:write"), path="file", model="obj"),
        save(toy.at("io:save_by_buffer"), path="path", model="obj"),
        mute(toy.at("io:cache"), rule="a cache"),
        part(toy.at("io:pieces")),
        save(toy.at("io:save_by_threads"), path="path", model="objects"),
        save(toy.at("io:export"), path="return", model="obj"),
        save(toy.at("io:names"), path=lambda call: call.arguments["args"][0], model="kwargs"),
    )
    return module


def test_positional_keyword_and_path_are_one_case(functions: Any, notes: Any) -> None:
    functions.save("x", "a")
    functions.save("x", path="b")
    functions.save(path=Path("c"), obj="x")
    functions.save("x", "d", indent=3, compress=True)
    assert notes.of("keep") == ["a", "b", Path("c"), "d"]
    assert [call.model for call in notes.calls] == ["x"] * 4
    assert dict(notes.calls[3].arguments) == {
        "obj": "x",
        "path": "d",
        "indent": 3,
        "more": {"compress": True},
    }
    assert notes.calls[0].arguments["indent"] is None


def test_default_is_filled_in(functions: Any, notes: Any) -> None:
    functions.save("x", "default.toy")
    assert functions.load() == "x"
    assert notes.calls[-1].target == "default.toy"
    assert notes.calls[-1].model == "x"


def test_results_pass_untouched(functions: Any) -> None:
    path = Path("a.toy")
    assert functions.save("x", path)[0] is path
    given: dict[str, Any] = {"k": []}
    args, first, kwargs = functions.names(1, 2, **given)
    assert (args, first) == ((1, 2), 1)
    assert kwargs["k"] is given["k"]


def test_variable_arguments_are_bound(functions: Any, notes: Any) -> None:
    functions.names("place", 2, x=3)
    assert notes.of("keep") == ["place"]
    assert notes.calls[0].model == {"x": 3}


def test_c_functions_that_do_not_tell_their_parameters(
    toy: Any, install: Callable[..., Any], notes: Any
) -> None:
    module = toy.write("c", "class Store(dict): put = dict.update\nput = max").load("c")
    install(
        save(toy.at("c:Store.put"), path=lambda call: call.arguments["arg0"], model="self"),
        save(toy.at("c:put"), path=lambda call: call.arguments["arg1"]),
    )
    store = module.Store()
    store.put({"x": 1}, more=2)
    module.put("a", "b", key=len)
    assert dict(notes.calls[0].arguments) == {"self": store, "arg0": {"x": 1}, "more": 2}
    assert dict(notes.calls[1].arguments) == {"arg0": "a", "arg1": "b", "key": len}
    assert notes.of("keep") == [{"x": 1}, "b"]


def test_path_that_an_object_was_opened_with(
    toy: Any, install: Callable[..., Any], notes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = toy.write(
        "w",
        """
        class Writer:
            def __init__(self, f):
                if f is None:
                    raise ValueError("no path")
                self.f = f

            def close(self, discard=False):
                if discard:
                    raise OSError("discarded")
        """,
    ).load("w")
    patches = install(
        opens(toy.at("w:Writer.__init__"), path="f"),
        save(toy.at("w:Writer.close"), path=lambda call: call.opened),
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="no path"):
        module.Writer(None)
    first, buffer = module.Writer(Path("a")), io.BytesIO()
    module.Writer("never closed")
    assert notes.of("begin") == [Path("a"), "never closed"]  # it may be overwritten from now on
    monkeypatch.chdir("/")
    second, third = module.Writer(f=buffer), module.Writer("b")
    first.close()
    second.close()
    with pytest.raises(OSError, match="discarded"):
        third.close(discard=True)
    assert notes.of("keep") == [str(tmp_path / "a"), buffer]
    assert patches.nesting.opened.get(third) == "/b"
    del first, second, third
    notes.calls.clear()
    gc.collect()
    assert patches.nesting.opened._targets == {}


def test_metrics_are_told_by_a_call_and_those_around_it(
    toy: Any, install: Callable[..., Any], notes: Any
) -> None:
    module = toy.write(
        "m",
        """
        def save(path):
            return {"loss": 3}

        def checkpoint(path, logs):
            save(path)
            save(path + ".second")

        def epoch(logs):
            checkpoint("a", {"loss": 2, "accuracy": 0.5})
        """,
    ).load("m")
    install(
        save(toy.at("m:save"), path="path", metrics=lambda call: call.result),
        series(
            toy.at("m:checkpoint"), group=lambda call: ("a", 1), metrics=lambda call: call.arguments["logs"]
        ),
        knows(toy.at("m:epoch"), metrics=lambda call: {"loss": 1, **call.arguments["logs"]}),
    )
    module.epoch({"epoch": 7})
    module.checkpoint("b", None)
    module.save("c")
    assert notes.of("keep") == ["a", "a.second", "b", "b.second", "c"]
    whole = {"loss": 3, "accuracy": 0.5, "epoch": 7}
    assert [call.metrics for call in notes.calls] == [whole, whole, *[{"loss": 3}] * 3]
    assert [call.group for call in notes.calls] == [("a", 1)] * 4 + [None]


def test_returned_path_is_the_target(functions: Any, notes: Any) -> None:
    functions.export("x", "model")
    assert [call.point.name for call in notes.calls] == ["export"]
    assert notes.of("keep") == ["model.toy"]
    assert notes.of("drop") == ["model.toy"]  # the save inside it, of the same file


def test_order_of_what_the_recorder_is_told(functions: Any, notes: Any) -> None:
    functions.save("x", "a")
    assert [what for what, _, _ in notes.told] == ["begin", "pin", "keep"]


# -- calls inside calls ----------------------------------------------------------------------------


def test_inner_call_of_the_same_file_is_part_of_the_outer(functions: Any, notes: Any) -> None:
    functions.save_all({"whole": "x"}, "whole")
    assert [(call.point.name, call.target) for call in notes.calls] == [("save_all", "whole")]


def test_inner_call_of_another_file_stands_for_itself(functions: Any, notes: Any) -> None:
    functions.save_all({"ema": "x", "whole": "y"}, "whole")
    assert [(call.point.name, call.target) for call in notes.calls] == [
        ("save", "ema"),
        ("save_all", "whole"),
    ]


def test_buffer_inside_is_part_of_the_outer(functions: Any, notes: Any) -> None:
    functions.save_by_buffer("x", "a")
    assert [(call.point.name, call.target) for call in notes.calls] == [("save_by_buffer", "a")]
    assert len(notes.of("drop")) == 2


def test_buffer_by_itself_stands_for_itself(functions: Any, notes: Any) -> None:
    buffer = io.StringIO()
    functions.write("x", buffer)
    assert notes.of("keep") == [buffer]


def test_inner_calls_of_other_files_are_kept_when_the_outer_raises(functions: Any, notes: Any) -> None:
    with pytest.raises(ValueError, match="can't save that"):
        functions.save_all({"ema": "x", "whole": "y", "third": "bad"}, "whole")
    assert [(call.point.name, call.target) for call in notes.calls] == [("save", "ema")]
    assert sorted(notes.of("drop")) == ["third", "whole", "whole"]


def test_three_deep(functions: Any, notes: Any) -> None:
    functions.save_all({"a": "x"}, "outer", then=lambda: functions.save_all({"b": "y", "mid": "z"}, "mid"))
    assert [call.target for call in notes.calls] == ["a", "b", "mid", "outer"]


def test_inside_a_muted_call_nothing_is_a_model(functions: Any, notes: Any) -> None:
    functions.cache("x", "a")
    (call,) = notes.calls
    assert (call.target, call.rule) == ("a", "a cache")
    assert notes.of("begin") == []
    functions.save("x", "b")
    assert notes.calls[-1].rule == ""


def test_pieces_are_not_looked_at(functions: Any, notes: Any) -> None:
    functions.pieces({"a": "x", "b": "y"})
    assert notes.told == []
    with pytest.raises(ValueError, match="can't save that"):
        functions.pieces({"a": "bad"})
    functions.save("x", "c")
    assert notes.of("keep") == ["c"]


def test_pieces_written_by_other_threads_are_not_looked_at(functions: Any, notes: Any) -> None:
    functions.save_by_threads({"a": "x", "b": "y"}, "whole")
    assert [(call.point.name, call.target) for call in notes.calls] == [
        ("save", "beside"),
        ("save_by_threads", "whole"),
    ]


def test_recorder_that_saves_is_no_endless_loop(functions: Any, notes: Any) -> None:
    keep = notes.keep

    def keep_and_save(call: Any, origins: Any) -> None:
        keep(call, origins)
        if call.target == "a":
            functions.save("more", "b")

    notes.keep = keep_and_save
    functions.save("x", "a")
    assert notes.of("keep") == ["a", "b"]


# -- failures --------------------------------------------------------------------------------------


def test_save_that_raises_captures_nothing(functions: Any, notes: Any) -> None:
    with pytest.raises(ValueError, match="can't save that") as caught:
        functions.save("bad", "a")
    assert notes.of("keep") == []
    assert notes.of("drop") == ["a"]
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_load_that_raises_records_nothing(functions: Any, notes: Any) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        functions.load("nowhere")
    assert caught.value.__context__ is None
    assert notes.of("keep") == []


def test_after_a_failure_the_next_call_is_outermost_again(functions: Any, notes: Any) -> None:
    with pytest.raises(ValueError, match="can't"):
        functions.save_all({"third": "bad"}, "whole")
    functions.save("x", "a")
    assert notes.of("keep") == ["a"]


def test_exception_is_the_very_object(functions: Any) -> None:
    mine = KeyboardInterrupt()

    def interrupt() -> None:
        raise mine

    with pytest.raises(KeyboardInterrupt) as caught:
        functions.save_all({}, "whole", then=interrupt)
    assert caught.value is mine
    assert mine.__context__ is None


def test_exception_keeps_the_context_it_had(functions: Any) -> None:
    first = LookupError("first")

    def fail() -> None:
        try:
            raise first
        except LookupError:
            raise RuntimeError("second")  # noqa: B904

    with pytest.raises(RuntimeError) as caught:
        functions.save_all({}, "whole", then=fail)
    assert caught.value.__context__ is first
    assert first.__context__ is None


def test_wrong_arguments_raise_what_the_original_raises(functions: Any, notes: Any) -> None:
    with pytest.raises(TypeError, match=r"save\(\) missing 1 required positional argument: 'path'"):
        functions.save("x")
    with pytest.raises(TypeError, match="multiple values for argument 'obj'"):
        functions.save("x", "a", obj="y")
    assert notes.told == []


# -- faults of ours --------------------------------------------------------------------------------


class Failing:
    """Fails in the methods that are named; otherwise like a recorder that keeps nothing."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.kept: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any) -> bool:
            if name in self.names:
                raise RuntimeError(f"fails in {name}")
            if name == "keep":
                self.kept.append(arguments[0].target)
            return False

        return method


@pytest.mark.parametrize("name", ["begin", "pin", "belongs", "keep", "drop"])
def test_fault_never_reaches_the_script(
    name: str,
    toy: Any,
    install: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AUTOLOG_STRICT", "0")
    monkeypatch.chdir(tmp_path)
    module = toy.write("io", SOURCE).load("io")
    recorder = Failing(name)
    install(
        save(toy.at("io:save"), path="path", model="obj"),
        save(toy.at("io:save_all"), path="path", model="objects"),
        recorder=recorder,
    )
    for _ in range(2):
        assert module.save("x", "a") == ["a"]
        assert module.save_all({"b": "x"}, "c") == "c"
        with pytest.raises(ValueError, match="can't save that") as caught:
            module.save_all({"b": "bad"}, "c")
        assert caught.value.__context__ is None
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert f"fails in {name}" in said.err
    assert f"fails in {name}" in _guard.faults[0].error
    if name in ("begin", "pin", "belongs"):  # what can still be captured is
        assert recorder.kept == ["a", "b", "c"] * 2


@pytest.mark.parametrize("where", ["path", "model"])
def test_pick_that_fails_is_a_fault_of_ours(
    where: str,
    toy: Any,
    install: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AUTOLOG_STRICT", "0")
    monkeypatch.chdir(tmp_path)
    module = toy.write("io", SOURCE).load("io")

    def fail(call: Any) -> Any:
        raise LookupError("no such thing")

    picks: dict[str, Any] = {"path": "path", "model": "obj", where: fail}

    class Looking(Failing):
        def keep(self, call: Any, origins: Any) -> None:
            self.kept.append(call.model)

    install(save(toy.at("io:save"), **picks), recorder=Looking())
    assert module.save("x", "a") == ["a"]
    assert Path("a").read_text() == "x"
    assert "no such thing" in capsys.readouterr().err


def test_interrupt_while_we_are_at_work_is_the_users(functions: Any, notes: Any) -> None:
    def interrupt(call: Any) -> None:
        raise KeyboardInterrupt

    notes.begin = interrupt
    with pytest.raises(KeyboardInterrupt):
        functions.save("x", "a")
    del notes.begin
    functions.save("x", "b")
    assert notes.of("keep") == ["b"]


# -- threads, origins ------------------------------------------------------------------------------


def test_threads_do_not_nest_in_each_other(functions: Any, notes: Any) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go_on.wait(10)

    outer = threading.Thread(target=functions.save_all, args=({"a": "x"}, "outer", wait))
    outer.start()
    assert inside.wait(10)
    functions.save("y", "b")
    assert notes.of("keep") == ["b"]
    go_on.set()
    outer.join()
    assert notes.of("keep") == ["b", "a", "outer"]


def test_many_threads_lose_nothing(functions: Any, notes: Any) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        for turn in range(50):
            functions.save_all({f"{number}-{turn}": "x"}, f"all-{number}-{turn}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = notes.of("keep")
    assert len(kept) == 800
    assert set(kept) == {f"{all}{n}-{t}" for all in ("", "all-") for n in range(8) for t in range(50)}


def test_what_is_loaded_inside_a_source_came_from_its_url(
    toy: Any, install: Callable[..., Any], notes: Any
) -> None:
    module = toy.write(
        "hub",
        """
        def load(path):
            return path

        def fetch(url, cache):
            return load(cache)
        """,
    ).load("hub")
    install(load(toy.at("hub:load"), path="path"), source(toy.at("hub:fetch"), origin="url"))
    assert module.fetch("https://host/a.toy", "cache/a.toy") == "cache/a.toy"
    module.load("cache/a.toy")
    assert [(call.target, call.origin) for call in notes.calls] == [
        ("cache/a.toy", "https://host/a.toy"),
        ("cache/a.toy", None),
    ]


def test_origin_is_remembered_as_long_as_both_live(toy: Any, install: Callable[..., Any], notes: Any) -> None:
    module = toy.write(
        "nn",
        """
        class State(dict):
            pass

        class Model:
            def state(self, destination=None):
                found = State() if destination is None else destination
                return found
        """,
    ).load("nn")
    patches = install(origin(toy.at("nn:Model.state"), model="self"))
    model = module.Model()
    state = model.state()
    assert patches.nesting.origins.get(id(state)) is model
    part = model.state(destination={})
    assert patches.nesting.origins.get(id(part)) is None  # a submodule adding to its parent's
    assert patches.nesting.origins.get(12345) is None
    number = id(state)
    del state
    assert patches.nesting.origins.get(number) is None
    again = model.state()
    del model
    assert patches.nesting.origins.get(id(again)) is None
    assert notes.told == []


def test_origin_is_the_outermost_of_nested_calls(toy: Any, install: Callable[..., Any]) -> None:
    module = toy.write(
        "nested",
        """
        class State(dict):
            pass

        class Model:
            def __init__(self, part=None):
                self.part = part

            def state(self, found=None):
                made = State(found or {})
                if self.part is not None:
                    made["part"] = self.part.state(made)
                return made
        """,
    ).load("nested")
    patches = install(origin(toy.at("nested:Model.state"), model="self"))
    model = module.Model(module.Model())
    state = model.state()
    assert patches.nesting.origins.get(id(state)) is model
    assert patches.nesting.origins.get(id(state["part"])) is None
    alone = model.part.state()
    assert patches.nesting.origins.get(id(alone)) is model.part


def test_origin_of_what_takes_no_weak_reference_is_let_go(toy: Any, install: Callable[..., Any]) -> None:
    module = toy.write("io", SOURCE).load("io")
    patches = install(origin(toy.at("io:state"), model="model"))
    model = type("Model", (), {})()
    found = module.state(model)
    assert patches.nesting.origins.get(id(found)) is None
