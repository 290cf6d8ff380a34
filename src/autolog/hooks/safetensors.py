"""safetensors: named tensors in a file, or in bytes, through the modules for PyTorch and NumPy.

Files are read and written in Rust. What is for TensorFlow, JAX and MLX comes down to NumPy's `save`,
`save_file` and `load`, and to `safe_open`, through which all reading of files goes. That is a class whose
`__new__`, in Rust, can't be replaced: its instances are seen by the `__init__` that they have from `object`.
"""

from itertools import islice

from ._kinds import are_data
from ._shape import Call, Hook, load, save

#: Transformers opens a file for its metadata before it loads it; what it loads its own hook sees.
_LOOKS_INSIDE = "transformers.modeling_utils"


def _holds_weights(call: Call) -> bool:
    if call.caller == _LOOKS_INSIDE:
        return False
    # All that can be told of a file that has just been opened; data that were cached one by one are opened
    # again and again.
    return not are_data(set(islice(call.arguments["self"].keys(), 100)))


hook = Hook(
    key="safetensors",
    framework="Safetensors",
    supports="safetensors>=0.5",
    weights_only=True,
    design=lambda module: repr(module) if hasattr(module, "named_modules") else None,
    points=(
        save("safetensors.torch:save_file", path="filename", model="tensors"),
        load("safetensors.torch:load_file", path="filename"),
        save("safetensors.torch:save_model", path="filename", model="model"),
        load("safetensors.torch:load_model", path="filename", model="model"),
        save("safetensors.torch:save", path="return", model="tensors"),
        load("safetensors.torch:load", path="data"),
        save("safetensors.numpy:save_file", path="filename", model="tensor_dict"),
        load("safetensors.numpy:load_file", path="filename"),
        save("safetensors.numpy:save", path="return", model="tensor_dict"),
        load("safetensors.numpy:load", path="data"),
        load(
            "safetensors._safetensors_rust:safe_open.__init__",
            path="filename",
            model=None,
            when=_holds_weights,
        ),
    ),
)
