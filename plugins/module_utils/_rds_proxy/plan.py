# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done so that a proxy is as wanted. Pure: no boto3, no AnsibleModule, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.seen import COMPONENT, refuse, refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_proxy.desired import (
    auth_entry,
    input_problems,
    wanted_pool,
    wanted_settings,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import (
    Action,
    Plan,
    diff_tags,
    identity_tags,
    tags_to_dict,
    tags_to_list,
)

KIND = "db_proxy"
POOL = "db_proxy_pool"
TARGET = "db_proxy_target"
DEFAULT_GROUP = "default"  # AWS makes one target group with each proxy, and allows no other
FAMILY = "POSTGRESQL"
MEMBERS = {
    "role_arn": "RoleArn",
    "auth": "Auth",
    "vpc_security_group_ids": "SecurityGroups",
    "require_tls": "RequireTLS",
    "idle_client_timeout": "IdleClientTimeout",
    "debug_logging": "DebugLogging",
}
POOL_MEMBERS = {
    "max_connections_percent": "MaxConnectionsPercent",
    "max_idle_connections_percent": "MaxIdleConnectionsPercent",
    "connection_borrow_timeout": "ConnectionBorrowTimeout",
    "init_query": "InitQuery",
}
# The pool of a proxy that has just been made.
NEW_POOL = {"MaxConnectionsPercent": 100, "MaxIdleConnectionsPercent": 50, "ConnectionBorrowTimeout": 120}


@dataclass(frozen=True)
class Seen:
    """What AWS showed: the proxy with its tags, pool and targets, and the instance that is yet to be registered."""

    proxy: Mapping[str, Any] | None
    pool: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[Mapping[str, Any], ...] = ()
    instance: Mapping[str, Any] | None = None

    @property
    def tags(self) -> dict[str, str]:
        return tags_to_dict((self.proxy or {}).get("TagList"))

    @property
    def status(self) -> str:
        return (self.proxy or {}).get("Status", "")

    def holds(self, instance: str) -> bool:
        return any(target.get("RdsResourceId") == instance for target in self.targets)


def wanted_tags(want: Mapping[str, Any]) -> dict[str, str]:
    return {**(want.get("tags") or {}), **identity_tags(want["app"], want["stage"], COMPONENT)}


def plan_present(want: Mapping[str, Any], seen: Seen, complete: bool) -> Plan:
    """Return the steps to the wanted proxy, or raise one error that tells everything that is impossible.

    In check mode (not `complete`) the plan may stand on roles, secrets and instances that are yet to be made.
    """
    subject = f"{KIND} {want['name']}"
    problems = input_problems(want, complete)
    if seen.proxy is None:
        problems += _target_problems(want, seen, complete)
        refuse(f"cannot create {subject}", problems)
        return Plan((*_creation(want), *_pooling(want, NEW_POOL), *_targeting(want, seen)), _notes(want, seen))
    refuse_foreign(subject, seen.tags, want["app"], want["stage"])
    problems += _fixed_problems(want, seen.proxy) + _target_problems(want, seen, complete)
    refuse(f"cannot change {subject}", problems)
    steps = (*_modification(want, seen), *_pooling(want, seen.pool), *_tagging(want, seen), *_targeting(want, seen))
    return Plan(steps, _notes(want, seen))


def plan_absent(want: Mapping[str, Any], seen: Seen) -> Plan:
    if seen.proxy is None or seen.status == "deleting":
        return Plan()
    name = want["name"]
    refuse_foreign(f"{KIND} {name}", seen.tags, want["app"], want["stage"])
    leaving = tuple(_deregistration(name, target) for target in seen.targets)
    gone = Action("delete", KIND, name, shown_settings(seen.proxy), None)
    return Plan((*leaving, gone))


