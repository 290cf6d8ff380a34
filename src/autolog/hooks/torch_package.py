"""`torch.package`: an archive of pickled objects and of the code that they need.

An exporter is given its path when it is made, and the archive is complete when it is closed. `with` closes
it, and leaves it as it is where its body raised. An importer opens an archive, or a folder that one was
unpacked to; what it then takes out of it are objects under names of the user's choice.
"""

import os
from typing import Any

from ._shape import Call, Hook, load, opens, save


def _source(call: Call) -> Any:
    source = call.arguments["file_or_buffer"]
    is_source = isinstance(source, (str, os.PathLike)) or hasattr(source, "read")
    return source if is_source else None  # an archive that torch has opened itself


hook = Hook(
    key="torch_package",
    framework="PyTorch",
    supports="torch>=2.6",
    family="pytorch",
    points=(
        opens("torch.package.package_exporter:PackageExporter.__init__", path="f"),
        save("torch.package.package_exporter:PackageExporter.close", path=lambda call: call.opened),
        load("torch.package.package_importer:PackageImporter.__init__", path=_source, model=None),
    ),
)
