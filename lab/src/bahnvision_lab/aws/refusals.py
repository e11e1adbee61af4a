"""Errors in the words and the wire format of AWS."""

from __future__ import annotations

from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel
from moto.core.request import determine_request_protocol
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from bahnvision_lab.aws.naming import Call

# botocore tries 500, 502, 503, 504 and 509 again; a missing operation stays missing.
NOT_RETRIED = 501


class AwsError(ServiceException):
    """An error that AWS itself would send; moto's dispatcher serializes it for the operation's protocol."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class LabLacks(NotImplementedError):
    """The lab would have to pretend: it says so instead."""


def error_response(call: Call, status: int, code: str, message: str, content_type: str = "") -> Response:
    """Return the error as the client of this service expects it."""
    if not call.model:
        return Response(f"{code}: {message}\n", status, content_type="text/plain")
    service = get_service_model(call.model)
    known = call.operation in service.operation_names
    operation = service.operation_model(call.operation) if known else OperationModel({}, service)
    try:
        protocol = determine_request_protocol(service, content_type)
    except NotImplementedError:
        protocol = str(service.protocol)
    serializer = get_serializer_class(str(service.service_name), protocol)(operation_model=operation)
    answer = serializer.serialize(AwsError(code, message))
    return Response(answer["body"], status, headers={**answer["headers"], "x-amzn-RequestId": "0" * 32})


def speaks_json(call: Call) -> bool:
    return bool(call.model) and "json" in str(get_service_model(call.model).protocol)


def not_implemented(call: Call, content_type: str, detail: str = "") -> Response:
    where = f"{call.service or 'unknown service'}:{call.operation or 'unknown operation'}"
    message = f"The lab has no {where}" + (f": {detail}" if detail else "")
    return error_response(call, NOT_RETRIED, "NotImplementedByLab", message, content_type)
