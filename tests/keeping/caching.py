"""Gets a snapshot through the cache, tells how, and keeps it until its input ends.

    caching.py STORE_URL HOME CACHE_FOLDER MAX_BYTES DIGEST

It prints "ready", and begins at the first line of input. Then it prints the path, how many bytes were
fetched, and the digest of what is there.
"""

import sys

from blake3 import blake3

from autolog.keeping import Cache, local_copy
from autolog.store import Kept, Store

url, home, folder, most, digest = sys.argv[1:]
store = Store.open(url)
snapshots = [each for model in store.models() for each in store.model(model.id).snapshots]
snapshot = next(each for each in snapshots if each.digest == digest)
print("ready", flush=True)
sys.stdin.readline()
fetched = []
path = local_copy(snapshot, Kept(store), home, Cache(folder, int(most), 0), told=fetched.append)
with open(path, "rb") as file:
    print(path, sum(fetched), f"blake3:{blake3(file.read()).hexdigest()}", sep="\t", flush=True)
sys.stdin.read()
