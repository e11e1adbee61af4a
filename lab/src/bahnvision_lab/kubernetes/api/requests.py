"""What a request asks for: its path, its verb, its options."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import yaml
from werkzeug.wrappers import Request

from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.objects.decoding import Strictness, read_json
from bahnvision_lab.kubernetes.objects.protobuf import MAGIC, Protobuf
from bahnvision_lab.kubernetes.status import ApiError

VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
JSON_KINDS = ((list, "array"), (str, "string"), (bool, "bool"), ((int, float), "number"))
PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass
class Target:
    """Where a path of the API leads."""

    group: str = ""
    version: str = ""
    namespace: str = ""
    plural: str = ""
    name: str = ""
    part: str = ""
    rest: list[str] = field(default_factory=list)


def target_of(path: str) -> Target | None:
    """Read /api/v1/... and /apis/<group>/<version>/...; None for what is no resource."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2 and parts[0] == "api":
        told, left = Target("", parts[1]), parts[2:]
    elif len(parts) > 3 and parts[0] == "apis":
        told, left = Target(parts[1], parts[2]), parts[3:]
    else:
        return None
    if left[0] == "watch":
        raise ApiError(404, "the server could not find the requested resource")
    if left[0] == "namespaces" and len(left) > 2 and left[2] not in ("status", "finalize"):
        told.namespace, left = left[1], left[2:]
    told.plural = left[0]
    told.name = left[1] if len(left) > 1 else ""
    told.part = left[2] if len(left) > 2 else ""
    told.rest = left[3:]
    if told.plural == "namespaces":
        told.namespace = told.name
    return told


def verb_of(request: Request, target: Target) -> str:
    verb = VERBS.get(request.method, "")
    if verb == "get" and not target.name:
        return "watch" if flag(request, "watch") else "list"
    if verb == "delete" and not target.name:
        return "deletecollection"
    return verb


def flag(request: Request, name: str) -> bool:
    return request.args.get(name, "") in ("1", "true", "True", "t")


def number(request: Request, name: str, otherwise: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return otherwise
    if not text.isdigit():
        raise ApiError(400, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def body_of(request: Request, protobuf: Protobuf, strictness: Strictness) -> Any:
    """The object in the body, whichever of the API's formats it has. None when there is no body."""
    raw = request.get_data()
    if not raw:
        return None
    kind = request.mimetype
    if kind == PROTOBUF or raw.startswith(MAGIC):
        return protobuf.object(raw)
    try:
        if kind in ("application/yaml", "application/apply-patch+yaml"):
            return yaml.safe_load(raw)
        if kind in ("application/json", "", "text/plain") or kind.endswith("+json"):
            return read_json(raw, strictness)
    except (ValueError, yaml.YAMLError) as problem:
        raise ApiError(400, f"the object provided is unrecognized (must be of type {kind}): {problem}") from None
    raise ApiError(415, f"the body of the request was in an unknown format - accepted media types include: "
                        f"application/json, application/yaml, {PROTOBUF}")  # fmt: skip


def require_object(resource: Resource, body: Any, raw: bytes) -> None:
    """400 for a body that is no object, or a custom one that does not say of which kind it is."""
    words = ""
    if body is not None and not isinstance(body, dict):
        kind = next(name for of, name in JSON_KINDS if isinstance(body, of))
        struct = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
        words = (
            f"couldn't get version/kind; json parse error: json: cannot unmarshal {kind} into Go value of type {struct}"
        )
    elif resource.is_custom and not (body or {}).get("kind"):
        words = f"Object 'Kind' is missing in '{raw.decode(errors='replace')}'"
    if words:
        raise ApiError(
            400, f"the object provided is unrecognized (must be of type {resource.kind}): {words} ({_summary(raw)})"
        )


def _summary(raw: bytes) -> str:
    """What the real server shows of a body."""
    shown = raw[:30].decode(errors="replace") if raw.startswith(b"{") else raw[:30].hex()
    return (shown or "<empty>") + (" ..." if len(raw) > 30 else "")


def delete_choice(request: Request, protobuf: Protobuf) -> dict[str, Any]:
    """DeleteOptions from the body, else from the query."""
    body = body_of(request, protobuf, Strictness()) or {}
    choice = {key: body[key] for key in body if key not in ("kind", "apiVersion")}
    for key in ("propagationPolicy", "dryRun"):
        if request.args.get(key):
            choice.setdefault(key, request.args[key])
    if request.args.get("gracePeriodSeconds"):
        choice.setdefault("gracePeriodSeconds", number(request, "gracePeriodSeconds", 0))
    return choice


def manager_of(request: Request) -> str:
    """Who writes: the field manager that is named, else the first word of the client's name."""
    named = request.args.get("fieldManager", "")
    return named or request.headers.get("User-Agent", "unknown").split("/")[0][:128]


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
