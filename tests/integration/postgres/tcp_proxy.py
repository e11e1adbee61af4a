"""A TCP proxy on loopback that breaks a connection at a moment that the bytes tell."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

TCP_REPAIR = 19  # of Linux
MEMORY = 256  # bytes kept of the last chunk: the words may lie across two


@dataclass
class Fault:
    """What is done, once, as soon as the words go by on a connection whose client has said `after`.

    `way` is up (to the server) or down. `deliver` lets the chunk with the words through first; `skip` is the number
    of bytes of that way that go through after the client said `after`.

    cut: both ends get a reset. half-open: the server gets a reset, the client hears nothing any more.
    orphan: the client gets a reset, the server hears nothing any more. stall: neither hears anything.
    forget: as a NAT that has lost the connection: neither hears anything, and who asks is told that there is none.
    """

    action: str
    way: str
    words: bytes = b""
    after: bytes = b""
    skip: int = 0
    deliver: bool = False
    struck: threading.Event = field(default_factory=threading.Event)


@dataclass
class Line:
    """One connection through the proxy."""

    client: socket.socket
    server: socket.socket
    ripe: bool = False
    silent: bool = False
    passed: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    tail: dict[str, bytes] = field(default_factory=lambda: {"up": b"", "down": b""})


class Proxy:
    def __init__(self, upstream: int, host: str = "127.0.0.1") -> None:
        self.upstream = upstream
        self.fault: Fault | None = None
        self.bytes = 0  # that went through, both ways
        self.limit: int | None = None  # at so many, `reached` is set
        self.reached = threading.Event()
        self.lines: list[Line] = []
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def strike(self, action: str) -> None:
        """Do it to every connection that is open now."""
        with self._lock:
            for line in self.lines:
                self._act(line, action)

    def close(self) -> None:
        # A thread that waits in accept() keeps the socket open until somebody knocks.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.strike("cut")

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.upstream))
            except OSError:
                reset(client)
                continue
            line = Line(client, server)
            with self._lock:
                self.lines.append(line)
            for way, source, sink in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self._pump, args=(line, way, source, sink), daemon=True).start()

    def _pump(self, line: Line, way: str, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(1 << 16):
                with self._lock:
                    fault = self._due(line, way, chunk)
                if line.silent:
                    continue
                if fault is None or fault.deliver:
                    sink.sendall(chunk)
                if fault is not None:
                    self._act(line, fault.action)
                    fault.struck.set()
            if not line.silent:
                sink.shutdown(socket.SHUT_WR)

    def _due(self, line: Line, way: str, chunk: bytes) -> Fault | None:
        """Note what goes by; return the fault if this is its moment."""
        self.bytes += len(chunk)
        if self.limit is not None and self.bytes >= self.limit:
            self.reached.set()
        fault = self.fault
        if fault is None or line.silent:
            return None
        seen = line.tail[way] + chunk
        line.tail[way] = seen[-MEMORY:]
        if line.ripe:
            line.passed[way] += len(chunk)
        if way == "up" and not line.ripe and fault.after in seen:
            line.ripe = True
        due = line.ripe and way == fault.way and fault.words in seen and line.passed[way] >= fault.skip
        if not due or fault.struck.is_set():
            return None
        self.fault = None
        return fault

    def _act(self, line: Line, action: str) -> None:
        line.silent = True
        for name, end in (("client", line.client), ("server", line.server)):
            if action == "cut" or (action, name) in (("half-open", "server"), ("orphan", "client")):
                reset(end)
            elif action == "forget":
                forget(end)


def forget(end: socket.socket) -> None:
    """Lose the connection without a word to the other end. Needs root."""
    end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    end.close()


def reset(end: socket.socket) -> None:
    """Close with a reset, even while another thread waits in recv()."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RD)
    end.close()


@contextmanager
def proxied(upstream: int, host: str = "127.0.0.1") -> Iterator[Proxy]:
    proxy = Proxy(upstream, host)
    try:
        yield proxy
    finally:
        proxy.close()
