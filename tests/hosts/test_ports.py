from __future__ import annotations

import socket

from exarp.hosts.ports import is_open


def test_a_port_is_open_while_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_open(port)
    assert not is_open(port)
