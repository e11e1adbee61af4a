"""The HTTP server of the charts. They are built when somebody asks for them first."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bahnvision_lab.charts.archives import archives, index


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.partition("?")[0].lstrip("/")
        found = archives().get(name)
        content = index() if name == "index.yaml" else found.content if found else None
        if content is None:
            self.send_error(404, "There is no such chart")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/yaml" if name == "index.yaml" else "application/gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


class ChartServer:
    """Starts and ends."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="charts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(10)
        self._server.server_close()

    def describe(self) -> dict[str, str]:
        """Return what clients need: the address for `helm repo add` or `chart_repo_url`."""
        return {"url": f"http://127.0.0.1:{self._server.server_port}"}
