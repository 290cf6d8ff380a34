"""skops: `skops.io.dump` and `load`, a zip file without pickle; `dumps` and `loads` for bytes."""

from ._metrics import of_argument
from ._shape import Hook, load, save

hook = Hook(
    key="skops",
    framework="ScikitLearn",
    supports="skops>=0.11",
    any_object=True,
    points=(
        save("skops.io._persist:dump", path="file", model="obj", metrics=of_argument("obj")),
        save("skops.io._persist:dumps", path="return", model="obj", metrics=of_argument("obj")),
        load("skops.io._persist:load", path="file"),
        load("skops.io._persist:loads", path="data"),
    ),
)
