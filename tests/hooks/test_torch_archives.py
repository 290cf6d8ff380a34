"""What the hooks of TorchScript and ONNX decide, on the real objects."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from later import IN_ONE_WORKER, Later, needs

from autolog import hooks
from autolog.hooks import Bundle

pytestmark = [needs("torch", "onnx"), IN_ONE_WORKER, pytest.mark.filterwarnings("ignore")]
onnx, torch = Later("onnx"), Later("torch")


def test_a_script_module_says_that_it_is_torchscript_whoever_loads_it(tmp_path: Path) -> None:
    path = str(tmp_path / "scripted.pt")
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    loaded = torch.load(path, weights_only=False)
    traced = torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2))
    function = torch.jit.trace(lambda x: x + 1, torch.ones(1))
    found = [hooks.sort(each) for each in (loaded, traced, function)]
    assert [(each.rule, each.framework) for each in found] == [(None, "TorchScript")] * 3
    assert [each.model_type for each in found] == [
        "torch.jit._script.RecursiveScriptModule",
        "torch.jit._trace.TopLevelTracedModule",
        "torch.jit.ScriptFunction",
    ]


@pytest.fixture
def proto() -> Any:
    import numpy as np

    weights = [onnx.numpy_helper.from_array(np.full((32, 32), n, "float32"), f"w/{n}") for n in range(3)]
    return onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], weights))


def written(proto: Any, path: Path, **options: Any) -> tuple[Any, Any]:
    """What the hook of `onnx.save` says is written, before and after it is."""
    (point,) = (
        point
        for hook in hooks.discover()
        if hook.key == "onnx"
        for point in hook.points
        if point.target == "onnx:save_model"
    )
    arguments: dict[str, Any] = {
        "save_as_external_data": False,
        "all_tensors_to_one_file": True,
        "location": None,
    }
    call = SimpleNamespace(arguments={**arguments, **options, "proto": proto, "f": path}, result=None)
    assert callable(point.path)
    before = point.path(call)
    onnx.save_model(proto, path, **options)
    return before, point.path(call)


def test_weights_inside_an_onnx_file(proto: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    assert written(proto, path) == (path, path)


@pytest.mark.parametrize("name", ["m.onnx.data", "weights[1].bin"])
def test_weights_of_an_onnx_file_in_a_file_that_is_named(proto: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.onnx"
    before, after = written(proto, path, save_as_external_data=True, location=name)
    assert before == after
    assert files(before) == {"m.onnx", name}


@pytest.mark.parametrize("one", [True, False])
def test_weights_of_an_onnx_file_under_names_that_it_makes_up(proto: Any, tmp_path: Path, one: bool) -> None:
    path = tmp_path / "m.onnx"
    (tmp_path / "other.data").touch()
    before, after = written(proto, path, save_as_external_data=True, all_tensors_to_one_file=one)
    assert before is None  # to be asked again
    assert files(after) == {each.name for each in tmp_path.iterdir()} - {"other.data"}
    assert len(files(after)) == (2 if one else 4)


def files(bundle: Any) -> set[str]:
    from autolog.capture.bundle import files_of

    assert isinstance(bundle, Bundle)
    return {bundle.stem + name for name in files_of(bundle)}
