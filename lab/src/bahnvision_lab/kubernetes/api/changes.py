"""What a write changes, and refusals of it that do not depend on the kind's rules."""

from __future__ import annotations

from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.store import Object
from bahnvision_lab.kubernetes.status import ApiError, Problem, forbidden, qualified


def stale(resource: Resource, name: str) -> ApiError:
    what = qualified(resource.plural, resource.group)
    message = (f'Operation cannot be fulfilled on {what} "{name}": the object has been modified; please apply your '
               "changes to the latest version and try again")  # fmt: skip
    return ApiError(409, message, details={"name": name, "group": resource.group, "kind": resource.plural})


def another(resource: Resource, old: Object, uid: str) -> ApiError:
    """The object of that name is not the one that is meant."""
    return ApiError(
        409,
        f'Operation cannot be fulfilled on {qualified(resource.plural, resource.group)} "{old["name"]}": '
        f"StorageError: invalid object, Code: 4, Key: /registry/{resource.plural}/{old.get('namespace', '')}/"
        f"{old['name']}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['uid']}",
    )


def wrong_kind(resource: Resource, one: Object, is_known: bool) -> ApiError:
    if one["kind"] != resource.kind:
        told = f"{one['apiVersion']}, Kind={one['kind']}"
        message = (
            f'{one["kind"]} in version "{one["apiVersion"].rpartition("/")[2]}" cannot be '
            f"handled as a {resource.kind}: "
        )
        if is_known:
            version, inner = one["apiVersion"].rpartition("/")[2], resource.group.partition(".")[0] or "core"
            words = f"converting ({version}.{one['kind']}) to ({inner}.{resource.kind}): unknown conversion"
            return ApiError(400, message + words)
        words = f'no kind "{one["kind"]}" is registered for version "{told.partition(",")[0]}" in scheme '
        return ApiError(400, message + words + '"pkg/runtime/scheme.go:111"')
    return ApiError(
        400,
        f"the API version in the data ({one['apiVersion']}) does not match the expected API version "
        f"({resource.api_version})",
    )


def _bare(one: Object) -> Object:
    """Without what every write changes."""
    told = {
        key: value
        for key, value in one["metadata"].items()
        if key not in ("resourceVersion", "managedFields", "generation")
    }
    return {**one, "metadata": told}


def same(before: Object, one: Object) -> bool:
    def managers(told: Object) -> list[Object]:
        entries = told["metadata"].get("managedFields") or ()
        return [{key: value for key, value in entry.items() if key != "time"} for entry in entries]

    return _bare(before) == _bare(one) and managers(before) == managers(one)


def spec_changed(before: Object, one: Object) -> bool:
    keys = (before.keys() | one.keys()) - {"metadata", "status"}
    return any(before.get(key) != one.get(key) for key in keys)


def added_finalizers(one: Object, before: Object | None) -> list[Problem]:
    if before is None or not before["metadata"].get("deletionTimestamp"):
        return []
    added = set(one["metadata"].get("finalizers") or ()) - set(before["metadata"].get("finalizers") or ())
    if not added:
        return []
    told = "no new finalizers can be added if the object is being deleted, found new finalizers "
    listed = ", ".join(f'"{name}"' for name in sorted(added))
    return [forbidden("metadata.finalizers", f"{told}[]string{{{listed}}}")] * 2  # the real server finds it twice
