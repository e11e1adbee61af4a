"""Answers in JSON (protocols json and rest-json) and CBOR, key by key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.parsers import RpcV2CBORParser
from moto.core.model import ListShape, MapShape, Shape, StructureShape

from bahnvision_lab.aws.contract.scalars import Problem, json_problem


def problems(shape: Shape | None, body: bytes, cbor: bool = False) -> Iterator[Problem]:
    """Compare the body with the shape of the output, or of its payload."""
    try:
        value = _decoded(body, cbor)
    except ValueError as problem:
        yield Problem("", f"is not readable: {problem}")
        return
    if shape is None:
        if value:
            yield Problem("", "has a body, and the model has no output")
        return
    yield from walk(shape, value, "")


def _decoded(body: bytes, cbor: bool) -> Any:
    if not body.strip():
        return {}
    if not cbor:
        return json.loads(body)
    parser = RpcV2CBORParser()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))


def walk(shape: Shape, value: Any, path: str) -> Iterator[Problem]:
    if getattr(shape, "is_document_type", False):
        return
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield Problem(path, f"is a {type(value).__name__}, not a list")
            return
        for item in value:
            yield from walk(shape.member, item, f"{path}[]")
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield Problem(path, f"is a {type(value).__name__}, not a map")
            return
        for key, item in value.items():
            yield from walk(shape.key, key, f"{path}{{key}}")
            yield from walk(shape.value, item, f"{path}{{}}")
    else:
        what = json_problem(shape, value)
        if what:
            yield Problem(path, what)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"is a {type(value).__name__}, not a structure")
        return
    members = {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
        if member.serialization.get("location") is None
    }
    for key, item in value.items():
        if key not in members:
            yield Problem(_join(path, key), "is not in the model")
        elif item is not None:  # null is how some services leave a member out; clients skip it
            yield from walk(members[key][1], item, _join(path, members[key][0]))
    for key, (name, _member) in members.items():
        if name in shape.required_members and value.get(key) is None:
            yield Problem(_join(path, name), "is required and missing")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
