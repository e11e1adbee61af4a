"""The HTTPS server of one cluster, on loopback."""

from __future__ import annotations

import logging
import ssl
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from bahnvision_lab.kubernetes.api import discovery
from bahnvision_lab.kubernetes.api.handler import Handler, answer
from bahnvision_lab.kubernetes.api.identity import ANONYMOUS, User
from bahnvision_lab.kubernetes.api.permission import Attempt
from bahnvision_lab.kubernetes.status import ApiError, NoPage, lacks

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

ACCIDENTS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
HANDSHAKE = 10  # seconds: a client that says nothing must not hold a thread for ever


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_arguments: Any) -> None:
        """The cluster's own log says it."""


class _Server(ThreadedWSGIServer):
    """TLS is spoken in the thread of the connection: the one that accepts must never wait for a client."""

    daemon_threads = True
    context: ssl.SSLContext

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        request.settimeout(HANDSHAKE)
        try:
            secure = self.context.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            request.close()
            return
        secure.settimeout(None)
        super().process_request_thread(secure, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no accident."""


class Application:
    """WSGI: paths that are no resources are answered here."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.handler = Handler(cluster)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = self._answer(request)
        except ApiError as problem:
            response = answer(problem.status(), problem.code, problem.warnings)
            if isinstance(problem, NoPage):
                response = Response(f"{problem.message}\n", problem.code, content_type="text/plain; charset=utf-8")
        except ACCIDENTS as accident:  # the client is told that it was us; the traceback is in the lab's log
            logging.getLogger(__name__).error("%s", traceback.format_exc())
            told = ApiError(501, f"LabFailure: {type(accident).__name__}: {accident}", "LabFailure")
            response = answer(told.status(), told.code)
        response.headers["Cache-Control"] = "no-cache, private"
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        user = self._user(request)
        path = request.path.rstrip("/") or "/"
        first = path.split("/")[1]
        if first in ("api", "apis") and len([part for part in path.split("/") if part]) > (2 if first == "api" else 3):
            return self.handler.handle(user, request)
        self.cluster.permission.require(user, Attempt(request.method.lower(), path=path))
        found = self._plain(path, request)
        if found is None:
            raise NoPage()
        return found

    def _user(self, request: Request) -> User:
        header = request.headers.get("Authorization", "")
        if not header:
            return ANONYMOUS
        kind, _blank, token = header.partition(" ")
        user = self.cluster.authenticator.user_of(token.strip()) if kind.lower() == "bearer" else None
        if user is None:
            raise ApiError(401, "Unauthorized")
        return self._impersonated(user, request)

    def _impersonated(self, user: User, request: Request) -> User:
        name = request.headers.get("Impersonate-User")
        groups = request.headers.getlist("Impersonate-Group")
        if not name:
            return user
        kind, told = ("users", name)
        self.cluster.permission.require(user, Attempt("impersonate", "", kind, name=told))
        for group in groups:
            self.cluster.permission.require(user, Attempt("impersonate", "", "groups", name=group))
        return User(name, tuple(dict.fromkeys((*groups, "system:authenticated"))))

    def _plain(self, path: str, request: Request) -> Response | None:
        parts = path.split("/")[1:]
        if path in ("/healthz", "/livez", "/readyz"):
            return Response("ok", content_type="text/plain")
        if path == "/version":
            return answer(self.cluster.version())
        if parts[0] in ("api", "apis"):
            return self._discovery(parts, request)
        if parts[:2] == ["openapi", "v3"]:
            index = len(parts) == 2
            catalogue = self.cluster.catalogue
            told = discovery.openapi_index(catalogue) if index else discovery.openapi(catalogue, "/".join(parts[2:]))
            return answer(told) if told else None
        if path == "/openapi/v2":
            raise lacks("OpenAPI v2: it has v3, as every client since 1.27 asks for")
        if path == "/.well-known/openid-configuration":
            return answer(self.cluster.tokens.configuration())
        if path == "/openid/v1/jwks":
            return answer(self.cluster.tokens.key_set())
        return None

    def _discovery(self, parts: list[str], request: Request) -> Response | None:
        catalogue = self.cluster.catalogue
        accept = request.headers.get("Accept", "")
        core = parts[0] == "api"
        if len(parts) == 1 and f"g={discovery.AGGREGATED};v=v2;" in f"{accept.split(',')[0]};".replace("; ", ";"):
            response = answer(discovery.aggregated(catalogue, core))
            response.content_type = f"application/json;g={discovery.AGGREGATED};v=v2;as=APIGroupDiscoveryList"
            return response
        if len(parts) == 1:
            return answer(discovery.versions(self.cluster.address) if core else discovery.group_list(catalogue))
        if not core and len(parts) == 2:
            told = discovery.group(catalogue, parts[1])
        else:
            told = discovery.resource_list(catalogue, "" if core else parts[1], parts[-1])
        return answer(told) if told else None


class ApiServer:
    """Starts and ends. `certificate` holds server.crt and server.key."""

    def __init__(self, cluster: Cluster, port: int, certificate: Path) -> None:
        self._server = _Server("127.0.0.1", port, Application(cluster), handler=_Quiet)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "server.crt", certificate / "server.key")
        self._server.context = context
        self._server.ssl_context = context  # for werkzeug, which tells the application the scheme by it
        self._thread = threading.Thread(target=self._server.serve_forever, name="kubernetes-api", daemon=True)

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(10)
        self._server.server_close()
