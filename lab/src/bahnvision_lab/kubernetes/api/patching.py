"""A change that a client describes: which form it has, and what it makes of an object."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from bahnvision_lab.kubernetes.api import patches, reading
from bahnvision_lab.kubernetes.api.requests import body_of
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.store import Object
from bahnvision_lab.kubernetes.api.writes import Options
from bahnvision_lab.kubernetes.objects.decoding import Strictness
from bahnvision_lab.kubernetes.status import ApiError

if TYPE_CHECKING:
    from bahnvision_lab.kubernetes.cluster import Cluster

PATCHES = {
    "application/json-patch+json": "json", "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic", "application/apply-patch+yaml": "apply",
}  # fmt: skip


def kind_of(resource: Resource, request: Request) -> str:
    """json, merge, strategic or apply; 415 for what is none, or not for this kind."""
    kind = PATCHES.get(request.mimetype, "")
    if not kind:
        raise ApiError(415, "415: Unsupported Media Type")
    if kind == "strategic" and resource.is_custom:
        told = ", ".join(one for one in PATCHES if "strategic" not in one)
        raise ApiError(415, f"the body of the request was in an unknown format - accepted media types include: {told}")
    return kind


def patched(
    cluster: Cluster, resource: Resource, before: Object, request: Request, options: Options, kind: str
) -> Object:
    """The object as the patch wants it, decoded."""
    strictness = Strictness()
    patch = body_of(request, cluster.protobuf, strictness)
    raw = _merged(kind, resource, reading.told(resource, before), patch)
    one = _fitting(cluster, resource, raw, options, strictness, kind)
    if not _names_version(kind, patch):
        one["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
    return one


def _fitting(
    cluster: Cluster, resource: Resource, one: Any, options: Options, strictness: Strictness, kind: str
) -> Object:
    """A patched object that is none any more is refused as the patch it was."""
    try:
        return cluster.writer.decoded(resource, one, options, strictness)
    except ApiError as problem:
        if kind == "strategic" or resource.is_custom or problem.code != 400:
            raise
        shown = json.dumps(json.dumps(one, separators=(",", ":")))
        told = problem.message.partition("cannot be handled as a ")[2].partition(": ")[2]
        causes = [{"reason": "FieldValueInvalid", "field": "patch", "message": told}]
        words = f' "" is invalid: patch: Invalid value: {shown}: {told}'
        raise ApiError(422, words, details={"causes": causes}) from None


def _merged(kind: str, resource: Resource, one: Object, patch: Any) -> Any:
    if kind == "json":
        return patches.json_patch(copy.deepcopy(one), patch)
    if not isinstance(patch, dict):
        what = "array" if isinstance(patch, list) else "string"
        words = f"json: cannot unmarshal {what} into Go value of type map[string]interface {{}}"
        raise ApiError(400, f"error decoding patch: {words}")
    if kind == "merge":
        return patches.merge_patch(one, patch)
    return patches.strategic(resource.shape, copy.deepcopy(one), patch)


def _names_version(kind: str, patch: Any) -> bool:
    """Whether a patch holds on to a version of its own."""
    if kind == "json":
        return any(str(step.get("path")) == "/metadata/resourceVersion" for step in patch)
    return bool((patch.get("metadata") or {}).get("resourceVersion"))
