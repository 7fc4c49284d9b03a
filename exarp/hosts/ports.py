"""Whether somebody takes connections on a TCP port of this machine.

Knows sockets. Never waits: an answer that does not come at once is no.
"""

from __future__ import annotations

import select

_ADDRESSES = ("127.0.0.1", "::1")


def is_open(port: int) -> bool:
    """Whether a connection to ``port`` of the loopback interface is taken, by IPv4 or IPv6."""
    return any(_takes(address, port) for address in _ADDRESSES)


def _takes(address: str, port: int) -> bool:
    # Few runs have services.
    import socket

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            if connection.connect_ex((address, port)) == 0:
                return True
            # Over loopback the other side has answered by now, if it ever will.
            _, writable, _ = select.select([], [connection], [], 0)
            return bool(writable) and connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    except (OSError, ValueError):
        return False
