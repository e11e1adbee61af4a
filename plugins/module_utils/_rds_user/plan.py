# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done so that user, secret and database are as wanted. Pure: no boto3, no SQL sent, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import refuse, refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user import database
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.password import password_problem
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.secret import Secret
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    diff_tags,
    identity_tags,
    tags_to_list,
)

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
COMPONENT = "rds"
LOGIN = {"login": True, "createdb": False, "createrole": False, "inherit": True}
GROUP = {"login": False, "createdb": False, "createrole": False, "inherit": True}


@dataclass(frozen=True)
class Seen:
    """What was found. `state` is None while the database cannot be asked: it is yet to be made, or out of reach."""

    instance: Mapping[str, Any] | None
    secret: Secret | None
    state: Mapping[str, Any] | None = None
    logs_in: bool = False
    migrating: bool = False
    reachable: bool = True
    key: str = ""  # the ARN of the wanted key
    key_now: str = ""


def owner_of(want: Mapping[str, Any]) -> str:
    return want.get("owner") or f"{want['database']}_owner"


def input_problems(want: Mapping[str, Any]) -> Iterator[str]:
    """Return what is wrong with the wishes themselves, whatever exists."""
    yield from _name_problems(want)
    yield from _secret_problems(want)


def _name_problems(want: Mapping[str, Any]) -> Iterator[str]:
    for option, value in (("username", want["username"]), ("owner", owner_of(want))):
        if not NAME.fullmatch(value):
            yield f"{option} {value!r} must be 1 to 63 lower-case letters, digits or _, and not begin with a digit"
        if value.startswith(("pg_", "rds")) or value in ("postgres", "admin", "public", "none"):
            yield f"{option} {value!r} is a name that PostgreSQL or RDS keeps for itself"
    if want["username"] == owner_of(want):
        yield "username and owner must differ: the owner cannot log in"
    if want["connection_limit"] < -1:
        yield f"connection_limit {want['connection_limit']} must be -1 (none) or more"


def _secret_problems(want: Mapping[str, Any]) -> Iterator[str]:
    if not 0 <= want["rotate_after_days"] <= 1000:
        yield f"rotate_after_days {want['rotate_after_days']} must lie between 0 (never) and 1000"
    if want.get("rotation_lambda_arn") and want["rotate_after_days"] < 1:
        yield "rotation_lambda_arn needs rotate_after_days of 1 or more"
    if not 7 <= want["secret_recovery_days"] <= 30:
        yield f"secret_recovery_days {want['secret_recovery_days']} must lie between 7 and 30"
    problem = password_problem(want["password"]) if want.get("password") else ""
    if problem:
        yield problem


