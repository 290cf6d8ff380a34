"""A framework with nothing but saves and loads, so that capture is tested without a real one.

It is offered to autolog the way anybody outside offers a framework: by an entry point (in the
dist-info folder beside this one) that names a `Hook`. Put the folder of both on PYTHONPATH.
"""

import os
import pickle
import time

__all__ = ["Model", "digest", "digest_of", "load", "save", "save_by_replacing", "save_slowly"]
__version__ = "1.0"


class Model:
    """Weights of some size."""

    def __init__(self, data):
        self.data = data

    @classmethod
    def random(cls, size):
        """A model whose file is about `size` bytes."""
        return cls(os.urandom(size))


def save(obj, path):
    """Write a model to a path or into an open binary file."""
    if hasattr(path, "write"):
        pickle.dump(obj, path)
        return
    with open(path, "wb") as file:
        pickle.dump(obj, file)


def save_by_replacing(obj, path):
    """Write a model to a temporary file beside `path`, then put it in place."""
    temporary = f"{os.fspath(path)}.tmp{os.getpid()}"
    with open(temporary, "wb") as file:
        pickle.dump(obj, file)
    os.replace(temporary, path)


def save_slowly(obj, path, seconds=0.05):
    """Write a model in two halves with a pause between them."""
    data = pickle.dumps(obj)
    with open(path, "wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        time.sleep(seconds)
        file.write(data[len(data) // 2 :])


def load(path):
    """Read a model from a path or an open binary file."""
    if hasattr(path, "read"):
        return pickle.load(path)
    with open(path, "rb") as file:
        return pickle.load(file)


def digest_of(obj):
    """The digest of the file that a save of this model makes."""
    import blake3

    return f"blake3:{blake3.blake3(pickle.dumps(obj)).hexdigest()}"


def digest(path):
    """The digest of the bytes that are at a path now."""
    import blake3

    with open(path, "rb") as file:
        return f"blake3:{blake3.blake3(file.read()).hexdigest()}"
