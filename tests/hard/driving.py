"""What most drivers do alike."""

import os


def files_of(target):
    """What a save to `target` leaves: one file, or one folder."""
    return [target]


def damage(target):
    """Cut a file, or every file of a folder, in half."""
    paths = [target]
    if os.path.isdir(target):
        paths = [os.path.join(root, name) for root, _, names in os.walk(target) for name in names]
    for path in paths:
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            file.truncate(size // 2)


class Unpicklable:
    """Raises when it is half written."""

    def __reduce__(self):
        raise RuntimeError("this can't be pickled")
