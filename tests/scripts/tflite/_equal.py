"""TensorFlow writes these files, too: what its own scripts are compared by tells whether they are equal."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parent.with_name("tensorflow") / "_equal.py"))
