"""What happens in the user's process: take hold of a file, write a line, tell the agent. Nothing slow."""

from .ending import Ending
from .recorder import Capture
from .session import Process, Session

__all__ = ["Capture", "Ending", "Process", "Session"]
