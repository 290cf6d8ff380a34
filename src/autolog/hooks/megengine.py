"""MegEngine: `megengine.save` and `load`, which pickle, and the graphs that C++ serializes.

`megengine.save` is defined in `megengine.serialization`; for a path it opens the file and calls itself. A
traced module goes through it like any other. A dumped graph is bytes that `trace.dump` and `Network.dump`
write; `Network.load` and `GraphInference` read it by one function.
"""

import os
import sys
from typing import Any

from ._shape import Call, Hook, Left, load, origin, save


def _cached(call: Call) -> str:
    from urllib.parse import urlparse

    # It tells where by a log line only: a piece of the URL's digest, and its last part.
    url = call.arguments["url"]
    folder = call.arguments["model_dir"]
    if folder is None:
        folder = os.path.join(sys.modules["megengine.hub.hub"]._get_megengine_home(), "serialized")
    import hashlib  # it brings OpenSSL along, which `init()` has no use for

    begins = hashlib.sha256(url.encode()).hexdigest()[:6]
    return os.path.join(folder, f"{begins}_{os.path.basename(urlparse(url).path)}")


def _design(model: Any) -> str | None:
    return repr(model) if hasattr(model, "named_modules") else None


hook = Hook(
    key="megengine",
    framework="MegEngine",
    supports="megengine>=1.13",
    any_object=True,
    design=_design,
    points=(
        save("megengine.serialization:save", path="f", model="obj"),
        load("megengine.serialization:load", path="f"),
        origin("megengine.module.module:Module.state_dict", model="self"),
        save("megengine.jit.tracing:trace.dump", path="file", model="self"),
        save("megengine.utils.network:Network.dump", path="file", model="self"),
        load("megengine.core.tensor.megbrain_graph:load_graph", path="fpath", model=None),
        load("megengine.hub.hub:load_serialized_obj_from_url", path=_cached, origin="url"),
    ),
    left=(
        Left(
            "mge.save/load PathLike",
            "megengine.save and load raise for a PathLike: they take a str or an object with write or read",
        ),
    ),
)
