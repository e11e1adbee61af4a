"""The daemon's side: start the router's process and tell it what to do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

from bahnvision_lab import processes
from bahnvision_lab.errors import LabError
from bahnvision_lab.postgres import free_port

Address = tuple[str, int]

RECORD = "router:endpoints"
PATIENCE = 60  # seconds for one answer: the first waits for its start, on a machine that may have much to do
PORT_TAKEN = "port taken"


class Router:
    """Routes by name. Each listens on a port of 127.0.0.1 that stays the same until `drop`.

    The process starts with the first route. It ends when its control channel does, so also when the
    daemon is killed: a death signal (PR_SET_PDEATHSIG) would already follow the end of the *thread* that started it.
    """

    def __init__(self, registry: processes.Registry) -> None:
        self.registry = registry
        self.process: processes.ProcessId | None = None
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    def add(self, name: str, target: Address) -> int:
        """Open a route; return the port it listens on. Connections are refused while nobody is at the target."""
        while True:
            port = free_port()
            if self._ask("add", name, port=port, target=target).get("refused") != PORT_TAKEN:
                return port

    def flip(self, name: str, target: Address) -> int:
        """Lead new connections to the target, reset the others; ends a cut or a freeze. Return the moment (ns)."""
        return self._ask("flip", name, target=target)["monotonic_ns"]

    def cut(self, name: str) -> int:
        """Reset all connections and refuse new ones until the next flip. Return the moment (ns)."""
        return self._ask("cut", name)["monotonic_ns"]

    def freeze(self, name: str) -> int:
        """Move no byte and close nothing, as if the host had vanished; new connections get no answer."""
        return self._ask("freeze", name)["monotonic_ns"]

    def thaw(self, name: str) -> int:
        """Go on as before the freeze."""
        return self._ask("thaw", name)["monotonic_ns"]

    def drop(self, name: str) -> None:
        """Close the route. One that is not there is fine: what is dropped may never have been finished."""
        if self.process is not None:
            self._ask("drop", name)

    def close(self) -> None:
        """End the process and with it all routes."""
        with self._lock:
            self._closed = True
            if self._channel is not None:
                self._channel.close()
            if self.process is not None:
                processes.end(self.process, signal.SIGTERM)
                self.registry.discard(RECORD)
            if self._child is not None:
                self._child.wait(PATIENCE)

    def _ask(self, action: str, name: str, **details: Any) -> dict[str, Any]:
        with self._lock:
            channel = self._started()
            try:
                channel.sendall(json.dumps({"action": action, "name": name, **details}).encode() + b"\n")
                answer = _read_line(channel)
            except OSError as problem:
                raise LabError(f"the lab's router does not answer ({action} {name}): {problem}") from problem
        if "error" in answer:
            raise LabError(f"the lab's router cannot {action} {name}: {answer['error']}")
        return answer

    def _started(self) -> socket.socket:
        if self._closed:
            raise LabError("the lab is going down: its router is closed")
        if self._channel is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "bahnvision_lab.router.process", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    start_new_session=True, cwd="/", env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )  # fmt: skip
            self.process = processes.identify(self._child.pid)
            self.registry.add(RECORD, self.process)
            ours.settimeout(PATIENCE)
            self._channel = ours
        return self._channel


def _read_line(channel: socket.socket) -> dict[str, Any]:
    """One request is under way at a time: what comes until the line's end is its answer."""
    received = b""
    while not received.endswith(b"\n"):
        chunk = channel.recv(4096)
        if not chunk:
            raise ConnectionResetError("its process has ended; see the lab's log")
        received += chunk
    return json.loads(received)