def content_of(want: Mapping[str, Any], instance: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the secret says besides the password, by the names that AWS's rotation and the proxy read."""
    endpoint = (instance or {}).get("Endpoint") or {}
    return {
        "engine": "postgres", "host": endpoint.get("Address", ""), "port": endpoint.get("Port", 0),
        "dbname": want["database"], "username": want["username"], "dbInstanceIdentifier": want["identifier"],
    }  # fmt: skip


def plan_present(want: Mapping[str, Any], seen: Seen, now: datetime) -> Plan:
    """Return the steps in their order, or raise one error that tells everything that is impossible."""
    refuse(f"cannot make database user {want['username']}", [*input_problems(want)])
    _refuse_strangers(want, seen)
    sql = () if seen.state is None and not seen.reachable else (*_roles(want, seen.state), *_ownership(want, seen))
    return Plan((*_secret(want, seen), *sql, *_password(want, seen, now)), tuple(_notes(want, seen)))


def _refuse_strangers(want: Mapping[str, Any], seen: Seen) -> None:
    if seen.secret is not None:
        refuse_foreign(f"secret {want['secret_name']}", seen.secret.tags, want["app"], want["stage"])
    state, mark = seen.state or {}, database.mark(want["app"], want["stage"])
    if want["username"] == state.get("master"):
        raise ResourceError(f"username {want['username']} is the master user; the application needs a role of its own")
    for kind, name in (("role", want["username"]), ("owner", owner_of(want))):
        found = state.get(kind)
        if found and found["comment"] != mark:
            raise ResourceError(
                f"database role {name} exists and is not ours; nothing was touched. Choose another name, or hand it "
                f"over: COMMENT ON ROLE {name} IS '{mark}'"
            )


def _secret(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    name, secret = want["secret_name"], seen.secret
    tags = {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], COMPONENT)}
    shown = {key: value for key, value in content_of(want, seen.instance).items() if key not in ("host", "port")}
    if secret is None:
        key = {"KmsKeyId": seen.key or want["secret_kms_key_id"]} if want.get("secret_kms_key_id") else {}
        params = {
            "Name": name,
            "Description": f"{want['username']} of {want['identifier']}",
            "Tags": tags_to_list(tags),
        }
        after = {**shown, **({"kms_key_id": key["KmsKeyId"]} if key else {}), "tags": tags}
        yield Action("create", "secret", name, {}, after, {**params, **key})
        yield from _function(want, Secret("", name, tags))
        return
    if secret.deleted:
        yield Action("restore", "secret", name, {"state": "to be deleted"}, {"state": "kept"})
    yield from _content(want, seen, secret)
    if seen.key and seen.key != seen.key_now:
        yield Action("rekey", "secret", name, {"kms_key_id": secret.key}, {"kms_key_id": seen.key}, {"key": seen.key})
    to_set, to_remove = diff_tags(secret.tags, tags, bool(want.get("purge_tags")) and want.get("tags") is not None)
    if to_set:
        had = {key: secret.tags[key] for key in to_set if key in secret.tags}
        yield Action("tag", "secret", name, {"tags": had}, {"tags": to_set}, {"tags": to_set})
    if to_remove:
        gone = {key: secret.tags[key] for key in to_remove}
        yield Action("untag", "secret", name, {"removed_tags": gone}, {}, {"keys": to_remove})
    yield from _function(want, secret)


def _content(want: Mapping[str, Any], seen: Seen, secret: Secret) -> Iterator[Action]:
    """The address may change (a restored copy), and a deleted secret's versions can only be read once it is kept."""
    if secret.deleted or seen.instance is None:
        return
    has, wanted = (secret.current.content if secret.current else {}), content_of(want, seen.instance)
    changed = {key: value for key, value in wanted.items() if has.get(key) != value}
    if changed and not secret.pending:
        before = {key: has[key] for key in changed if key in has}
        yield Action("modify", "secret", want["secret_name"], before, changed, {"content": wanted})


def _function(want: Mapping[str, Any], secret: Secret) -> Iterator[Action]:
    """A rotation function of the user's own is configured, or taken away; ours keeps its hands off meanwhile."""
    function, days = want.get("rotation_lambda_arn") or "", want["rotate_after_days"]
    before = {"rotation_lambda_arn": secret.rotated_by, "rotate_after_days": secret.rotated_after}
    if function and (secret.rotated_by != function or secret.rotated_after != days or want["rotate"]):
        after = {"rotation_lambda_arn": function, "rotate_after_days": days}
        params = {"function": function, "days": days, "now": want["rotate"]}
        yield Action("schedule", "rotation", want["secret_name"], before, after, params)
    elif secret.rotated_by and not function:
        yield Action("cancel", "rotation", want["secret_name"], before, {"rotation_lambda_arn": ""})


def _roles(want: Mapping[str, Any], state: Mapping[str, Any] | None) -> Iterator[Action]:
    """Yield the steps for the two roles; each carries its statements."""
    mark, has = database.mark(want["app"], want["stage"]), state or {}
    limit = {"connection_limit": want["connection_limit"]}
    for kind, name, wanted in (("owner", owner_of(want), GROUP), ("role", want["username"], {**LOGIN, **limit})):
        found = has.get(kind)
        if not found:
            yield Action(
                "create", "database_role", name, {}, dict(wanted), {"sql": database.create_role(name, wanted, mark)}
            )
            continue
        changed = {key: value for key, value in wanted.items() if found[key] != value}
        if changed:
            before = {key: found[key] for key in changed}
            statements = database.alter_role(name, changed)
            yield Action("modify", "database_role", name, before, changed, {"sql": statements})


