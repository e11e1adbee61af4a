"""One route: a listening port, the target behind it, and the connections that pass."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

BACKLOG = 512
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for 0 s: the other side gets a RST, not a FIN


class Side(asyncio.Protocol):
    """One end of a connection; what it hears, the other end says."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.made(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Hand the end on and keep the other direction open, as TCP does."""
        other = self.other.transport if self.other is not None else None
        if other is not None and not other.is_closing() and other.can_write_eof():
            other.write_eof()
        self.connection.ended += 1
        return self.connection.ended < 2

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None and not self.connection.route.frozen:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost(exc)


class Connection:
    """A client, and the target it was led to. It keeps that target, whatever the route's next one is."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.client = Side(self)
        self.server = Side(self)
        self.client.other, self.server.other = self.server, self.client
        self.ended = 0
        self.target = route.target
        self._task: asyncio.Task[None] | None = None

    def client_side(self) -> Side:
        return self.client

    def made(self, side: Side) -> None:
        if side is not self.client:
            return
        assert side.transport is not None
        side.transport.pause_reading()  # until somebody is there to hear it
        self.route.connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._reach())

    async def _reach(self) -> None:
        await self.route.moving.wait()
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.server, *self.target)
        except OSError:
            self.reset()
            return
        if self.route.frozen:
            self.pause()
        else:
            self.resume()

    def pause(self) -> None:
        for transport in self._transports():
            transport.pause_reading()

    def resume(self) -> None:
        if self.server.transport is not None:  # else the client still waits for the target
            for transport in self._transports():
                transport.resume_reading()

    def lost(self, problem: Exception | None) -> None:
        """One end is gone: after a clean end say what is left to say, after a reset reset."""
        if problem is not None:
            self.reset()
        else:
            for transport in self._transports():
                transport.close()
            self._give_up_reaching()
        self.route.connections.discard(self)

    def reset(self) -> None:
        self._give_up_reaching()
        for transport in self._transports():
            with contextlib.suppress(OSError):  # it may be closed at this moment
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            transport.abort()
        self.route.connections.discard(self)

    def _give_up_reaching(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def _transports(self) -> list[asyncio.Transport]:
        return [side.transport for side in (self.client, self.server) if side.transport is not None]


class Route:
    """A port of 127.0.0.1 that leads to the target of the moment."""

    def __init__(self, port: int, target: tuple[str, int]) -> None:
        self.target = target
        self.connections: set[Connection] = set()
        self.moving = asyncio.Event()
        self.moving.set()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)
        try:
            self._listener.bind(("127.0.0.1", port))
        except OSError:
            self._listener.close()
            raise
        self._accepting: asyncio.Task[None] | None = None

    @property
    def frozen(self) -> bool:
        return not self.moving.is_set()

    def open(self) -> None:
        """Accept connections, unless it does already."""
        if self._accepting is None:
            self._listener.listen(BACKLOG)
            self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _address = await loop.sock_accept(self._listener)
            connection = Connection(self)
            with contextlib.suppress(OSError):  # the client is gone already
                await loop.connect_accepted_socket(connection.client_side, accepted)

    def flip(self, target: tuple[str, int]) -> None:
        self.target = target
        self.reset()
        self.moving.set()
        self.open()

    def cut(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
            # On Linux this ends the listening alone: the port stays bound, so nobody else can take it meanwhile,
            # and who connects is refused by the kernel.
            self._listener.shutdown(socket.SHUT_RDWR)
        self.reset()
        self.moving.set()

    def freeze(self) -> None:
        self.moving.clear()
        for connection in self.connections:
            connection.pause()

    def thaw(self) -> None:
        self.moving.set()
        for connection in self.connections:
            connection.resume()

    def reset(self) -> None:
        for connection in list(self.connections):
            connection.reset()

    def close(self) -> None:
        self.cut()
        self._listener.close()
