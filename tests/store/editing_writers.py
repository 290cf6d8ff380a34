"""Processes that change one model at once: `python editing_writers.py URL MODEL_ID PROCESSES THREADS`."""

import os
import sys
import threading

from autolog.store import Store
from autolog.store.editing import alias, edit, report


def main(url, model_id, processes, threads):
    """Let each thread add what is its own; the exit status says how many processes failed."""
    children = []
    for process in range(processes):
        child = os.fork()
        if child == 0:
            failed = []
            store = Store.open(url)
            running = [
                threading.Thread(target=work, args=(store, model_id, process * threads + number, failed))
                for number in range(threads)
            ]
            for each in running:
                each.start()
            for each in running:
                each.join()
            store.close()
            os._exit(bool(failed))
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


def work(store, model_id, number, failed):
    """One writer."""
    try:
        edit(store, model_id, lambda now: {"tags": (*now.tags, f"tag {number}")})
        edit(store, model_id, lambda now: {"metadata": {**now.metadata, f"key {number}": number}})
        edit(store, model_id, lambda now: {"labels": {**now.labels, f"label {number}": number}})
        report(store, model_id, "loss", number / 10, number)
        alias(store, model_id, f"alias{number}", 1)
    except BaseException as error:
        failed.append(error)
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
