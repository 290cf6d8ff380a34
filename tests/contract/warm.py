"""Imports modules once, and then runs scripts in forks of itself: most of a run is the import of frameworks.

Called as `python runner.py warm MODULE...`; writes a line to stdout when all is imported. Each line of its
stdin is a run in JSON: `arguments` as runner.py takes them, `work`, the folder to run in, `environment`,
and the files for `stdout` and `stderr`. The answer is the exit status in a line. A fork goes
on in the same line of runner.py as without this.
"""

import contextlib
import gc
import importlib
import json
import os
import sys
import tempfile

__all__ = ["serve"]


def serve(modules):
    """Answer requests until there are no more; returns in each fork, which then is the script's process."""
    gc.disable()  # imports make next to no garbage, and collections take a quarter of their time
    for name in modules:
        with contextlib.suppress(ImportError):  # not every part of a framework can be imported everywhere
            importlib.import_module(name)
    sys.stdout.flush()
    # What the imports made stays: forks needn't look through it again and again, and last when they end.
    gc.collect()
    gc.freeze()
    gc.enable()
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    print("imported", file=answers, flush=True)
    for line in requests:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            requests.close()
            answers.close()
            become(wanted)
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
    os._exit(0)


def become(wanted):
    """Take over everything that `python runner.py MODE SCRIPT` would have been started with."""
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, wanted["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, wanted["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["work"])
    tempfile.tempdir = None  # an import may have asked for it
    sys.argv[1:] = wanted["arguments"]
