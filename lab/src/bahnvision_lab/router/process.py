"""The router's process: `python -m bahnvision_lab.router.process <file descriptor of the control channel>`.

One JSON line per request, one per answer. When the channel ends, so does the process.
"""

from __future__ import annotations

import asyncio
import errno
import json
import resource
import socket
import sys
import time
from typing import Any

from bahnvision_lab.router.client import PORT_TAKEN
from bahnvision_lab.router.routes import Route


class Switchboard:
    """All routes of one lab."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry the request out; what it must not do is answered, never raised."""
        action, name = request["action"], request["name"]
        if action == "add":
            return self._add(name, request["port"], tuple(request["target"]))
        if action == "drop":
            route = self.routes.pop(name, None)
            if route is not None:
                route.close()
            return _done()
        if name not in self.routes:
            return {"error": f"there is no route {name}; there are: {', '.join(sorted(self.routes)) or 'none'}"}
        self._change(self.routes[name], action, request)
        return _done()

    def _add(self, name: str, port: int, target: tuple[str, int]) -> dict[str, Any]:
        if name in self.routes:
            return {"error": "it is there already"}
        try:
            route = Route(port, target)
        except OSError as problem:
            return {"refused": PORT_TAKEN} if problem.errno == errno.EADDRINUSE else {"error": str(problem)}
        route.open()
        self.routes[name] = route
        return _done()

    @staticmethod
    def _change(route: Route, action: str, request: dict[str, Any]) -> None:
        if action == "flip":
            route.flip(tuple(request["target"]))
        else:
            {"cut": route.cut, "freeze": route.freeze, "thaw": route.thaw}[action]()


def _done() -> dict[str, Any]:
    return {"monotonic_ns": time.monotonic_ns()}  # one clock for all processes of a machine


async def serve(channel: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=channel)
    switchboard = Switchboard()
    while line := await reader.readline():
        writer.write(json.dumps(switchboard.do(json.loads(line))).encode() + b"\n")
        await writer.drain()


def main() -> int:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # two per connection
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
