"""Turns finished calls of hooked functions into events of the run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autolog.config import mask
from autolog.events import FileFacts, Loaded, Saved
from autolog.files import facts_of, path_of
from autolog.hooks import Verdict

from . import callbacks, memory
from .bundle import base_of, files_of
from .describing import Descriptions
from .numbers import known_at
from .openfiles import OpenFile, OpenFiles
from .pin import Pin, pin_open_file
from .session import Session
from .target import Target

if TYPE_CHECKING:
    from .calls import CallLike

__all__ = ["Capture"]


class Capture:
    """The recorder that `autolog.patching` tells of every hooked call."""

    def __init__(self, session: Session, sort: Callable[..., Any]) -> None:
        self.session = session
        self._sort = sort
        self._open = OpenFiles(self._send_closed)
        self._descriptions = Descriptions()
        #: Applies hooks whose modules were still being imported.
        self.retry: Callable[[], None] = lambda: None

    # -- the recorder's side --------------------------------------------------------------------

    def begin(self, call: CallLike) -> None:
        """Before the original: the barrier for a save; open and `fstat` for a load."""
        given = call.target
        if isinstance(given, bytes) and call.point.role == "save" and call.point.path != "return":
            # Nothing can be written into bytes that were passed: it is a path. What a hook has worked
            # out is what was written.
            given = os.fsdecode(given) if isinstance(call.point.path, str) else given
        target = call.pinned = Target(given)
        self._open.collect()
        self.session.drain()
        if call.point.role == "load":
            target.hold()
            if target.place == "open":
                self._pin_open(target, sampled=True)
        else:
            self.session.see_moves()
            if not call.has_returned and self.session.process.rank is None:
                target.look()  # another rank may have written its part of this save by now
            self._barrier(target)
        self.session.start_agent()

    def pin(self, call: CallLike) -> None:
        """After the original: hold what a save wrote, or a load has only just fetched."""
        target: Target = call.pinned
        if call.point.role == "load" and target.pin is not None:
            return
        target.hold()
        if target.place == "memory" and getattr(target.file, "_rolled", False):
            target.place = "open"  # it was spooled, and has become too large for that
        if target.place == "open" and call.point.role == "save":
            self._pin_open(target, sampled=False)

    def lies_in(self, inner: CallLike, outer: CallLike) -> bool:
        """Whether the inner call's file is one of those that the outer writes, or reads."""
        mine, its = inner.pinned, outer.pinned
        if not isinstance(mine, Target) or not isinstance(its, Target) or mine.path is None:
            return False
        return inner.point.role == outer.point.role and its.covers(mine.path)

    def belongs(self, inner: CallLike, outer: CallLike) -> bool:
        """Whether the inner call wrote or read the outer's own files, buffer or temporary file."""
        mine, its = inner.pinned, outer.pinned
        if inner.rule and outer.rule:  # nothing is held of what is no model; it is told once all the same
            mine, its = Target(inner.target), Target(outer.target)
        if not isinstance(mine, Target):
            return False
        if not isinstance(its, Target):
            # It raised before it could return what it made, or tell where that is: only scratch was its own.
            return mine.place == "memory" or (inner.point.role == "save" and _is_gone(mine))
        if mine.file is not None and mine.file is its.file:
            return True
        if mine.place == "memory":
            return True
        if (inner.point.role, outer.point.role) == ("save", "load"):
            return False  # what is written while something is read is new
        if mine.path is not None and (mine.address == its.address or its.covers(mine.path)):
            return True
        if mine.pin is None or mine.pin.descriptor is None:
            return False
        if inner.point.role == outer.point.role == "save" and _is_gone(mine):
            return True  # a temporary file that the outer call has taken away again
        status = os.fstat(mine.pin.descriptor)
        facts = None if its.pin is None else its.pin.facts
        return facts is not None and (facts.device, facts.inode) == (status.st_dev, status.st_ino)

    def drop(self, call: CallLike) -> None:
        """Let go of the file of a call that failed or is part of another."""
        if isinstance(call.pinned, Target):
            call.pinned.release()

    def keep(self, call: CallLike, origins: Any) -> None:
        """Record a call that stands for itself."""
        self.retry()
        if call.point.role == "save":
            self._keep_save(call, origins)
        elif not call.rule:
            self._keep_load(call, origins)

    def record(self, what: Any, **fields: Any) -> str:
        """Record what is at a path or URL, or a `Bundle` of files, as somebody asks for it; the event's id.

        `fields` are those of `Saved` that are known. Raises FileNotFoundError where nothing is.
        """
        self.session.drain()
        self.session.see_moves()
        held = Target(what)
        held.hold()
        if held.place == "file" and held.pin is None:
            raise FileNotFoundError(f"there is no file at {held.path}")
        fields = {**fields, "id": self.session.next_id(), "time": time.time()}
        fields["rank"] = self.session.process.rank
        self.session.start_agent()
        if held.pin is None:
            self.session.submit(Saved(place="remote", path=held.path, **fields))
            return str(fields["id"])
        self._send(held.pin, held.path, fields)
        # Whoever asked for it may write over the file, or take it away, as soon as this returns.
        self._barrier(held)
        return str(fields["id"])

    def finish(self) -> None:
        """Send what is still open; called before the session finishes."""
        self._open.finish()

    def become_child(self) -> None:
        """After a fork: files that the parent has open are the parent's to send."""
        self._open.forget()
        memory.forget()

    # -- saves ------------------------------------------------------------------------------------

    def _keep_save(self, call: CallLike, origins: Any) -> None:
        target = call.pinned if isinstance(call.pinned, Target) else Target(call.target)
        name = target.name
        rule = call.rule or None
        verdict = None
        if rule is None and not self._allows(call.hook, target.path):
            rule = "filter"
        if rule is None:
            verdict = self._verdict(call, origins)
            rule = verdict.rule
        if rule is not None or verdict is None:
            target.release()
            self.session.skip(name, rule or "filter", call.point.target)
            return
        if call.hook.opt_in and verdict.framework is None:
            target.release()
            self.session.skip(name, "not known to be a model", call.point.target)
            return
        info = None
        if callbacks.pre or callbacks.post:
            info = callbacks.ask("save", target.path, _framework(call.hook, verdict), call.model)
            if info is None:
                target.release()
                self.session.skip(name, "callback", call.point.target)
                return
            if info.local_model_path and info.local_model_path != target.path:
                target.release()
                target = Target(info.local_model_path)
                target.hold()
        group = call.group
        if group is not None and target.place == "file":
            group = (os.path.abspath(group[0]), group[1])
        labels = self._descriptions.labels(call.hook, verdict.subject, target.path or "")
        fields = {
            "id": self.session.next_id(),
            "time": time.time(),
            "framework": _framework(call.hook, verdict),
            "function": call.point.target,
            "model_type": verdict.model_type,
            "design": self._descriptions.design(call.hook, verdict.subject, target.path or ""),
            "group": None if group is None else group[0],
            "iteration": None if group is None else group[1],
            "rank": self.session.process.rank,
            "labels": labels,
            "output_uri": self.session.output_uri,
            "target": info.upload_filename or "" if info is not None else "",
            "metrics": known_at(call),
        }
        event_id = str(fields["id"])
        if target.place in ("memory", "remote"):
            self._save_elsewhere(target, fields)
        elif target.place == "open":
            self._save_open(target, fields, name)
        elif target.pin is not None:
            self._send(target.pin, target.path, fields)
        elif call.point.group is None:
            if target.bundle is None and target.path is not None and os.path.exists(target.path):
                self.session.skip(name, "not a regular file", call.point.target)
            else:
                reason = "the file was gone before it could be opened"
                self.session.submit(Saved(place="file", path=target.path, lost=reason, **fields))
        if info is not None:
            callbacks.tell("save", info, event_id)

    def _save_elsewhere(self, target: Target, fields: dict[str, Any]) -> None:
        """A save into memory, or to a URL: the digest is ours to compute, where the bytes are at hand."""
        where: Any = {"place": target.place, "path": target.path}
        data = memory.view(target.file)
        if data is None or len(data) > self.session.settings.memory_limit:
            size = memory.size(target.file) if data is None else len(data)
            self.session.submit(Saved(**where, size=size, **fields))
            return
        size = len(data)

        def then(digest: str) -> None:
            self.session.submit(Saved(**where, size=size, digest=digest, **fields))

        memory.hash_later(data, then)

    def _save_open(self, target: Target, fields: dict[str, Any], name: str) -> None:
        if target.pin is not None:
            self._open.add(target.file, target.pin, fields)
        else:
            # No file behind it that we could see (a socket, fsspec's remote files): only a name.
            self.session.submit(Saved(place="remote", path=mask(name), **fields))

    def _send_closed(self, entry: OpenFile) -> None:
        if entry.pin.descriptor is None:
            return
        entry.pin.facts = facts_of(entry.pin.descriptor)
        # It may have been put in its place while it was still open.
        entry.pin.path = path_of(entry.pin.descriptor)[0] or entry.pin.path
        entry.pending["time"] = time.time()
        self._send(entry.pin, entry.pin.path, entry.pending)
        for event, pin in entry.loads:
            self.session.submit(_as_closed(event, entry.pin.facts), pin.take())

    def _send(self, pin: Pin, path: str | None, fields: dict[str, Any]) -> None:
        if pin.problem is not None:
            pin.release()
            self.session.submit(Saved(place="file", path=path, lost=pin.problem, **fields))
            return
        event = Saved(place="file", path=path, facts=pin.facts, size=pin.size, **_parts(pin), **fields)
        self.session.submit(event, pin.take())

    # -- loads ------------------------------------------------------------------------------------

    def _keep_load(self, call: CallLike, origins: Any) -> None:
        target = call.pinned if isinstance(call.pinned, Target) else Target(call.target)
        if not self._allows(call.hook, target.path):
            target.release()
            return
        verdict = self._verdict(call, origins)
        if call.hook.opt_in and verdict.framework is None:
            target.release()
            return
        info = None
        if (callbacks.pre or callbacks.post) and verdict.rule is None:
            info = callbacks.ask("load", target.path, _framework(call.hook, verdict), call.model)
            if info is None:
                target.release()
                return
        self._send_load(call, target, verdict)
        if info is not None:
            callbacks.tell("load", info, f"path:{target.path or ''}")

    def _send_load(self, call: CallLike, target: Target, verdict: Any) -> None:
        fields = {
            "id": self.session.next_id(),
            "time": time.time(),
            "framework": _framework(call.hook, verdict),
            "function": call.point.target,
            "model_type": verdict.model_type,
            "skip": verdict.rule,
            "origin": _text(call.origin),
        }
        if target.place in ("memory", "remote"):
            self._load_from_elsewhere(target, fields)
            return
        pin = target.pin
        path = target.path if pin is None else pin.path
        if pin is None:
            self.session.submit(Loaded(place="file", path=path or target.name, **fields))
            return
        event = Loaded(place="file", path=path, facts=pin.facts, size=pin.size, **_parts(pin), **fields)
        if not self._open.holds_back(event, pin):
            self.session.submit(event, pin.take())

    def _load_from_elsewhere(self, target: Target, fields: dict[str, Any]) -> None:
        where: Any = {"place": target.place, "path": target.path}
        data = memory.view(target.file)
        if data is None or len(data) > self.session.settings.memory_limit:
            if target.place == "remote":
                self.session.submit(Loaded(**where, **fields))
            return

        def then(digest: str) -> None:
            self.session.submit(Loaded(**where, size=len(data), digest=digest, **fields))

        memory.hash_later(data, then)

    # -- inside -----------------------------------------------------------------------------------

    def _barrier(self, target: Target) -> None:
        """Wait until the agent has read an earlier snapshot in the very file about to be written."""
        if not self.session.is_reading:
            return
        bundle = target.files()
        if bundle is not None:
            for name in files_of(bundle):
                self._wait_for(base_of(bundle) + name)
            return
        try:
            if target.place == "file" and target.path is not None:
                status = os.stat(target.path)
            elif target.place == "open":
                status = os.fstat(target.file.fileno())
            else:
                return
        except (OSError, ValueError, AttributeError):
            return  # nothing there yet, or nothing with a descriptor: nothing can be overwritten
        self.session.barrier((status.st_dev, status.st_ino), status.st_size)

    def _wait_for(self, path: str) -> None:
        try:
            status = os.stat(path)
        except OSError:
            return
        self.session.barrier((status.st_dev, status.st_ino), status.st_size)

    def _allows(self, hook: Any, path: str | None) -> bool:
        return self.session.settings.filter.allows(hook.key, path, hook.family)

    def _verdict(self, call: CallLike, origins: Any) -> Any:
        """What a call's object is; where the hook has no object to show, it is a model."""
        if call.point.model is None:
            return Verdict(None)
        return self._sort(call.model, origins, weights_only=call.hook.weights_only)

    def _pin_open(self, target: Target, *, sampled: bool) -> None:
        target.pin = pin_open_file(target.file)
        if target.pin is not None:
            target.path = target.pin.path
            if sampled and target.pin.descriptor is not None:
                target.pin.facts = facts_of(target.pin.descriptor)


def _as_closed(event: Loaded, closed: FileFacts | None) -> Loaded:
    """A load from a file that was open for a save then, or from a copy, now that the save is sent.

    Of now: whoever asks which save a load may be of looks at those before it. The file itself may have been
    dumped into again since; all of that is one snapshot.
    """
    was = event.facts
    if was is None or closed is None or (was.device, was.inode) != (closed.device, closed.inode):
        return event._replace(time=time.time())
    return event._replace(time=time.time(), facts=closed, size=closed.size)


def _is_gone(target: Target) -> bool:
    """Whether what was held has been taken away since."""
    descriptor = None if target.pin is None else target.pin.descriptor
    return descriptor is not None and os.fstat(descriptor).st_nlink == 0


def _framework(hook: Any, verdict: Any) -> str:
    own = verdict.framework if hook.any_object else None
    return str(own or hook.framework)


def _parts(pin: Pin) -> dict[str, Any]:
    return {"parts": tuple(part for part, _ in pin.parts), "base": pin.base, "lead": pin.lead}


def _text(value: Any) -> str | None:
    return mask(value) if isinstance(value, str) else None
