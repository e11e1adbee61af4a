"""Kubernetes' own errors: the object Status that every client knows how to read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

REASONS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
    406: "NotAcceptable", 409: "Conflict", 410: "Expired", 413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError",
}  # fmt: skip
LACKS = 501  # the lab would have to pretend; no client tries it again


class ApiError(Exception):
    """A refusal, as the API server words it."""

    def __init__(self, code: int, message: str, reason: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or REASONS.get(code, "InternalError")
        self.details = details or {}
        self.warnings: list[str] = []  # of the same request

    def status(self) -> dict[str, Any]:
        return {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
            "reason": self.reason, **({"details": self.details} if self.details else {}), "code": self.code,
        }  # fmt: skip


def lacks(what: str) -> ApiError:
    return ApiError(LACKS, f"NotImplementedByLab: the lab's Kubernetes has no {what}", "NotImplementedByLab")


def qualified(name: str, group: str) -> str:
    return f"{name}.{group}" if group else name


def not_found(plural: str, group: str, name: str) -> ApiError:
    what = qualified(plural, group)
    return ApiError(404, f'{what} "{name}" not found', details={"name": name, "group": group, "kind": plural})


def no_resource() -> ApiError:
    return ApiError(404, "the server could not find the requested resource")


class NoPage(ApiError):
    """A path that leads nowhere, not even into a group of the API: answered in plain text."""

    def __init__(self) -> None:
        super().__init__(404, "404 page not found")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field."""

    field: str
    reason: str
    message: str

    def cause(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message, "field": self.field}


def required(field: str, detail: str = "") -> Problem:
    return Problem(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))


def invalid(field: str, value: Any, detail: str) -> Problem:
    return Problem(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}")


def unsupported(field: str, value: Any, known: Any) -> Problem:
    listed = ", ".join(f'"{one}"' for one in sorted(known))
    return Problem(field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {listed}")


def duplicate(field: str, value: Any) -> Problem:
    return Problem(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")


def forbidden(field: str, detail: str) -> Problem:
    return Problem(field, "FieldValueForbidden", f"Forbidden: {detail}")


def absent(field: str, value: Any) -> Problem:
    return Problem(field, "FieldValueNotFound", f"Not found: {shown(value)}")


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace('"', '\\"') + '"'
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def refused(kind: str, group: str, name: str, problems: list[Problem]) -> ApiError:
    """422 with every problem, in the order in which they were found."""
    told = list(dict.fromkeys(f"{one.field}: {one.message}" for one in problems))
    words = told[0] if len(told) == 1 else "[" + ", ".join(told) + "]"
    details = {"name": name, "group": group, "kind": kind, "causes": [one.cause() for one in problems]}
    return ApiError(422, f'{qualified(kind, group)} "{name}" is invalid: {words}', details=details)
