"""Runs a script as `python script.py` does, with autolog put in place before it, or not.

Called as `python runner.py MODE SCRIPT`: see preparing.py for the modes, and warm.py for `warm`.
"""

from preparing import prepare

exec(prepare())
