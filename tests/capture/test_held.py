"""What a process holds until the agent has acknowledged it, and what that costs the training thread."""

import os
import socket

import pytest

from autolog.capture.descriptors import Kept
from autolog.capture.held import Held, Unacknowledged
from autolog.capture.link import AgentLink

pytestmark = pytest.mark.core


class Counted(Held):
    """Counts how often anybody looks how many descriptors it holds."""

    looks = 0

    @property
    def count(self):
        Counted.looks += 1
        return super().count


def test_events_without_descriptors_are_not_looked_through():
    events = Unacknowledged()
    for number in range(1000):
        events.add(str(number), Counted({}, [None]))
    held = Counted({}, [Kept(os.open(os.devnull, os.O_RDONLY))])
    events.add("held", held)
    Counted.looks = 0
    assert events.with_descriptors() == [held]
    assert Counted.looks == 1
    events.acknowledged("held")
    assert (events.with_descriptors(), len(events), held.count) == ([], 1000, 0)


def test_loads_take_no_descriptor_from_a_save(lab):
    done = lab.run("""
        from autolog.sdk.run import current
        for number in range(3):
            save(Model([float(number)]), f"{number}.bin")
        session = current().session
        agents = [int(each) for each in os.listdir("/proc") if each.isdigit()]
        import subprocess
        (agent,) = [each for each in agents if b"autolog.agent" in open(f"/proc/{each}/cmdline", "rb").read()
                    and os.fsencode(os.environ["AUTOLOG_HOME"]) in open(f"/proc/{each}/cmdline", "rb").read()]
        os.kill(agent, signal.SIGSTOP)
        for number in range(3, 6):
            save(Model([float(number)]), f"{number}.bin")
        for number in range(300):
            load(f"{number % 6}.bin")
        held = session._held.with_descriptors()
        print(sum(each.is_save for each in held), sum(each.count for each in held) <= session._room)
        print(session._is_full)
        os.kill(agent, signal.SIGCONT)
    """)
    saves, is_within, is_full = " ".join(done.lines).split()
    assert int(saves) >= 3
    assert (is_within, is_full) == ("True", "False")
    task = lab.task()
    assert len(task.outputs) == 6
    assert {each.count for each in task.inputs} == {50}


def test_a_save_waits_for_no_agent_that_can_not_be_had(lab):
    lab.run(
        """
        save(Model([1.0]), "m.bin")
        from autolog.sdk.run import current
        session = current().session
        status = os.stat("m.bin")
        # As it is after twenty starts in vain, while a file is said to be read still.
        session._link.has_given_up = True
        session._reading[status.st_dev, status.st_ino] = "an event"
        save(Model([2.0]), "m.bin")
        assert not session._is_silent
        session._link.has_given_up = False
        """
    )
    assert len(lab.snapshots()) == 2


def test_a_message_that_no_socket_takes_holds_up_nothing(tmp_path):
    ours, agents = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link = AgentLink(str(tmp_path), {}, str(tmp_path / "log"))
    link._kept = Kept(ours.detach())
    for message in ({"id": "1"}, {"id": "2", "line": "x" * 4_000_000}, {"id": "3"}):
        link.send(message)
    with pytest.raises(OSError, match="long"):
        link.send({"id": "x" * 4_000_000})
    link.send({"id": "4"})
    link.close()
    with agents:
        found = list(iter(lambda: agents.recv(1 << 16), b""))
    assert found == [b'{"id": "1"}', b'{"id": "2"}', b'{"id": "3"}', b'{"id": "4"}']
