# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what a migration needs and what forbids it. Pure: no server, no clock, no files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import STANDALONE
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts

OLDEST_MAJOR = 12
# Session holders, the catalogue reader and the leaders of pg_dump and pg_restore.
SPARE_CONNECTIONS = 3
# What changes the outcome of a move. Raise the number when the same source would give another target.
OUTCOME = {"version": 1, "owner": "none", "acl": False, "comments": True, "large_objects": True}

Key = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """`fingerprint` names the source as it was planned from, `plan_hash` what is done with it."""

    fingerprint: str
    plan_hash: str
    identity: str
    schema_hash: str
    tables: tuple[dict, ...]
    objects: tuple[Key, ...]
    extensions: tuple[tuple[str, str], ...]
    large_objects: int
    blockers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    skipped: tuple[dict, ...] = field(default=())

    @property
    def bytes(self) -> int:
        return sum(table["bytes"] for table in self.tables)

    @property
    def summary(self) -> dict:
        kinds: dict[str, int] = {}
        for kind, _ident in self.objects:
            kinds[kind] = kinds.get(kind, 0) + 1
        return {
            "tables": len(self.tables),
            "rows_estimated": sum(table["rows"] for table in self.tables),
            "bytes": self.bytes,
            "objects": dict(sorted(kinds.items())),
            "extensions": [name for name, _schema in self.extensions],
            "large_objects": self.large_objects,
            "source_fingerprint": self.fingerprint,
            "plan_hash": self.plan_hash,
        }


def make_plan(source: Facts, target: Facts, jobs: int, free_bytes: int | None) -> Plan:
    """Compare the two sides. `free_bytes` is what the folder for the dump has left, None when none is needed."""
    tables = [table for table in source.tables if table.kind == "r"]
    identity = source_identity(source)
    schema_hash = hash_objects(source.objects)
    extensions = extensions_in_order(source)
    return Plan(
        fingerprint=_sha256([identity, schema_hash]),
        plan_hash=_sha256([OUTCOME, extensions, target.server["database"]]),
        identity=identity,
        schema_hash=schema_hash,
        tables=tuple({"name": t.ident, "oid": t.oid, "rows": t.rows, "bytes": t.bytes} for t in tables),
        objects=tuple(sorted(key for key in source.objects if key[0] in STANDALONE)),
        extensions=extensions,
        large_objects=source.server["large_objects"],
        blockers=tuple(
            _identity_blockers(source, target)
            + _ability_blockers(source, target, jobs)
            + _content_blockers(source, target)
            + _disk_blockers(sum(table.bytes for table in tables), free_bytes)
        ),
        warnings=tuple(_warnings(source, target)),
        skipped=tuple(_skipped(source)),
    )


def source_identity(facts: Facts) -> str:
    """Name a database cluster and the database in it, the same at every run."""
    server = facts.server
    cluster = server.get("system_identifier") or f"{server['address']}:{server['port']}"
    return f"{cluster}/{server['database']}"


def hash_objects(objects: dict[Key, str]) -> str:
    return _sha256(sorted([kind, ident, definition] for (kind, ident), definition in objects.items()))


def extensions_in_order(source: Facts) -> tuple[tuple[str, str], ...]:
    """Return (name, schema) in the order of creation: what depends on another was created later."""
    extensions = source.server["extensions"].items()
    return tuple((name, about["schema"]) for name, about in sorted(extensions, key=lambda item: item[1]["order"]))


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()


def same_database(source: Facts, target: Facts) -> bool:
    """Tell whether both sides are one database, or a replica of it."""
    ours, theirs = source.server, target.server
    if ours.get("system_identifier") and theirs.get("system_identifier"):
        keys: tuple[str, ...] = ("system_identifier", "database")
    else:
        keys = ("address", "port", "started", "database")
    return all(ours[key] == theirs[key] for key in keys)


def _identity_blockers(source: Facts, target: Facts) -> list[str]:
    ours, theirs = source.server, target.server
    if same_database(source, target):
        return [f"source and target are the same database: {ours['database']} of one server (or of its replica)"]
    blockers = []
    if target.major < source.major:
        blockers.append(
            f"the target is PostgreSQL {theirs['version_text']}, older than the source's {ours['version_text']}: "
            f"use a target of version {source.major} or newer"
        )
    for side, facts in (("source", source), ("target", target)):
        if facts.major < OLDEST_MAJOR:
            blockers.append(
                f"the {side} is PostgreSQL {facts.server['version_text']}: below {OLDEST_MAJOR} is not supported"
            )
    if ours["encoding"] != theirs["encoding"]:
        blockers.append(
            f"the source's encoding is {ours['encoding']}, the target's {theirs['encoding']}: "
            f"create the target database with ENCODING '{ours['encoding']}'"
        )
    return blockers


