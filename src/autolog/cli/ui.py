"""`autolog ui`: the web pages."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
import webbrowser
from typing import TYPE_CHECKING

import click

from autolog.errors import AutologError

from ._options import Options, places
from ._out import emit, say
from ._session import opened_kept

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.web import Options as WebOptions

__all__ = ["PORT", "ui"]

#: The usual port.
PORT = 8265
#: How often it is looked for what a run has left whose agent is gone, too.
_BRING_IN_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Listen on another address of this machine; the token is needed there, too.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), metavar="N",
              help=f"Listen on this port.  [default: {PORT}, or a free one if that is taken]")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Only say where it is.")
@click.option("--read-only", is_flag=True, help="Nothing can be changed, and the store is left as it is.")
@places
@click.pass_obj
def ui(options: Options, /, host: str, port: int | None, no_browser: bool, read_only: bool) -> None:
    """Look at everything in a browser, until Ctrl-C.

    The address that is printed ends with a token: who has it can see everything, and change it.
    """
    listening = _listen(host, port)
    with (
        listening,
        opened_kept(options, create=not read_only, read_only=read_only) as (store, kept, settings),
    ):
        import uvicorn

        from autolog.web import create_app

        at = _web_options(host, listening.getsockname()[1], read_only=read_only)
        app = create_app(store, kept, settings, at)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=2,
            )
        )
        address = f"http://{_shown(host)}:{at.port}/?token="
        emit(address + at.token)
        say("Ctrl-C ends it")
        if host in _LOOPBACK and os.environ.get("SSH_CONNECTION"):
            # Whoever is here by SSH has the browser on another machine, where this address leads nowhere.
            tunnel = f"ssh -L {at.port}:{_shown(host)}:{at.port} {socket.gethostname()}"
            say(f"to open it on the machine that you came from, run there: {tunnel}")
        if not no_browser and _has_browser():
            # The socket takes the browser's connection already, and the server answers it in a moment. What a
            # browser is started with everybody on this machine can read: so that opens the pages only once.
            threading.Thread(target=webbrowser.open, args=(address + at.ticket,), daemon=True).start()
        if not read_only:
            threading.Thread(target=_keep_bringing_in, args=(settings,), daemon=True).start()
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            # That is how one ends it.
            pass


def _keep_bringing_in(settings: Settings) -> None:
    """Bring what runs have left whose agents were killed with them into the store, again and again."""
    from autolog.agent import settle

    while True:
        time.sleep(_BRING_IN_SECONDS)
        try:
            settle(settings, wait=_BRING_IN_SECONDS)
        except (AutologError, OSError):
            # The store is away, or the spool can't be read: it was said at the start, and may be over later.
            continue


def _listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens there; without a `port` at the usual one, or one that is free."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise click.UsageError(f"{host!r} is no address of this machine ({error})") from error
    for each in (port,) if port else (PORT, 0):
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((address[0], each))
            opened.listen(128)
        except OSError as error:
            opened.close()
            if error.errno != errno.EADDRINUSE or port or not each:
                where = f"{host}:{each}" if each else host
                raise AutologError(
                    f"nothing can listen on {where} ({error.strerror}); choose another --port or --host"
                ) from error
            say(f"port {PORT} is taken; another one it is")
            continue
        return opened
    raise AssertionError("a free port can always be had")


def _web_options(host: str, port: int, *, read_only: bool) -> WebOptions:
    from autolog.web import Options as WebOptions

    if host in _LOOPBACK:
        return WebOptions(port=port, read_only=read_only)
    names = {"127.0.0.1", "localhost", "[::1]", _shown(host).lower()}
    names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return WebOptions(port=port, hosts=tuple(names), any_address=True, read_only=read_only)


def _shown(host: str) -> str:
    """The host as an address has it; for one that means all, the machine's own name."""
    if host in ("0.0.0.0", "::", ""):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _has_browser() -> bool:
    """Whether a browser would open in a window; one in this very terminal would be in the way."""
    if sys.platform == "darwin" or os.environ.get("BROWSER"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
