from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.grants import as_grants, compare_grants
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.versions import (
    compare_extensions,
    other_collations,
    outdated,
)

ROWS = [
    ["table", "public.t", "postgres", [["leser", "SELECT", False], ["app", "UPDATE", True]]],
    ["default privileges", "tables", "postgres", [["leser", "SELECT", False]]],
    ["database", "", "postgres", [["public", "CONNECT", False]]],
]
ROLES = {"postgres": "app", "leser": "reporting"}


def compared(rows: list[list], target: list[list], roles: dict[str, str], **which: bool) -> list[str]:
    return compare_grants(as_grants(rows, roles), as_grants(target, {}), **{"owners": True, "acl": True, **which})


def test_roles_are_renamed_and_owners_need_no_grant() -> None:
    target = [
        ["table", "public.t", "app", [["reporting", "SELECT", False]]],
        ["default privileges", "tables", "app", [["reporting", "SELECT", False]]],
        ["database", "", "rdsadmin", [["public", "CONNECT", False]]],
    ]
    assert compared(ROWS, target, ROLES) == []
    assert compared(ROWS, target, {"*": "app", "leser": "reporting"}) == []


def test_other_owners_and_privileges_are_named() -> None:
    target = [
        ["table", "public.t", "master", [["public", "SELECT", False]]],
        ["database", "", "x", [["public", "CONNECT", False]]],
    ]
    assert compared(ROWS, target, ROLES) == [
        "default privileges tables made by app: reporting lacks SELECT on the target",
        "table public.t should belong to app, on the target it belongs to master",
        "table public.t: reporting lacks SELECT on the target",
        "table public.t: public has, and not on the source, SELECT on the target",
    ]
    assert compared(ROWS, target, ROLES, acl=False) == [
        "table public.t should belong to app, on the target it belongs to master"
    ]


def test_what_one_side_lacks_is_told_elsewhere() -> None:
    assert compared(ROWS[:1], [], ROLES) == []


def test_versions() -> None:
    about = {"schema": "public", "version": "1"}
    assert compare_extensions({"a": about, "b": about}, {"a": {**about, "version": "2"}}) == (
        [],
        ["extension a is version 1 on the source, 2 on the target"],
    )
    assert outdated({"x": ("1", "1"), "y": ("1", "2"), "z": ("1", None)}) == [
        "y was recorded with version 1, now its library is 2: strings may be out of order"
    ]
    assert other_collations({"x": ("1", "1"), "y": ("1", "1")}, {"x": ("2", "2")}) == [
        "x is version 1 on the source, 2 on the target"
    ]
