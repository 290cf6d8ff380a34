"""The agent's main thread: sockets, journals, and the moment when everything is done.

Three threads. This one takes messages with their descriptors and sends notices; the reader reads and
hashes files, saves before loads; the recorder writes to the store. A message only names an event: the
event itself is read from the spool.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from autolog import _guard
from autolog.events import NOWHERE, Bound, Event, Failed, Finished, Loaded, Saved, Skipped, from_line

from .connection import Connection
from .jobs import Following, Job
from .journals import AgentJournal, Journals, clear
from .outcome import outcome
from .scribe import Scribe
from .told import Told
from .work import Reader, Recorder

if TYPE_CHECKING:
    from .keeper import Keeper

__all__ = ["run"]

_TICK_SECONDS = 0.5
_HEARTBEAT_SECONDS = 15.0
#: How long the store of a run that is over may stay away before we leave it to the next command.
_HOPE_SECONDS = 5.0
_LISTENER, _LOCK = 3, 4
#: New objects that may be garbage in a circle, before they are looked through; Python says 700 or 2,000.
_COLLECT_AFTER = 100_000


def run() -> None:
    """Serve one task until its processes are gone and everything is in the store."""
    folder = sys.argv[1]
    try:
        os.setsid()
    except OSError:
        pass  # already the leader of a session
    os.chdir("/")
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    # Whatever the script left inheritable is not ours to keep open (a pipe's reader waits for its end).
    os.closerange(_LOCK + 1, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") > 0 else 4096)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    os.set_inheritable(_LISTENER, False)
    os.set_inheritable(_LOCK, False)
    # A thread of ours that dies would leave everybody waiting: the whole agent goes, another is started.
    threading.excepthook = _die
    # A barrier waits for the reader's thread: it must not stand behind the recorder's for 5 ms.
    sys.setswitchinterval(0.0005)
    # Imports make hundreds of thousands of objects that stay: looking through them all again and again
    # for garbage takes a fifth of the CPU of a short run's agent.
    gc.set_threshold(_COLLECT_AFTER, 10, 10)
    Agent(folder, socket.socket(fileno=_LISTENER)).serve()


def _die(args: threading.ExceptHookArgs) -> None:
    import traceback

    error = args.exc_value
    if error is not None:
        traceback.print_exception(error)
    os._exit(70)


class Agent:
    """Serves one task."""

    def __init__(self, folder: str, listener: socket.socket) -> None:
        self._folder = folder
        self._listener = listener
        self._connections: dict[int, Connection] = {}
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)
        self._poll.register(self._wake_in, select.POLLIN)
        self._journals = Journals(folder)
        self._notes = AgentJournal(folder)
        self._known: set[str] = set()
        #: Dead processes of which nothing is left to be read, and how far their journals were read.
        self._buried: dict[str, int] = {}
        self._jobs: dict[str, Job] = {}
        self._recorder: Recorder | None = None
        self._reader: Reader | None = None
        self._keeper: Keeper | None = None
        self._told: Told | None = None
        self._scribe: Scribe | None = None
        self._is_tidied = False
        self._following = Following()
        self._beat = time.monotonic()
        self._faults = 0
        self._sights_taken = 0
        self._stalled_since: float | None = None
        self._room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 3

    def serve(self) -> None:
        """Until nothing is left to do."""
        self._read_journals()
        while True:
            for number, _ in self._poll.poll(_TICK_SECONDS * 1000):
                if number == self._listener.fileno():
                    self._accept()
                elif number == self._wake_in:
                    os.read(self._wake_in, 4096)
                else:
                    self._receive(self._connections[number])
            with _guard.guard("keep the agent's books"):
                self._read_journals()
                self._tick()
                if self._is_hopeless() or (self._is_done() and self._end()):
                    return
            for connection in tuple(self._connections.values()):
                connection.flush()

    # -- messages ---------------------------------------------------------------------------------

    def _accept(self) -> None:
        accepted, _ = self._listener.accept()
        accepted.setblocking(False)
        self._connections[accepted.fileno()] = Connection(accepted)
        self._poll.register(accepted, select.POLLIN)

    def _drop(self, connection: Connection) -> None:
        number = connection.socket.fileno()
        if self._connections.pop(number, None) is not None:
            self._poll.unregister(number)
            connection.socket.close()

    def _receive(self, connection: Connection) -> None:
        for _ in range(64):
            if self._is_full():
                time.sleep(0.01)  # the rest stays in the socket, descriptors included
                return
            try:
                data, numbers = connection.receive()
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._drop(connection)
                return
            with _guard.guard("take a message"):
                message = json.loads(data)
                descriptors = dict(zip(message.get("slots", ()), numbers, strict=False))
                self._take(message, descriptors, connection)

    def _is_full(self) -> bool:
        """Whether as many files are open as may be."""
        if self._reader is None or self._recorder is None:
            return False
        return self._reader.backlog + self._recorder.backlog > self._room

    def _take(self, message: dict[str, Any], descriptors: dict[int, int], connection: Connection) -> None:
        if "settle" in message:
            connection.is_command = True
            self._read_journals()
            self._check_moves()
            if self._reader is not None:
                self._reader.add(Job(None, {}, connection))
            else:
                connection.tell({"kind": "settled"})
            return
        event_id = message["id"]
        self._read_journals()
        event: Event | None = self._journals.events.get(event_id)
        if event is None and "line" in message:
            event = from_line(message["line"].encode("ascii"))
        job = Job(event, descriptors, connection)
        if event_id in self._notes.recorded:
            job.done({"kind": "recorded", "id": event_id}, self._wake)
        elif isinstance(event, Finished) and event_id not in self._known:
            self._check_moves()
            self._known.add(event_id)
            self._jobs[event_id] = job
            self._record(job)
        elif event is None:
            job.done({"kind": "failed", "id": event_id}, self._wake)  # its line has been taken away
        elif not isinstance(event, (Saved, Loaded)) or event_id in self._known:
            job.release()
            self._tell_again(event_id, connection)
        else:
            self._known.add(event_id)
            self._jobs[event_id] = job
            self._read(job)

    def _tell_again(self, event_id: str, connection: Connection) -> None:
        """A process lost its connection and has sent an event again that is in our hands already."""
        job = self._jobs.get(event_id)
        if job is not None:
            job.connection = connection
            if job.said is not None:
                connection.tell(job.said)

    # -- journals ---------------------------------------------------------------------------------

    def _read_journals(self) -> None:
        for event in self._journals.read():
            if isinstance(event, (Skipped, Failed, Bound)) and event.id not in self._notes.recorded:
                self._known.add(event.id)
                self._record(Job(event, {}, None))
        while self._recorder is not None and self._sights_taken < len(self._journals.sights):
            seen = self._journals.events.get(self._journals.sights[self._sights_taken])
            self._sights_taken += 1
            if isinstance(seen, Saved):
                self._recorder.seen(seen)

    def _orphans(self) -> None:
        """Events of dead processes whose message never came: read them by their path."""
        dead = {
            name: each
            for name, each in self._journals.processes.items()
            if self._buried.get(name) != each.offset and not each.is_alive
        }
        if not dead or self._poll.poll(0):
            return  # what a process sent before it died is still to be received, with its descriptors
        self._read_journals()  # it may have written its last words after we read and before it died
        for name, journal in dead.items():
            # Not looked at again, unless it says more: a script that closes all files comes back to its own.
            self._buried[name] = journal.offset
            prefix = name.removesuffix(".jsonl") + "-"
            left = [
                event
                for event in self._journals.events.values()
                if event.id.startswith(prefix)
                and event.id not in self._known
                and event.id not in self._notes.recorded
            ]
            for event in left:
                self._known.add(event.id)
                job = self._jobs[event.id] = Job(event, {}, None)
                self._read(job) if isinstance(event, (Saved, Loaded)) else self._record(job)

    # -- the work ---------------------------------------------------------------------------------

    def _read(self, job: Job) -> None:
        recorder = self._workers()
        if self._reader is not None and recorder is not None:
            if getattr(job.event, "output_uri", "") not in ("", NOWHERE):
                self._keep()
            self._reader.add(job)

    def _record(self, job: Job) -> None:
        recorder = self._workers()
        if recorder is not None:
            recorder.add(job)

    def _workers(self) -> Recorder | None:
        started = self._journals.started
        if self._recorder is None and started is not None:
            told = Told.of(started, os.environ.pop("AUTOLOG_AGENT", ""))
            scribe = Scribe(told.store, started, git_diff=told.git_diff)
            self._recorder = Recorder(scribe, self._notes, self._following, self._wake)
            self._recorder.ended = lambda: outcome(self._journals)
            self._recorder.seen_at = self._journals.seen_at
            self._recorder.stalled = self._tell_all
            self._reader = Reader(self._recorder, self._notes, self._wake)
            self._told, self._scribe = told, scribe
            if told.output_uri:
                self._keep()
            self._recorder.start()
            self._reader.start()
            _guard.report_to(self._record_fault)
        return self._recorder

    def _keep(self) -> None:
        """Have the bytes of saves put aside, and taken to where they are to be kept."""
        told, scribe = self._told, self._scribe
        if self._keeper is not None or self._reader is None or self._recorder is None:
            return
        assert told is not None  # since there are workers
        assert scribe is not None
        from .aside import Aside
        from .keeper import Keeper
        from .waiting import leftovers

        home = os.path.dirname(os.path.dirname(self._folder))
        aside = Aside(home, told, scribe.task_id)
        self._keeper = Keeper(lambda: scribe.store, told, aside, self._wake)
        for staged in leftovers(home, scribe.task_id):
            if staged.facts["event"] in self._notes.recorded:
                self._keeper.send(staged, None)  # an earlier agent of this run didn't come to it
        self._reader.aside = aside
        self._recorder.keeper = self._keeper
        self._keeper.start()

    def _record_fault(self, fault: _guard.Fault) -> None:
        self._faults += 1
        if self._faults <= 20 and self._recorder is not None and not fault.where.startswith("record a fault"):
            event = Failed(
                f"agent-{os.getpid()}-{self._faults}", fault.time, fault.where, fault.error, fault.traceback
            )
            self._recorder.add(Job(event, {}, None))

    def _tell_all(self, notice: dict[str, Any]) -> None:
        for connection in tuple(self._connections.values()):
            connection.tell(notice)
        self._wake()

    def _wake(self) -> None:
        try:
            os.write(self._wake_out, b"x")
        except BlockingIOError:
            pass  # it is awake already

    def _tick(self) -> None:
        self._orphans()
        if time.monotonic() - self._beat > _HEARTBEAT_SECONDS:
            self._beat = time.monotonic()
            if self._recorder is not None:
                self._recorder.beat()
        self._check_moves()

    def _check_moves(self) -> None:
        if self._recorder is not None and self._following.has_changed():
            self._recorder.move()

    def _is_hopeless(self) -> bool:
        """Whether the run is over and only a store that can't be written keeps us: the spool waits for it."""
        recorder, reader = self._recorder, self._reader
        if recorder is None or not recorder.is_stalled or (reader is not None and not reader.is_idle):
            self._stalled_since = None
        elif self._is_run_over():
            self._stalled_since = self._stalled_since or time.monotonic()
            return time.monotonic() - self._stalled_since > _HOPE_SECONDS
        return False

    def _is_run_over(self) -> bool:
        """Whether no process of the run is left."""
        if any(not each.is_command for each in self._connections.values()):
            return False
        return not any(each.is_alive for each in self._journals.processes.values())

    def _is_done(self) -> bool:
        """Whether no process of the run is left, and nothing that it gave us."""
        if self._reader is not None and not self._reader.is_idle:
            return False
        if self._recorder is not None and not self._recorder.is_idle:
            return False
        if self._keeper is not None and not (self._keeper.is_idle or self._keeper.is_hopeless):
            return False
        return self._is_run_over()

    def _end(self) -> bool:
        """The last words: the status; and the spool is cleared if everything is in the store."""
        self._read_journals()
        self._orphans()
        if self._poll.poll(0) or not self._is_done():
            return False
        if self._recorder is None:
            return True  # nobody ever told us what to do; the next command replays the spool
        self._check_moves()
        self._recorder.finish()
        if self._keeper is not None and not self._is_tidied and self._keeper.is_idle:
            self._is_tidied = True
            self._keeper.tidy_up(self._recorder.task_id)
            return False
        everything = all(event in self._notes.recorded for event in self._journals.events)
        return not everything or self._recorder.is_stalled or clear(self._folder)
