# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One endpoint of DMS and the secret by which it logs in: read, plan, act."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._dms import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import refuse, refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import IDENTITY_SPEC, TAGS_SPEC, WAIT_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    apply,
    diff_tags,
    identity_tags,
    tags_to_list,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

KIND, SECRET = "dms_endpoint", "secret"
COMPONENT = "migration"
CONNECTION_SPEC: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5432},
    "database": {"type": "str", "required": True},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "sslmode": {"type": "str", "default": "require"},
    "sslrootcert": {"type": "str"},
    "connect_timeout": {"type": "int"},
}
ENDPOINT_SPEC: dict[str, dict[str, Any]] = {
    **IDENTITY_SPEC,
    **WAIT_SPEC,
    **TAGS_SPEC,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "endpoint_type": {"type": "str", "choices": ["source", "target"]},
    "connection": {"type": "dict", "options": CONNECTION_SPEC},
    "role_arn": {"type": "str"},
    "certificate_arn": {"type": "str", "default": ""},
}
# libpq's words: what DMS has no word for is the nearest that protects no less.
SSL_MODES = {"disable": "none", "allow": "none", "prefer": "none", "require": "require"}
VERIFYING = ("verify-ca", "verify-full")
# Seconds for one statement of DMS. Its own default, 60, ends the reading of a large table.
EXECUTE_TIMEOUT = 86400
# Only together on both sides; without it numbers are rounded. The API has no member for it.
EXTRA = "MapUnboundedNumericAsString=true"
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


@dataclass(frozen=True)
class Seen:
    """What AWS showed."""

    endpoint: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, Any] | None = None


