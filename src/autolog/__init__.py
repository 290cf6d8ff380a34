"""One line in a training script, and every weights file it saves or loads is a model with its lineage.

import autolog; autolog.init()
"""

from ._init import Task, current_task, init
from ._version import __version__

__all__ = ["Task", "__version__", "current_task", "init"]

for _name in ("Task", "current_task", "init"):
    globals()[_name].__module__ = __name__
del _name
