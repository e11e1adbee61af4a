"""Tags, by the ARN of what they are on."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.aws.elasticache.books import Books
from bahnvision_lab.aws.elasticache.names import invalid
from bahnvision_lab.aws.refusals import AwsError

MOST = 50
# Kind in the ARN -> (attribute of the books, error when it is not there, what it is called)
KINDS = {
    "replicationgroup": ("groups", "ReplicationGroupNotFoundFault", "ReplicationGroup"),
    "parametergroup": ("parameter_groups", "CacheParameterGroupNotFound", "CacheParameterGroup"),
    "subnetgroup": ("subnet_groups", "CacheSubnetGroupNotFoundFault", "CacheSubnetGroup"),
    "snapshot": ("snapshots", "SnapshotNotFoundFault", "Snapshot"),
    "user": ("users", "UserNotFound", "User"),
    "usergroup": ("user_groups", "UserGroupNotFound", "UserGroup"),
}


def require(books: Books, arn: str) -> None:
    """Refuse an ARN of another account or region, and one of something that does not exist."""
    prefix, kind, name = ([*arn.rsplit(":", 2), "", ""])[:3]
    ours = books.arn("", "").removesuffix("::")
    if prefix != ours or kind not in {*KINDS, "cluster"} or not name:
        raise AwsError("InvalidARN", f"The ARN {arn} is not valid.")
    if kind == "cluster":
        if not any(member.identifier == name for group in books.groups.values() for member in group.members):
            raise AwsError("CacheClusterNotFound", f"CacheCluster not found: {name}")
        return
    attribute, code, called = KINDS[kind]
    if name not in getattr(books, attribute):
        raise AwsError(code, f"{called} not found: {name}")


def read(tags: list[dict[str, str]] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in tags or []:
        key = tag.get("Key") or ""
        if not 1 <= len(key) <= 128 or key.lower().startswith("aws:"):
            raise invalid(f"Invalid tag key: {key!r}. It must have 1 to 128 characters and not begin with aws:.")
        if len(tag.get("Value") or "") > 256:
            raise invalid(f"Invalid value of tag {key}: more than 256 characters.")
        if key in found:
            raise invalid(f"Duplicate tag key: {key}")
        found[key] = tag.get("Value") or ""
    return found


def put(books: Books, arn: str, tags: list[dict[str, str]] | None) -> None:
    merged = {**books.tags.get(arn, {}), **read(tags)}
    if len(merged) > MOST:
        raise AwsError("TagQuotaPerResourceExceeded", f"A resource can have {MOST} tags at most.")
    books.tags[arn] = merged


def remove(books: Books, arn: str, keys: list[str]) -> None:
    kept = books.tags.get(arn, {})
    for key in keys:
        if key not in kept:
            raise AwsError("TagNotFound", f"The requested tag was not found on this resource: {key}")
    books.tags[arn] = {key: value for key, value in kept.items() if key not in keys}


def listed(books: Books, arn: str) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in sorted(books.tags.get(arn, {}).items())]