def ensure_endpoint(clients: Mapping[str, Any], params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one endpoint and its secret to the wanted state."""
    dms, manager, name = clients["dms"], clients["secretsmanager"], params["name"]
    if not check_mode:
        _wait_while_deleting(dms, params)
    seen = look(dms, manager, name)
    plan = plan_absent(params, seen) if params["state"] == "absent" else plan_present(params, seen, not check_mode)
    result = apply(plan, lambda action: _execute(dms, manager, params, action), check_mode)
    if params["state"] == "absent":
        if not check_mode and params["wait"]:
            _wait_while_deleting(dms, params)
        return {**result, "endpoint": {}}
    return {**result, "endpoint": _facts(params, seen if check_mode else look(dms, manager, name))}


def look(dms: Any, manager: Any, name: str) -> Seen:
    endpoint = api.get_endpoint(dms, name)
    tags = api.get_tags(dms, endpoint["EndpointArn"]) if endpoint else {}
    return Seen(endpoint, tags, api.get_secret(manager, name))


def wanted_tags(want: Mapping[str, Any]) -> dict[str, str]:
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], COMPONENT)}


def wanted_secret(want: Mapping[str, Any]) -> dict[str, Any]:
    """Return what DMS reads in a secret for PostgreSQL."""
    side = want["connection"]
    return {"username": side["user"], "password": side["password"], "host": side["host"], "port": side["port"]}


def wanted_settings(want: Mapping[str, Any], secret_arn: str) -> dict[str, Any]:
    """Return PostgreSQLSettings as we send and compare them: nothing is changed on its way."""
    settings = {
        "DatabaseName": want["connection"]["database"],
        "SecretsManagerAccessRoleArn": want["role_arn"],
        "SecretsManagerSecretId": secret_arn,
        "ExecuteTimeout": EXECUTE_TIMEOUT,
        "MapBooleanAsBoolean": True,
    }
    if want["endpoint_type"] == "source":
        # A LOB that is cut off must fail, blanks stay, and nothing is to be made on the source to catch changes.
        settings |= {"FailTasksOnLobTruncation": True, "TrimSpaceInChar": False, "CaptureDdls": False}
    return settings


def ssl_mode(want: Mapping[str, Any]) -> str:
    """DMS verifies a server only by a certificate that was imported."""
    asked = want["connection"]["sslmode"]
    return SSL_MODES.get(asked, asked if want["certificate_arn"] else "require")


def plan_present(want: Mapping[str, Any], seen: Seen, complete: bool) -> Plan:
    """Return the steps to the wanted endpoint. Not `complete`: the role may be yet to come."""
    name = want["name"]
    _refuse_foreign(want, seen)
    refuse(f"cannot make {KIND} {name}", _problems(want, seen, complete))
    return Plan((*_secret_steps(want, seen), *_endpoint_steps(want, seen), *_tag_steps(want, seen)), _notes(want))


def plan_absent(want: Mapping[str, Any], seen: Seen) -> Plan:
    _refuse_foreign(want, seen)
    actions = []
    if seen.endpoint:
        arn = seen.endpoint["EndpointArn"]
        actions.append(Action("delete", KIND, want["name"], _shown(seen.endpoint), None, {"arn": arn}))
    if seen.secret:
        actions.append(Action("delete", SECRET, want["name"], {"arn": seen.secret["arn"]}, None))
    return Plan(tuple(actions))


def _refuse_foreign(want: Mapping[str, Any], seen: Seen) -> None:
    if seen.endpoint:
        refuse_foreign(f"{KIND} {want['name']}", seen.tags, want["app"], want["stage"])
    if seen.secret:
        refuse_foreign(f"{SECRET} {want['name']}", seen.secret["tags"], want["app"], want["stage"])


def _problems(want: Mapping[str, Any], seen: Seen, complete: bool) -> list[str]:
    problems = []
    if len(want["name"]) > 255 or not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", want["name"]):
        problems.append(f"name {want['name']!r}: letters, digits and single hyphens, a letter first and no hyphen last")
    if (want["role_arn"] or complete) and not ROLE.fullmatch(want["role_arn"]):
        problems.append(f"role_arn {want['role_arn']!r} is not the ARN of a role")
    if want["connection"]["sslmode"] not in {*SSL_MODES, *VERIFYING}:
        problems.append(f"sslmode {want['connection']['sslmode']!r} is none of {', '.join((*SSL_MODES, *VERIFYING))}")
    has = (seen.endpoint or {}).get("EndpointType", "").lower()
    if has and has != want["endpoint_type"]:
        problems.append(f"it is a {has} and cannot become a {want['endpoint_type']}: remove it first")
    if seen.secret and seen.secret["deleted"]:
        problems.append("its secret is marked for deletion: restore it, or delete it without recovery")
    return problems


def _secret_steps(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    """What a secret holds is never shown, only that it is another."""
    if seen.secret is None:
        yield Action("create", SECRET, want["name"], {}, {"content": "a copy of the connection's user and password"})
    elif seen.secret["content"] != wanted_secret(want):
        yield Action("modify", SECRET, want["name"], {"content": "another"}, {"content": "as the connection has it"})


def _endpoint_steps(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    after = {
        "ssl_mode": ssl_mode(want),
        "extra_connection_attributes": EXTRA,
        "certificate_arn": want["certificate_arn"],
    }
    after["settings"] = wanted_settings(want, (seen.secret or {}).get("arn", ""))
    if seen.endpoint is None:
        yield Action("create", KIND, want["name"], {}, {**after, "tags": wanted_tags(want)})
        return
    before = _shown(seen.endpoint)
    before["settings"] = {key: before["settings"].get(key) for key in after["settings"]}
    changed = {key: value for key, value in after.items() if before[key] != value}
    if changed:
        old = {key: before[key] for key in changed}
        yield Action("modify", KIND, want["name"], old, changed, {"arn": seen.endpoint["EndpointArn"]})


def _tag_steps(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    if seen.endpoint is None:
        return
    purge = want.get("tags") is not None and want["purge_tags"]
    to_set, to_remove = diff_tags(seen.tags, wanted_tags(want), purge)
    arn = seen.endpoint["EndpointArn"]
    if to_set:
        before = {key: seen.tags[key] for key in to_set if key in seen.tags}
        yield Action("tag", KIND, want["name"], {"tags": before}, {"tags": to_set}, {"arn": arn, "tags": to_set})
    if to_remove:
        gone = {key: seen.tags[key] for key in to_remove}
        yield Action("untag", KIND, want["name"], {"removed_tags": gone}, {}, {"arn": arn, "keys": to_remove})


def _shown(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ssl_mode": endpoint.get("SslMode", "none"),
        "extra_connection_attributes": endpoint.get("ExtraConnectionAttributes", ""),
        "certificate_arn": endpoint.get("CertificateArn", ""),
        "settings": dict(endpoint.get("PostgreSQLSettings") or {}),
    }


def _notes(want: Mapping[str, Any]) -> tuple[str, ...]:
    if want["connection"]["sslmode"] in VERIFYING and not want["certificate_arn"]:
        return (
            f"{KIND} {want['name']} encrypts and does not verify the server's certificate: import the authority's "
            "certificate into DMS and give certificate_arn",
        )
    if ssl_mode(want) == "none":
        return (f"{KIND} {want['name']} does not encrypt: its connection has sslmode {want['connection']['sslmode']}",)
    return ()


def _execute(dms: Any, manager: Any, want: Mapping[str, Any], action: Action) -> None:
    name, step = want["name"], (action.verb, action.kind)
    if step == ("create", SECRET):
        api.create_secret(manager, name, wanted_secret(want), wanted_tags(want))
    elif step == ("modify", SECRET):
        api.put_secret(manager, name, wanted_secret(want))
    elif step == ("delete", SECRET):
        api.delete_secret(manager, name)
    elif step == ("delete", KIND):
        api.delete_endpoint(dms, name, action.params["arn"])
    elif action.verb == "tag":
        api.add_tags(dms, action.params["arn"], action.params["tags"])
    elif action.verb == "untag":
        api.remove_tags(dms, action.params["arn"], action.params["keys"])
    else:
        _write_endpoint(dms, manager, want, action)


def _write_endpoint(dms: Any, manager: Any, want: Mapping[str, Any], action: Action) -> None:
    """The secret's ARN is known only now that the secret exists."""
    secret = api.get_secret(manager, want["name"])
    params = {
        "EndpointIdentifier": want["name"],
        "EndpointType": want["endpoint_type"],
        "EngineName": "postgres",
        "SslMode": ssl_mode(want),
        "ExtraConnectionAttributes": EXTRA,
        "PostgreSQLSettings": wanted_settings(want, secret["arn"] if secret else ""),
        **({"CertificateArn": want["certificate_arn"]} if want["certificate_arn"] else {}),
    }
    if action.verb == "create":
        api.create_endpoint(dms, {**params, "Tags": tags_to_list(wanted_tags(want))})
    else:
        api.modify_endpoint(dms, want["name"], {**params, "EndpointArn": action.params["arn"]})


def _wait_while_deleting(dms: Any, params: Mapping[str, Any]) -> None:
    wait_until(
        lambda: api.get_endpoint(dms, params["name"]),
        lambda endpoint: endpoint is None or endpoint.get("Status") != "deleting",
        f"the removal of {KIND} {params['name']}", timeout=params["wait_timeout"], pause=params["wait_pause"],
        show=lambda endpoint: endpoint["Status"] if endpoint else "no such endpoint",
    )  # fmt: skip


def _facts(params: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    endpoint = seen.endpoint or {}
    return {
        "name": params["name"],
        "arn": endpoint.get("EndpointArn", ""),
        "status": endpoint.get("Status", "planned"),
        "endpoint_type": params["endpoint_type"],
        "ssl_mode": endpoint.get("SslMode", ssl_mode(params)),
        "secret_arn": (seen.secret or {}).get("arn", ""),
        "tags": dict(seen.tags) or wanted_tags(params),
    }