def _ownership(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    owner, name, has = owner_of(want), want["database"], seen.state or {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    statements: list[str] = []
    if not has.get("master_member"):
        after["master_may_act_as_owner"] = True
        statements.append(JOIN_MASTER)
    steps: tuple[tuple[str, Any, list[str]], ...] = (
        ("member", True, database.join_group(owner, want["username"])),
        ("acts_as", owner, database.act_as(want["username"], name, owner)),
        ("database_owner", owner, database.own_database(name, owner)),
    )
    for key, wanted, sql in steps:
        if has.get(key) != wanted:
            before |= {key: has[key]} if has.get(key) else {}
            after[key] = wanted
            statements += sql
    objects = [] if seen.migrating else has.get("objects", [])
    if objects:
        names = [f"{kind} {ident}" for kind, ident in objects]
        before["objects_of_master"], after["objects_of_master"] = listed(names), ""
        statements += database.own_objects(objects, owner)
    if statements:
        yield Action("own", "database", name, before, after, {"sql": statements})


JOIN_MASTER = "join master"  # who that is, is known when the statement is sent


def _password(want: Mapping[str, Any], seen: Seen, now: datetime) -> Iterator[Action]:
    """Yield how the pair comes to work: set what the secret says, or rotate to a new password."""
    name, secret = want["username"], seen.secret
    if want.get("rotation_lambda_arn") and secret is not None and not secret.deleted:
        return
    if not seen.reachable:
        return
    reason = rotation_reason(want, secret, now)
    if reason:
        yield Action("rotate", "password", name, {}, {"rotated": reason})
    elif not seen.logs_in:
        yield Action("set", "password", name, {"logs_in": False}, {"logs_in": True})


def rotation_reason(want: Mapping[str, Any], secret: Secret | None, now: datetime) -> str:
    """Return why the password must change now, or ""."""
    if secret is None or secret.deleted or secret.current is None:
        return ""
    if secret.pending:
        return "a rotation was interrupted; it is completed"
    if want["rotate"]:
        return "asked for"
    if want.get("password") and secret.current.password != want["password"]:
        return "another password was given"
    if not secret.current.password or password_problem(secret.current.password):
        return "the secret holds no password that RDS takes"
    days = want["rotate_after_days"]
    if days and now - secret.current.created >= timedelta(days=days):
        return f"the password is older than {days} days"
    return ""


def _notes(want: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    if not seen.reachable:
        yield f"instance {want['identifier']} is out of reach from here: what its database needs cannot be foreseen"
    if seen.migrating:
        yield "a migration into the database has begun and not ended: the next run hands its objects over to the owner"


def plan_absent(want: Mapping[str, Any], seen: Seen) -> Plan:
    """Remove the role and, after the days of grace, the secret: both only when they are ours."""
    _refuse_strangers(want, seen)
    actions = []
    if seen.state and seen.state.get("role"):
        has = {key: seen.state["role"][key] for key in ("login", "connection_limit")}
        statements = database.drop_role(want["username"], owner_of(want), seen.state["master"])
        actions.append(Action("delete", "database_role", want["username"], has, None, {"sql": statements}))
    if seen.secret and not seen.secret.deleted:
        shown = {"username": want["username"], "dbInstanceIdentifier": want["identifier"]}
        actions.append(Action("delete", "secret", want["secret_name"], shown, None, {}))
    days = want["secret_recovery_days"]
    kept = f"secret {want['secret_name']} can be restored for {days} days" if seen.secret else ""
    return Plan(tuple(actions), (kept,) if actions and kept else ())
