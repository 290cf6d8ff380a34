"""Which model is a file a version of? By its path, and by the series that its name belongs to.

Within a task one path is one model. Files in one folder whose names differ only in a number that is
labelled as a training step (`epoch_3`, `step=1200`, `checkpoint-500`) are versions of one model, and
the number is the iteration. Other numbers (`fold1`, `fold2`) keep files apart. A folder that is nothing but
such a label (`epoch_3/model.pt`) counts like one in the file's name.
"""

from __future__ import annotations

import os
import re

__all__ = ["name_parts", "origin_of"]

_LABELS = "epoch|ep|step|global_step|globalstep|steps|iter|iteration|iterations|round|checkpoint|ckpt"
#: How huggingface_hub lays out its cache: models--ORG--NAME/snapshots/REVISION/...
_HUB = re.compile(r"/(models|datasets|spaces)--([^/]+)/snapshots/([^/]+)(?:/|$)")
_NUMBERED = re.compile(rf"(?i)(?:^|(?<=[^a-z]))({_LABELS})([-_=.]?)(\d+)(?!\d)")


def name_parts(path: str, group: str | None = None) -> tuple[str, str, int | None]:
    """`(key, stem, iteration)`: what identifies the model, what to call it, and the number in its name.

    `group` is the series that a checkpoint callback says the file belongs to.
    """
    folder, file = os.path.split(path)
    stem, suffix = os.path.splitext(file)
    if group is not None:
        return f"{group}{suffix}", os.path.basename(group), None
    found = list(_NUMBERED.finditer(stem))
    if not found:
        above, last = os.path.split(folder)
        labelled = _NUMBERED.fullmatch(last)
        if labelled is not None:
            series = os.path.join(above, f"{labelled[1]}{labelled[2]}*", file)
            return series, stem or file, int(labelled[3])
        return path, stem or file, None
    iteration = int(found[-1][3])
    series = _NUMBERED.sub(lambda match: f"{match[1]}{match[2]}*", stem)
    # Numbers after the label (a loss in the name: `epoch=3-val=0.21`) vary from file to file.
    tail = series.rindex("*") + 1
    series = series[:tail] + re.sub(r"\d+(\.\d+)?", "*", series[tail:])
    title = re.sub(r"[-_=. ]*\*", "", series) or stem
    return os.path.join(folder, series + suffix), title, iteration


def origin_of(path: str, stem: str) -> tuple[str | None, str]:
    """`(URL, name)` of a file in a cache whose layout tells where it came from; else None and `stem`."""
    found = _HUB.search(path)
    if found is None:
        return None, stem
    name = found[2].replace("--", "/")
    kind = "" if found[1] == "models" else f"{found[1]}/"
    return f"https://huggingface.co/{kind}{name}/tree/{found[3]}", name
