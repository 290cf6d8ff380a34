"""TorchScript: `torch.jit.save` and `torch.jit.load`, and what a scripted or traced object saves by itself.

C++ writes and reads these archives; `torch.save` has no part in it, and `torch.load` hands one that it is
given to `torch.jit.load`. What `torch.jit.script` and `torch.jit.load` return is a `RecursiveScriptModule`;
what `torch.jit.trace` returns is another `ScriptModule`, which has those methods copied; functions are a
class of C++.

An archive keeps the frames that each operation was traced in: nothing may be hooked that runs meanwhile.
"""

from typing import Any

from ._shape import Call, Hook, load, save


def _named(call: Call) -> str:
    return str(call.arguments["f"])  # so does the method, of whatever it is given


def _by_c(call: Call) -> Any:
    return call.arguments.get("filename", call.arguments.get("arg0"))


def _for_mobile(call: Call) -> Any:
    given = call.arguments
    return given["args"][0] if given["args"] else given["kwargs"].get("filename")


def _itself(call: Call) -> Any:
    return call.arguments["self"]


hook = Hook(
    key="torchscript",
    framework="TorchScript",
    supports="torch>=2.6",
    family="pytorch",
    points=(
        save("torch.jit._serialization:save", path="f", model="m"),
        load("torch.jit._serialization:load", path="f"),
        save(
            "torch.jit._script:RecursiveScriptModule.save",
            path=_named,
            model="self",
            aliases=("ScriptModule.save",),
        ),
        save(
            "torch.jit._script:RecursiveScriptModule.save_to_buffer",
            path="return",
            model="self",
            aliases=("ScriptModule.save_to_buffer",),
        ),
        save("torch.jit._script:ScriptFunction.save", path=_by_c, model=_itself),
        save("torch.jit._script:ScriptFunction.save_to_buffer", path="return", model=_itself),
        save(
            "torch.jit._script:RecursiveScriptModule._save_for_lite_interpreter",
            path=_for_mobile,
            model="self",
            aliases=("ScriptModule._save_for_lite_interpreter",),
        ),
        load("torch.jit.mobile:_load_for_lite_interpreter", path="f", model=None),
        save("torch.jit._serialization:save_jit_module_to_flatbuffer", path="f", model="m"),
        load("torch.jit._serialization:jit_module_from_flatbuffer", path="f"),
    ),
)
