"""Does a single value have the type that the model gives it?"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any, NamedTuple

from moto.core.model import Shape

_INTEGER = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|NaN|-?Infinity")
_RFC822 = re.compile(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT")


class Problem(NamedTuple):
    """What is wrong, and where. Never a value that could be a secret."""

    path: str
    what: str


def text_problem(shape: Shape, text: str) -> str | None:
    """Say what is wrong with a value that came as text (XML, headers)."""
    kind = shape.type_name
    if kind in ("integer", "long"):
        return None if _INTEGER.fullmatch(text) else f"is no {kind}"
    if kind in ("float", "double"):
        return None if _FLOAT.fullmatch(text) else f"is no {kind}"
    if kind == "boolean":
        return None if text in ("true", "false") else "is neither true nor false"
    if kind == "timestamp":
        return None if _is_timestamp(shape, text) else "is no timestamp"
    if kind == "blob":
        return None if _is_base64(text) else "is not base64"
    return enum_problem(shape, text)


def enum_problem(shape: Shape, text: str) -> str | None:
    values = getattr(shape, "enum", None)
    return f"is {text!r}, which the model does not list" if values and text not in values else None


def json_problem(shape: Shape, value: Any) -> str | None:
    """Say what is wrong with a value that came as JSON or CBOR."""
    kind = shape.type_name
    if kind == "string":
        return enum_problem(shape, value) if isinstance(value, str) else _not(kind, value)
    if kind == "blob":
        fits = isinstance(value, bytes) or (isinstance(value, str) and _is_base64(value))
    elif kind == "boolean":
        fits = isinstance(value, bool)
    elif kind == "timestamp":
        fits = _is_json_timestamp(shape, value)
    elif kind in ("integer", "long"):
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    return None if fits else _not(kind, value)


def _not(kind: str, value: Any) -> str:
    return f"is a {type(value).__name__}, not a {kind}"


def _is_json_timestamp(shape: Shape, value: Any) -> bool:
    if shape.serialization.get("timestampFormat") in ("iso8601", "rfc822"):
        return isinstance(value, str) and _is_timestamp(shape, value)
    return isinstance(value, (int, float, datetime)) and not isinstance(value, bool)


def _is_timestamp(shape: Shape, text: str) -> bool:
    wanted = shape.serialization.get("timestampFormat")
    if wanted == "unixTimestamp":
        return bool(_FLOAT.fullmatch(text))
    if wanted == "rfc822" or shape.serialization.get("location") == "header":
        return bool(_RFC822.fullmatch(text))
    try:
        # A time without its zone would be read in the zone of the client.
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True
