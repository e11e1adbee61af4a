"""Every request passes here: credentials first, then moto, then the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from bahnvision_lab.aws import faulty
from bahnvision_lab.aws.answering import answering
from bahnvision_lab.aws.contract import requests
from bahnvision_lab.aws.contract.answers import Contract
from bahnvision_lab.aws.naming import Call, read_call
from bahnvision_lab.aws.refusals import error_response, speaks_json
from bahnvision_lab.aws.request_log import RequestLog, error_code
from bahnvision_lab.aws.signature import is_genuine
from bahnvision_lab.faults import CUT, Failure, Faults

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
CALL = "bahnvision_lab.call"  # where the inner application finds the Call, in the WSGI environment


class Gate:
    """A WSGI application in front of moto."""

    def __init__(
        self,
        inner: Application,
        secret_of: Callable[[str], str | None],
        log: RequestLog,
        faults: Faults,
        contract: Contract,
    ) -> None:
        self.inner = inner
        self.secret_of = secret_of
        self.log = log
        self.faults = faults
        self.contract = contract

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        call = read_call(environ)
        environ[CALL] = call
        response, failure = self._refuse(call, environ), None
        if response is None:
            time.sleep(self.faults.delay)
            failure = self.faults.failure(call.service, call.operation)
            response = self._failing(call, environ, failure) if failure else self._ask(environ)
        if failure and failure.code == CUT:
            self.log.write(call, 0, CUT, time.monotonic() - started)
            raise faulty.cut(environ)
        code = None
        if response.status_code >= 400:
            code = error_code(response.get_data(), response.headers.get("x-amzn-ErrorType"))
        self.log.write(call, response.status_code, code, time.monotonic() - started)
        return response(environ, start_response)

    def _failing(self, call: Call, environ: dict[str, Any], failure: Failure) -> Response:
        """The answer of a fault. What has `acted` is carried out first: the client cannot know."""
        if failure.acted:
            self._ask(environ)
        return faulty.failed(call, failure, environ.get("CONTENT_TYPE", ""))

    def _ask(self, environ: dict[str, Any]) -> Response:
        refused = requests.refusal(environ[CALL], environ)
        if refused is not None:
            return refused
        with answering():
            chunks, status, headers = run_wsgi_app(self.inner, environ, buffered=True)
        response = Response(b"".join(chunks), status, headers)
        self.contract.examine(environ[CALL], response, environ.get("CONTENT_TYPE", ""))
        return response

    def _refuse(self, call: Call, environ: dict[str, Any]) -> Response | None:
        """AWS lets nobody in without a known access key and its secret; moto would let everybody."""
        content_type = environ.get("CONTENT_TYPE", "")

        def refuse(status: int, code: str, message: str) -> Response:
            return error_response(call, status, code, message, content_type)

        if not call.access_key_id:
            return refuse(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        secret = self.secret_of(call.access_key_id)
        if secret is None:
            return refuse(*_unknown_key(call))
        if not is_genuine(environ, call, secret):
            return refuse(403, *_WRONG_SIGNATURE)
        if call.dry_run:  # moto would do some of them in earnest
            return refuse(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        return None


def _unknown_key(call: Call) -> tuple[int, str, str]:
    if call.service == "ec2":
        return 401, "AuthFailure", "AWS was not able to validate the provided access credentials"
    if call.service == "s3":
        return 403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
    code = "UnrecognizedClientException" if speaks_json(call) else "InvalidClientTokenId"
    return 403, code, "The security token included in the request is invalid."


_WRONG_SIGNATURE = (
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.",
)