def _ability_blockers(source: Facts, target: Facts, jobs: int) -> list[str]:
    blockers = []
    needed = jobs + SPARE_CONNECTIONS
    for side, facts in (("source", source), ("target", target)):
        free = facts.server["free_connections"]
        if free < needed:
            blockers.append(
                f"the {side} has {free} free connections, {needed} are needed: raise max_connections or lower jobs"
            )
    if target.server["read_only"]:
        blockers.append("the target is read only (a replica, or default_transaction_read_only is on)")
    elif not target.server["may_create"]:
        user, database = target.server["user"], target.server["database"]
        blockers.append(f"{user} may not create objects in the target: make {user} the owner of database {database}")
    unreadable = [table.ident for table in source.tables if not table.readable]
    if unreadable:
        blockers.append(f"{source.server['user']} may not read on the source: {listed(unreadable)}")
    hidden = [table.ident for table in source.tables if table.hidden]
    if hidden:
        blockers.append(
            f"row security hides rows from {source.server['user']} on the source: {listed(hidden)}: "
            "use a role with BYPASSRLS"
        )
    if source.server["unreadable_large_objects"]:
        blockers.append(
            f"{source.server['user']} may not read {source.server['unreadable_large_objects']} large objects "
            "on the source: grant SELECT on them or use their owner"
        )
    return blockers


def _content_blockers(source: Facts, target: Facts) -> list[str]:
    blockers = []
    available, allowed = target.server["available"] or {}, target.server["allowed"]
    names = {name.strip() for name in allowed.split(",")}
    present = target.server["extensions"]
    missing = [name for name in source.server["extensions"] if name not in available and name not in present]
    if missing:
        blockers.append(
            f"the target does not offer the extension {listed(missing)}: "
            "drop it on the source or choose a target that has it"
        )
    forbidden = [] if "*" in names else sorted(set(source.server["extensions"]) - names - set(missing) - set(present))
    if forbidden:
        blockers.append(
            f"rds.allowed_extensions of the target does not name {listed(forbidden)}: add it in the parameter group"
        )
    roles = sorted(set(source.server["policy_roles"]) - set(target.server["roles"]))
    if roles:
        blockers.append(
            f"row-security policies of the source name roles that the target lacks: {listed(roles)}: create them there"
        )
    if source.server["superuser_only"] and not target.server["superuser"]:
        blockers.append(
            f"only a superuser can create these functions on the target: {listed(source.server['superuser_only'])}: "
            "drop them on the source or replace them by trusted ones"
        )
    return blockers


def _disk_blockers(needed: int, free: int | None) -> list[str]:
    if free is None or free >= needed:
        return []
    return [
        f"the folder for the dump has {free >> 20} MiB free, about {needed >> 20} MiB are needed: "
        "set workdir to a larger one"
    ]


def _warnings(source: Facts, target: Facts) -> list[str]:
    ours, theirs = source.server, target.server
    warnings = [
        f"{what}: {ours[key]} on the source, {theirs[key]} on the target; texts may sort or compare differently"
        for key, what in (
            ("collation", "collation differs"),
            ("ctype", "character classes differ"),
            ("provider", "locale provider differs"),
        )
        if _plain(ours[key]) != _plain(theirs[key])
    ]
    for name, about in sorted(ours["extensions"].items()):
        version = theirs["extensions"].get(name, {}).get("version") or (theirs["available"] or {}).get(name)
        if version and version != about["version"]:
            warnings.append(f"extension {name}: version {about['version']} on the source, {version} on the target")
    if ours["tablespaces"]:
        warnings.append(
            f"tablespaces {listed(ours['tablespaces'])}: their tables go to the target's default tablespace"
        )
    return warnings


def _plain(locale: str | None) -> str:
    return (locale or "").lower().replace("-", "")


def _skipped(source: Facts) -> list[dict]:
    """Name what is not moved, and why."""
    server = source.server
    reasons = {
        "publications": "logical replication is set up anew on the target",
        "subscriptions": "they would pull from another publisher twice",
        "event_triggers": "they need a superuser",
        "user_mappings": "they hold credentials and belong to roles",
    }
    skipped = [
        {"object": f"{key[:-1].replace('_', ' ')} {name}", "reason": why}
        for key, why in reasons.items()
        for name in server[key]
    ]
    if server["owners"]:
        skipped.append(
            {"object": f"ownership by {listed(server['owners'])}", "reason": "everything belongs to the target's user"}
        )
    if server["granted"]:
        skipped.append(
            {
                "object": "privileges (GRANT, default privileges)",
                "reason": "roles differ between the sides: grant them on the target",
            }
        )
    if server["security_labels"]:
        skipped.append({"object": "security labels", "reason": "label providers are not available"})
    if server["settings"]:
        skipped.append(
            {
                "object": f"settings of the database or its roles: {listed(server['settings'])}",
                "reason": "set them on the target",
            }
        )
    skipped += [
        {"object": f"invalid index {ident}", "reason": "pg_dump leaves it out: rebuild or drop it on the source"}
        for (kind, ident), text in sorted(source.objects.items())
        if kind == "index" and text.endswith(" INVALID") and "ON ONLY" not in text
    ]
    return skipped
