"""Plain pickle, on request: `pickle.dump` and `load` of models, and cloudpickle's.

Everybody pickles everything, so this hook is applied only where `frameworks=` names it, and then takes
only what is known to be a model. `cloudpickle.load` is `pickle.load`. `pickle.dumps` is left alone:
queues and worker processes call it all the time, for what never becomes a file.
"""

from ._metrics import of_argument
from ._shape import Hook, load, save

hook = Hook(
    key="pickle",
    framework="Pickle",
    supports="cloudpickle>=3.0",
    any_object=True,
    opt_in=True,
    points=(
        save("_pickle:dump", path="file", model="obj", metrics=of_argument("obj")),
        load("_pickle:load", path="file"),
        save("cloudpickle.cloudpickle:dump", path="file", model="obj", metrics=of_argument("obj")),
    ),
)