def shown_settings(proxy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the proxy's settings in the words of the options."""
    auth = [
        {
            **auth_entry({
                "secret_arn": entry.get("SecretArn", ""),
                "iam_auth": entry.get("IAMAuth", "DISABLED"),
                "description": entry.get("Description"),
            }),
            **({"client_password_auth_type": entry["ClientPasswordAuthType"]}
               if entry.get("ClientPasswordAuthType") and entry.get("IAMAuth") != "REQUIRED" else {}),
        }
        for entry in proxy.get("Auth", [])
    ]  # fmt: skip
    return {
        "role_arn": proxy.get("RoleArn", ""),
        "auth": sorted(auth, key=lambda entry: entry["secret_arn"]),
        "vpc_security_group_ids": sorted(proxy.get("VpcSecurityGroupIds", [])),
        "require_tls": bool(proxy.get("RequireTLS")),
        "idle_client_timeout": proxy.get("IdleClientTimeout"),
        "debug_logging": bool(proxy.get("DebugLogging")),
    }


def shown_pool(pool: Mapping[str, Any]) -> dict[str, Any]:
    return {option: pool.get(member, "" if option == "init_query" else None) for option, member in POOL_MEMBERS.items()}


def _fixed_problems(want: Mapping[str, Any], proxy: Mapping[str, Any]) -> list[str]:
    """What no modification changes. A subnet that AWS has left out (no RDS Proxy in its zone) is no problem."""
    anew = "remove the proxy with state=absent and make it anew; clients reach it at a new address then"
    problems = []
    if proxy.get("EngineFamily") != FAMILY:
        problems.append(f"its engine family {proxy.get('EngineFamily')} cannot become {FAMILY}: {anew}")
    has, wanted = set(proxy.get("VpcSubnetIds", [])), set(want["vpc_subnet_ids"])
    if all(wanted) and has - wanted:
        problems.append(
            f"vpc_subnet_ids cannot change in place (it has {', '.join(sorted(has))}; wanted are "
            f"{', '.join(sorted(wanted))}): {anew}"
        )
    return problems


def _target_problems(want: Mapping[str, Any], seen: Seen, complete: bool) -> list[str]:
    name = want["db_instance_identifier"]
    if not name or seen.holds(name):
        return []
    if seen.instance is None:
        return [f"db_instance {name} does not exist: it must be made before it can be registered"] if complete else []
    home = (seen.instance.get("DBSubnetGroup") or {}).get("VpcId")
    own = (seen.proxy or {}).get("VpcId")
    if home and own and home != own:
        return [f"db_instance {name} is in {home}, the proxy is in {own}: they must be in the same VPC"]
    return []


def _creation(want: Mapping[str, Any]) -> Iterator[Action]:
    settings, tags = wanted_settings(want), wanted_tags(want)
    subnets = sorted(set(want["vpc_subnet_ids"]))
    params = {
        **_members(settings),
        "DBProxyName": want["name"],
        "EngineFamily": FAMILY,
        "VpcSubnetIds": subnets,
        "VpcSecurityGroupIds": settings["vpc_security_group_ids"],
        "Tags": tags_to_list(tags),
    }
    del params["SecurityGroups"]
    yield Action("create", KIND, want["name"], {}, {**settings, "vpc_subnet_ids": subnets, "tags": tags}, params)


def _members(settings: Mapping[str, Any]) -> dict[str, Any]:
    members = {MEMBERS[option]: value for option, value in settings.items()}
    if "auth" in settings:
        members["Auth"] = [_auth_member(entry) for entry in settings["auth"]]
    return members


def _auth_member(entry: Mapping[str, str]) -> dict[str, str]:
    members = {
        "AuthScheme": "SECRETS",
        "SecretArn": entry["secret_arn"],
        "IAMAuth": entry["iam_auth"],
        "Description": entry["description"],
        "ClientPasswordAuthType": entry["client_password_auth_type"],
    }
    return {name: value for name, value in members.items() if value}


def _modification(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    before, wanted = shown_settings(seen.proxy or {}), wanted_settings(want)
    changed = {option: value for option, value in wanted.items() if before[option] != value}
    if changed:
        old = {option: before[option] for option in changed}
        yield Action("modify", KIND, want["name"], old, changed, _members(changed))


def _pooling(want: Mapping[str, Any], pool: Mapping[str, Any]) -> Iterator[Action]:
    before, wanted = shown_pool(pool), wanted_pool(want)
    changed = {option: value for option, value in wanted.items() if before[option] != value}
    if not changed:
        return
    # The two shares go together: RDS derives the one from the other when it is left out.
    sent = {option: wanted[option] for option in wanted if option in changed or option.endswith("_percent")}
    old = {option: before[option] for option in changed}
    params = {POOL_MEMBERS[option]: value for option, value in sent.items()}
    yield Action("modify", POOL, want["name"], old, changed, params)


def _tagging(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    has, arn = seen.tags, (seen.proxy or {})["DBProxyArn"]
    to_set, to_remove = diff_tags(has, wanted_tags(want), want.get("tags") is not None and want["purge_tags"])
    if to_set:
        before = {key: has[key] for key in to_set if key in has}
        yield Action("tag", KIND, want["name"], {"tags": before}, {"tags": to_set}, {"arn": arn, "tags": to_set})
    if to_remove:
        gone = {key: has[key] for key in to_remove}
        yield Action("untag", KIND, want["name"], {"removed_tags": gone}, {}, {"arn": arn, "keys": to_remove})


def _targeting(want: Mapping[str, Any], seen: Seen) -> Iterator[Action]:
    """A target group takes one target: the old one leaves before the new one comes."""
    wanted = want["db_instance_identifier"]
    for target in seen.targets:
        if target.get("RdsResourceId") != wanted:
            yield _deregistration(want["name"], target)
    if not seen.holds(wanted):
        yield Action("register", TARGET, want["name"], {}, {"target": wanted}, {"instance": wanted})


def _deregistration(proxy: str, target: Mapping[str, Any]) -> Action:
    name, cluster = target.get("RdsResourceId", ""), target.get("TrackedClusterId")
    params = {"DBClusterIdentifiers": [cluster]} if cluster else {"DBInstanceIdentifiers": [name]}
    return Action("deregister", TARGET, proxy, {"target": cluster or name}, {}, params)


def _notes(want: Mapping[str, Any], seen: Seen) -> tuple[str, ...]:
    notes = []
    wanted = want["db_instance_identifier"]
    unused = sorted(set(filter(None, want["vpc_subnet_ids"])) - set((seen.proxy or {}).get("VpcSubnetIds", [])))
    if seen.proxy is not None and unused:
        notes.append(
            f"db_proxy {want['name']} does not use {', '.join(unused)}: AWS leaves out subnets of zones without RDS "
            "Proxy, and takes in none later; if the zone has it, remove the proxy and make it anew"
        )
    others = [target.get("RdsResourceId", "") for target in seen.targets if target.get("RdsResourceId") != wanted]
    if others and not seen.holds(wanted):
        notes.append(
            f"the target changes from {', '.join(others)} to {wanted}: until the new one is available, clients of "
            f"db_proxy {want['name']} wait or fail"
        )
    return tuple(notes)
