"""PyTorch: `torch.save` and `torch.load`.

`torch.save` is defined in `torch.serialization` and re-exported by `torch`; the zip and the legacy
format, paths and file objects all go through it. `Module.state_dict` is noted so that a saved state
dict is described by the module it came from.
"""

from ._shape import Hook, load, origin, save, source

hook = Hook(
    key="pytorch",
    framework="PyTorch",
    supports="torch>=2.6",
    any_object=True,
    design=lambda module: repr(module) if hasattr(module, "named_modules") else None,
    points=(
        save("torch.serialization:save", path="f", model="obj"),
        load("torch.serialization:load", path="f"),
        source("torch.hub:load_state_dict_from_url", origin="url"),
        origin("torch.nn.modules.module:Module.state_dict", model="self"),
    ),
)
