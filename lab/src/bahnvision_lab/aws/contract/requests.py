"""Hold every request against botocore's model, as the front of each AWS service does.

A client made from the model checks types and required members itself, but neither patterns nor lengths nor the
values of an enumeration: AWS refuses those before the service sees the request, moto mostly does not.
REST services are not checked: they take their parameters from many places and word their refusals themselves.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from moto.core.model import ListShape, MapShape, Shape, StructureShape
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from bahnvision_lab.aws.naming import Call
from bahnvision_lab.aws.refusals import error_response, speaks_json

PROTOCOLS = {"query", "ec2", "json"}
# The code of a refused parameter, where it is neither ValidationError (XML) nor ValidationException (JSON).
CODES = {
    "logs": "InvalidParameterException",
    "ecr": "InvalidParameterException",
    "sns": "InvalidParameter",
    "ec2": "InvalidParameterValue",
}
# Java's classes of characters that Python's expressions lack, as near as Python has them.
_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{P}": r"!-/:-@\[-`{-~", r"\p{M}": ""}


def refusal(call: Call, environ: dict[str, Any]) -> Response | None:
    """Return the answer to a request that does not fit the model; None when it does. The body is put back."""
    if not call.model:
        return None
    service = get_service_model(call.model)
    content_type = environ.get("CONTENT_TYPE", "")
    try:
        protocol = determine_request_protocol(service, content_type)
    except NotImplementedError:
        return None
    if call.operation not in service.operation_names or protocol not in PROTOCOLS:
        return None
    operation = service.operation_model(call.operation)
    if operation.input_shape is None:
        return None
    found = list(_violations(operation.input_shape, _parsed(operation, protocol, environ), ""))
    if not found:
        return None
    code = CODES.get(call.service) or ("ValidationException" if speaks_json(call) else "ValidationError")
    return error_response(call, 400, code, _message(call, found), content_type)


def _parsed(operation: Any, protocol: str, environ: dict[str, Any]) -> dict[str, Any]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    request = Request({**environ, "wsgi.input": io.BytesIO(body)})
    told = {
        "method": request.method,
        "values": request.values,
        "headers": request.headers,
        "body": body,
        "url_path": request.path,
        "url_params": {},
    }
    environ["wsgi.input"] = io.BytesIO(body)
    return PROTOCOL_PARSERS[protocol](operation).parse(told)


def _message(call: Call, found: list[str]) -> str:
    if call.service == "ec2":
        return found[0]
    errors = "validation error" if len(found) == 1 else "validation errors"
    return f"{len(found)} {errors} detected: " + "; ".join(found)


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _lengths(shape, value, path)
        for number, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        yield from _lengths(shape, value, path)
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.{key}.key")
            yield from _violations(shape.value, item, f"{path}.{key}.member")
    elif shape.type_name == "string":
        yield from _string(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _range(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = _join(path, name)
        if isinstance(value, dict) and value.get(name) is not None:
            yield from _violations(member, value[name], inner)
        elif name in shape.required_members:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _join(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _string(shape: Shape, value: str, path: str) -> Iterator[str]:
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        yield _failed(shape, value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
        return
    yield from _lengths(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compiled(pattern)) and not compiled.fullmatch(value):
        yield _failed(shape, value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _lengths(shape: Shape, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        yield _failed(shape, value, path, f"Member must have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        yield _failed(shape, value, path, f"Member must have length less than or equal to {high}")


def _range(shape: Shape, value: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _failed(shape, value, path, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _failed(shape, value, path, f"Member must have value less than or equal to {high}")


def _failed(shape: Shape, value: Any, path: str, constraint: str) -> str:
    shown = "" if shape.metadata.get("sensitive") else f" '{value}'"
    return f"Value{shown} at '{path}' failed to satisfy constraint: {constraint}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return the pattern as Java reads it; None for one that Python cannot read."""
    # \w and \d mean ASCII in Java; the classes by Unicode property do not.
    flags = re.UNICODE if r"\p{" in pattern else re.ASCII
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern, flags)
    except re.error:
        return None
