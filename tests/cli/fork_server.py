"""exarp started by forking a process that has loaded it: real processes, without the time that importing takes.

Knows how to make a fork look like a fresh start: folder, environment, streams, arguments. What a start itself does (what
is loaded, the interpreter's own options and locale, signals in its first milliseconds) is tested with real starts.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ForkServer:
    """Starts exarp by forking, one process at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=ROOT
            )
        atexit.register(self.close)

    def run(
        self, arguments: Sequence[str], cwd: str, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As ``subprocess.run`` with captured text and no stdin.

        Raises TimeoutExpired, and ends the process, after ``timeout`` seconds.
        """
        out_reader, out_writer = os.pipe()
        err_reader, err_writer = os.pipe()
        request = json.dumps([list(arguments), cwd, dict(env)]).encode()
        socket.send_fds(self._socket, [len(request).to_bytes(4, "big")], [out_writer, err_writer])
        self._socket.sendall(request)
        os.close(out_writer)
        os.close(err_writer)
        pid = int.from_bytes(_exactly(self._socket, 4), "big")
        try:
            out, err = _read_both(out_reader, err_reader, timeout)
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(["exarp", *arguments], timeout) from None
        finally:
            os.close(out_reader)
            os.close(err_reader)
            status = int.from_bytes(_exactly(self._socket, 4), "big", signed=True)
        return subprocess.CompletedProcess(["exarp", *arguments], status, out.decode(), err.decode())

    def close(self) -> None:
        """End the server."""
        self._socket.close()
        self._process.wait()


def _read_both(out: int, err: int, timeout: float) -> tuple[bytes, bytes]:
    """All that two pipes give until both are closed. Raises TimeoutError."""
    end = time.monotonic() + timeout
    pieces: dict[int, list[bytes]] = {out: [], err: []}
    with selectors.DefaultSelector() as selector:
        for reader in (out, err):
            selector.register(reader, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(end - time.monotonic())
            if not ready and time.monotonic() >= end:
                raise TimeoutError
            for key, _ in ready:
                piece = os.read(key.fd, 65536)
                if piece:
                    pieces[key.fd].append(piece)
                else:
                    selector.unregister(key.fd)
    return b"".join(pieces[out]), b"".join(pieces[err])


def _exactly(connection: socket.socket, count: int) -> bytes:
    """``count`` bytes. Raises EOFError where the other side has gone."""
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found


def _serve(connection: socket.socket) -> None:
    while True:
        size, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
        if not size:
            return
        size += _exactly(connection, 4 - len(size)) if len(size) < 4 else b""
        arguments, cwd, env = json.loads(_exactly(connection, int.from_bytes(size, "big")))
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(arguments, cwd, env, descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(pid.to_bytes(4, "big"))
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(status.to_bytes(4, "big", signed=True))


def _become(arguments: list[str], cwd: str, env: dict[str, str], descriptors: list[int]) -> None:
    """This process from here on: ``exarp ARGUMENTS``, as a shell would have started it. Ends with SystemExit."""
    from exarp.door import main

    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, descriptor in enumerate((null, *descriptors)):
        os.dup2(descriptor, target)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.argv = ["exarp", *arguments]
    main()


def _load_all() -> None:
    """Import all of exarp, so that no fork has to."""
    import exarp

    for module in pkgutil.walk_packages(exarp.__path__, "exarp."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    # What is never looked at again is never copied: forks share it.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load_all()
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        _serve(listening)
