"""The HTTP server of the lab's AWS API, on loopback."""

from __future__ import annotations

import logging
import os
import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, request
from moto import backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.sts.models import sts_backends
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from bahnvision_lab.aws.contract.answers import Contract
from bahnvision_lab.aws.ec2 import network
from bahnvision_lab.aws.gate import CALL, Gate
from bahnvision_lab.aws.refusals import NOT_RETRIED, LabLacks, error_response, not_implemented
from bahnvision_lab.aws.request_log import RequestLog
from bahnvision_lab.faults import Faults

REGION = "eu-central-1"
ACCOUNT = DEFAULT_ACCOUNT_ID
_KEY_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Credentials:
    """The access key of this lab run: a client of another lab, or of AWS, is refused."""

    access_key_id: str = field(default_factory=lambda: "AKIA" + _random(_KEY_CHARACTERS, 16))
    secret_access_key: str = field(
        default_factory=lambda: _random(string.ascii_letters + string.digits, 40), repr=False
    )


def _random(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _count in range(length))


class _QuietHandler(MotoRequestHandler):
    # Keeps connections open: an Ansible module makes many small calls.
    protocol_version = "HTTP/1.1"

    def log_request(self, *_arguments: Any) -> None:
        """The request log says it all."""


class AwsServer:
    """The API on one port of 127.0.0.1. `start` returns when it accepts connections."""

    def __init__(
        self, port: int, log: RequestLog, credentials: Credentials, faults: Faults, contract: Contract
    ) -> None:
        self.credentials = credentials
        self.log = log
        self.contract = contract
        gate = Gate(DomainDispatcherApplication(_create_app), self.secret_of, log, faults, contract)
        self._server = make_server("127.0.0.1", port, gate, threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws-api", daemon=True)

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():  # shutdown() waits for a loop; without one it would wait for ever
            self._server.shutdown()
            self._thread.join(10)
        self._server.server_close()

    def describe(self) -> dict[str, str]:
        return {
            "endpoint_url": self.endpoint_url,
            "request_log": str(self.log.path),
            "contract_log": str(self.contract.path),
            "region": REGION,
            "account_id": ACCOUNT,
            "access_key_id": self.credentials.access_key_id,
            "secret_access_key": self.credentials.secret_access_key,
        }

    def secret_of(self, access_key_id: str) -> str | None:
        """Return the secret of the lab's own key, or of one made through the API (CreateAccessKey, AssumeRole)."""
        if access_key_id == self.credentials.access_key_id:
            return self.credentials.secret_access_key
        for partition in list(iam_backends[ACCOUNT].values()):
            for user in list(partition.users.values()):
                for key in user.access_keys:
                    if key.access_key_id == access_key_id and key.status == "Active":
                        return key.secret_access_key
        for partition in list(sts_backends[ACCOUNT].values()):
            for role in partition.assumed_roles:
                if role.access_key_id == access_key_id:
                    return role.secret_access_key
        return None


def configure_moto() -> None:
    """Set what moto reads from the environment while it is imported or asked."""
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    network.install()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


def _create_app(service: backends.SERVICE_NAMES | None) -> Flask:
    """A service of moto whose gaps and accidents are answered at once, in words; None is a service moto lacks."""
    app = create_backend_app(service) if service else Flask("nothing", static_folder=None)
    app.debug = False  # else moto's exceptions leave through the server as a broken answer
    app.register_error_handler(NotImplementedError, _missing)
    app.register_error_handler(InternalServerError, _accident)
    for no_route in (NotFound, MethodNotAllowed):
        app.register_error_handler(no_route, _no_route)
    return app


def _missing(problem: NotImplementedError) -> Response:
    """moto's own words name the method; only what is more than that is worth telling."""
    detail = str(problem)
    if "has not been implemented" in detail:
        detail = ""
    elif not isinstance(problem, LabLacks):
        current_app.logger.error("inside moto", exc_info=problem)
    return not_implemented(request.environ[CALL], request.content_type or "", detail)


def _no_route(_problem: HTTPException) -> Response:
    return not_implemented(request.environ[CALL], request.content_type or "")


def _accident(problem: InternalServerError) -> Response:
    """The traceback is in the lab's log. A client that tries again would meet the same."""
    call, cause = request.environ[CALL], problem.original_exception
    message = f"The lab failed in {call.service}:{call.operation}: {type(cause).__name__}: {cause}"
    return error_response(call, NOT_RETRIED, "LabFailure", message, request.content_type or "")
