"""Faults on the wire: which error a service sends when it is told to fail."""

from __future__ import annotations

import socket
from typing import Any

from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from bahnvision_lab.aws.naming import Call
from bahnvision_lab.aws.refusals import error_response, speaks_json
from bahnvision_lab.faults import Failure

# Services that throttle in words of their own. All others: Throttling (XML) or ThrottlingException (JSON).
THROTTLING = {
    "ec2": ("RequestLimitExceeded", 503),
    "s3": ("SlowDown", 503),
    "lambda": ("TooManyRequestsException", 429),
    "apigateway": ("TooManyRequestsException", 429),
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "organizations": ("TooManyRequestsException", 400),
    "cloudformation": ("Throttling", 400),
    "autoscaling": ("Throttling", 400),
    "elasticloadbalancing": ("Throttling", 400),
    "monitoring": ("Throttling", 400),
}
_MESSAGES = {
    "RequestLimitExceeded": "Request limit exceeded.",
    "SlowDown": "Please reduce your request rate.",
    "Throttling": "Rate exceeded",
}
_BUSY = frozenset({"ServiceUnavailable", "ServiceUnavailableException", "Unavailable"})


def throttling(call: Call) -> tuple[str, int]:
    """Return code and status with which the service of this call says that there are too many requests."""
    if call.service in THROTTLING:
        return THROTTLING[call.service]
    if not speaks_json(call):
        return "Throttling", 400
    return "ThrottlingException", 429 if _is_rest(call) else 400


def failed(call: Call, failure: Failure, content_type: str) -> Response:
    """Return the answer that the service would give."""
    code, status = (failure.code, failure.status or _status(failure.code)) if failure.code else throttling(call)
    message = _MESSAGES.get(code)
    if message is None:
        message = "Rate exceeded" if code == throttling(call)[0] else "An internal error has occurred (a lab fault)."
    return error_response(call, status, code, message, content_type)


def cut(environ: dict[str, Any]) -> ConnectionError:
    """End the client's connection; return what to raise, so that the server sends no answer."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    return ConnectionAbortedError("a fault of the lab: the connection is cut")


def _status(code: str) -> int:
    if code.startswith("Internal"):
        return 500
    if code in _BUSY or code in {known for known, status in THROTTLING.values() if status == 503}:
        return 503
    return 400


def _is_rest(call: Call) -> bool:
    return str(get_service_model(call.model).protocol) == "rest-json"
