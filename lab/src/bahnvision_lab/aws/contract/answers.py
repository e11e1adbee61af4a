"""Hold every answer that leaves the lab against botocore's model of it, and write down where it does not fit.

A client made from the model drops what it does not know and trips over what has another type. An answer of
moto, or of the lab, that does not fit the model would teach the roles something that AWS does not say.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from moto.core.model import OperationModel
from moto.core.request import determine_request_protocol
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from bahnvision_lab.aws.contract import json_answers, xml_answers
from bahnvision_lab.aws.contract.lapses import is_known
from bahnvision_lab.aws.contract.scalars import Problem, text_problem
from bahnvision_lab.aws.naming import Call
from bahnvision_lab.aws.request_log import error_code


class Contract:
    """Examines answers; appends one JSON line per answer that does not fit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def examine(self, call: Call, response: Response, content_type: str) -> None:
        found = [problem for problem in problems(call, response, content_type) if not is_known(call, problem)]
        if not found:
            return
        line = {
            "service": call.service,
            "operation": call.operation,
            "status": response.status_code,
            "problems": [f"{problem.path or 'the answer'} {problem.what}" for problem in dict.fromkeys(found)],
        }
        with self._lock, os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as log:
            log.write(json.dumps(line) + "\n")


def problems(call: Call, response: Response, content_type: str) -> Iterator[Problem]:
    """Compare one answer with the model of its operation."""
    if not call.model:
        return
    service = get_service_model(call.model)
    if call.operation not in service.operation_names:
        return
    operation = service.operation_model(call.operation)
    if response.status_code >= 300:
        yield from _error_problems(operation, response)
        return
    try:
        protocol = determine_request_protocol(service, content_type)
    except NotImplementedError:
        protocol = str(service.protocol)
    yield from _header_problems(operation, response)
    yield from _body_problems(operation, response.get_data(), protocol)


def _body_problems(operation: OperationModel, body: bytes, protocol: str) -> Iterator[Problem]:
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    if operation.has_event_stream_output:
        return
    if payload is not None:
        shape = shape.members[payload]
        if shape.type_name in ("string", "blob"):
            return
    if protocol in ("query", "ec2"):
        yield from xml_answers.problems(shape, body, wrapped=protocol == "query")
    elif protocol == "rest-xml":
        if body.strip() and operation.name not in OWN_FORM:
            yield from xml_answers.problems(shape, body, wrapped=False)
    else:
        yield from json_answers.problems(shape, body, cbor=protocol == "smithy-rpc-v2-cbor")


# S3 answers it with a root element that is the value itself; botocore has a handler for this one.
OWN_FORM = {"GetBucketLocation"}


def _header_problems(operation: OperationModel, response: Response) -> Iterator[Problem]:
    if operation.output_shape is None:
        return
    for name, member in operation.output_shape.members.items():
        if member.serialization.get("location") != "header":
            continue
        text = response.headers.get(member.serialization.get("name", name))
        if text is None and name in operation.output_shape.required_members:
            yield Problem(name, "is required and missing among the headers")
        elif text is not None and member.type_name not in ("list", "string", "blob"):
            what = text_problem(member, text)
            if what:
                yield Problem(name, what)


def _error_problems(operation: OperationModel, response: Response) -> Iterator[Problem]:
    """An error needs a code; where the model knows the code, it knows the status too."""
    if operation.http.get("method") == "HEAD" or response.status_code in (301, 304, 307):
        return
    code = error_code(response.get_data(), response.headers.get("x-amzn-ErrorType"))
    if code is None:
        yield Problem("the error", "has no code")
        return
    for shape in operation.error_shapes:
        modelled = shape.metadata.get("error", {})
        if code in (modelled.get("code"), shape.name) and modelled.get("httpStatusCode", 0) not in (
            0,
            response.status_code,
        ):
            yield Problem(f"error {code}", f"has status {response.status_code}, not {modelled['httpStatusCode']}")
