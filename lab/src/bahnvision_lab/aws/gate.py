"""Every request passes here: credentials first, then moto, then the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from bahnvision_lab.aws.naming import Call, read_call
from bahnvision_lab.aws.refusals import error_response, speaks_json
from bahnvision_lab.aws.request_log import RequestLog, error_code

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
CALL = "bahnvision_lab.call"  # where the inner application finds the Call, in the WSGI environment


class Gate:
    """A WSGI application in front of moto."""

    def __init__(self, inner: Application, knows_key: Callable[[str], bool], log: RequestLog) -> None:
        self.inner = inner
        self.knows_key = knows_key
        self.log = log

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        call = read_call(environ)
        environ[CALL] = call
        response = self._refuse(call, environ) or self._ask(environ)
        code = None
        if response.status_code >= 400:
            code = error_code(response.get_data(), response.headers.get("x-amzn-ErrorType"))
        self.log.write(call, response.status_code, code, time.monotonic() - started)
        return response(environ, start_response)

    def _ask(self, environ: dict[str, Any]) -> Response:
        chunks, status, headers = run_wsgi_app(self.inner, environ, buffered=True)
        return Response(b"".join(chunks), status, headers)

    def _refuse(self, call: Call, environ: dict[str, Any]) -> Response | None:
        """AWS lets nobody in without a known access key; moto would let everybody."""
        content_type = environ.get("CONTENT_TYPE", "")
        if not call.access_key_id:
            message = "Request is missing Authentication Token"
            return error_response(call, 403, "MissingAuthenticationToken", message, content_type)
        if self.knows_key(call.access_key_id):
            return None
        code = "InvalidClientTokenId"
        if call.service == "ec2":
            message = "AWS was not able to validate the provided access credentials"
            return error_response(call, 401, "AuthFailure", message, content_type)
        if call.service == "s3":
            code, message = "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
            return error_response(call, 403, code, message, content_type)
        if speaks_json(call):
            code = "UnrecognizedClientException"
        return error_response(call, 403, code, "The security token included in the request is invalid.", content_type)
