"""Whether two files of these scripts hold the same: a zip's entries carry the time, its schema addresses."""

import re
import sys
import zipfile


def contents(path):
    with zipfile.ZipFile(path) as archive:
        read = {name: archive.read(name) for name in archive.namelist()}
    schema = read.pop("schema.json").decode()
    order = re.findall(r'"file": "([^"]+)"', schema)
    return re.sub(r'"(file|__id__)": ("[^"]*"|\d+)', "", schema), [read[name] for name in order]


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    if contents(path) != contents(other):
        print(path)
