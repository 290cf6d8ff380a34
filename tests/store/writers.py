"""Many processes that write into one store at once: `python writers.py URL PROCESSES SAVES`.

Each has a task of its own, and shares another one with all others, as the ranks of a job on several
machines do. All save over one path, load one file that nobody made, and meet the same bytes.
"""

import os
import sys
import time

from autolog.events import Bound, FileFacts, Loaded, Saved, Skipped, Started
from autolog.store import ContentsRecord, Look, Store, Writer

SHARED = "5" * 32


def main(url, processes, saves):
    """Let them all begin at the same moment; the exit status says how many failed."""
    ready, go = os.pipe(), os.pipe()
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            os.write(ready[1], b"x")
            os.close(go[1])
            os.read(go[0], 1)  # returns when the parent closes its end
            status = 1
            try:
                work(url, number, saves)
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        children.append(child)
    for _ in children:
        os.read(ready[0], 1)
    os.close(go[1])
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


def work(url, number, saves):
    """What one process writes."""
    store = Store.open(url)
    writer = Writer(store)
    own = f"{number:032x}"
    for task_id in (own, SHARED):
        writer.started(Started(task_id, time.time(), "crowd", f"task {task_id[-2:]}", "/x/train.py"), 1.0)
    writer.bound(SHARED, Bound(f"b-{number}", {f"target {number}": "applied"}, {f"package {number}": "1"}))
    for turn in range(saves):
        save(writer, own, f"own-{number}-{turn}", f"/x/{number}.pt", number + 100)
        save(writer, SHARED, f"shared-{number}-{turn}", "/x/shared.pt", 1)
        # Two agents may replay the same spool: only one of them records it.
        save(writer, SHARED, f"once-{turn}", "/x/once.pt", 2)
        load(writer, own, f"load-{number}-{turn}", f"foreign {turn}")
        writer.skipped(SHARED, Skipped(f"skip-{number}-{turn}", "/x/data.pt", "array", "torch:save"))
        writer.moved([(f"own-{number}-{turn}", Look(path="/x/meeting.pt", key=f"/x/{number}.pt"), False)])
        writer.heartbeat(SHARED, time.time())
    store.close()


def save(writer, task_id, event_id, path, inode):
    """A save of bytes that all others save, too."""
    turn = event_id.rpartition("-")[2]
    facts = FileFacts(1, inode, 10, 1, 1)
    event = Saved(event_id, time.time(), "PyTorch", "torch:save", "file", path, facts, 10)
    inside = ContentsRecord("torch zip", 3, (("w", (3,), "float32"),), {}, ())
    writer.saved(task_id, event, Look(f"digest {turn}", path, key=path, stem="m", contents=inside))


def load(writer, task_id, event_id, digest):
    """A load of a file that nobody here made."""
    facts = FileFacts(1, 3, 10, 1, 1)
    event = Loaded(event_id, time.time(), "PyTorch", "torch:load", "file", "/y/base.pt", facts, 10)
    writer.loaded(task_id, event, Look(digest, "/y/base.pt", stem="base"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
