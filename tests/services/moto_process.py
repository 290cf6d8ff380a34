"""moto's S3 server on a free port of loopback: prints the port, and ends when its stdin does."""

import os
import sys


def main():
    """Serve until whoever started us is gone."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
