"""A framework with nothing but saves and loads, so that capture is tested without a real one.

It is offered to autolog the way anybody outside offers a framework: by an entry point (in the
dist-info folder beside this one) that names a `Hook`. Put the folder of both on PYTHONPATH.
"""

import os
import pickle
import tempfile
import threading
import time

__all__ = [
    "Callback",
    "Model",
    "convert",
    "digest",
    "digest_of",
    "load",
    "load_and_convert",
    "load_folder",
    "load_prefix",
    "save",
    "save_by_replacing",
    "save_folder",
    "save_prefix",
    "save_slowly",
    "save_through",
    "save_with_more",
    "save_with_threads",
    "try_rates",
]
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


def save_through(obj, path):
    """Write a model by way of the function that all others use."""
    save(obj, path)


def try_rates(obj, path):
    """Put a model aside while something is tried out, and take the file away again."""
    save_through(obj, path)
    os.remove(path)


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


def save_folder(obj, path, shards=2):
    """Write a model as a folder: its weights in shards, and a text that says how many."""
    os.makedirs(path, exist_ok=True)
    data = pickle.dumps(obj)
    step = -(-len(data) // max(1, shards))
    for number in range(shards):
        with open(os.path.join(path, f"weights-{number}.bin"), "wb") as file:
            file.write(data[number * step : (number + 1) * step])
    with open(os.path.join(path, "config.json"), "w") as file:
        file.write(f'{{"shards": {shards}}}')


def convert(obj, broken=False):
    """The bytes of a model; on the way it is saved into a temporary folder."""
    with tempfile.TemporaryDirectory() as path:
        save_folder(obj, path)
        if broken:
            raise ValueError("this can't be converted")
        return pickle.dumps(obj)


def save_with_more(obj, path, ema):
    """Write a folder, and another model into it as a callback would."""
    save_folder(obj, path, shards=1)
    save(ema, os.path.join(path, "ema.pt"))


def load_and_convert(path):
    """Read a folder, and leave what was read in another format."""
    model = load_folder(path)
    save(model, os.path.join(path, "converted.bin"))
    return model


def load_folder(path):
    """Read a model from a folder."""
    data = b""
    for name in sorted(os.listdir(path)):
        if name.endswith(".bin"):
            with open(os.path.join(path, name), "rb") as file:
                data += file.read()
    return pickle.loads(data)


def save_prefix(obj, prefix):
    """Write a model as two files that begin with a prefix, and return the prefix."""
    data = pickle.dumps(obj)
    for suffix, half in ((".index", data[:100]), (".data-0", data[100:])):
        with open(f"{prefix}{suffix}", "wb") as file:
            file.write(half)
    return prefix


def load_prefix(prefix):
    """Read a model from two files."""
    data = b""
    for suffix in (".index", ".data-0"):
        with open(f"{prefix}{suffix}", "rb") as file:
            data += file.read()
    return pickle.loads(data)


def save_with_threads(models, path, more=()):
    """Write several models into a folder, each from a thread of its own."""
    os.makedirs(path, exist_ok=True)
    targets = [os.path.join(path, f"{number}.bin") for number in range(len(models))]
    pairs = [*zip(models, targets, strict=True), *more]
    threads = [threading.Thread(target=save, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Callback:
    """Saves a model now and then, under names that say nothing of a step."""

    def __init__(self, folder):
        self.folder = folder

    def after(self, model, step, score):
        """Save the model."""
        save(model, os.path.join(self.folder, f"best-{score}.bin"))


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
