# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what a migration needs and what forbids it. Pure: no server, no clock, no files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import STANDALONE
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    NOT_MOVED,
    Case,
    Finding,
    Request,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rules import check

# What changes the outcome of a move. Raise the number when the same source would give another target.
OUTCOME = {"version": 1, "owner": "none", "acl": False, "comments": True, "large_objects": True}

Key = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """`fingerprint` names the source as it was planned from, `plan_hash` what is done with it.

    `versions` are those of extensions that were asked for; `outcome` says in which options the plan is not the usual.
    """

    fingerprint: str
    plan_hash: str
    identity: str
    schema_hash: str
    tables: tuple[dict, ...]
    objects: tuple[Key, ...]
    extensions: tuple[tuple[str, str], ...]
    large_objects: int
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    outcome: Mapping[str, object] = field(default_factory=dict)

    def found(self, severity: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == severity]

    @property
    def blockers(self) -> tuple[str, ...]:
        return tuple(finding.text for finding in self.found(BLOCKER))

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(finding.text for finding in self.found(ADVICE))

    @property
    def skipped(self) -> tuple[dict, ...]:
        return tuple({"object": finding.object, "reason": finding.text} for finding in self.found(NOT_MOVED))

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
            "selection": dict(self.outcome),
        }


def make_plan(source: Facts, target: Facts, request: Request) -> Plan:
    """Compare the two sides."""
    tables = [table for table in source.tables if table.kind == "r"]
    identity = source_identity(source)
    schema_hash = hash_objects(source.objects)
    extensions = extensions_in_order(source)
    return Plan(
        fingerprint=_sha256([identity, schema_hash]),
        plan_hash=_sha256([OUTCOME | request.wish.outcome, extensions, target.server["database"]]),
        identity=identity,
        schema_hash=schema_hash,
        tables=tuple({"name": t.ident, "oid": t.oid, "rows": t.rows, "bytes": t.bytes} for t in tables),
        objects=tuple(sorted(key for key in source.objects if key[0] in STANDALONE)),
        extensions=extensions,
        large_objects=source.server["large_objects"],
        findings=check(Case(source, target, request)),
        versions={name: about["version"] for name, about in source.server["extensions"].items() if about.get("pinned")},
        outcome=request.wish.outcome,
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


def refusal(plan: Plan, result: dict) -> PostgresError:
    """Name everything that forbids the move at once."""
    return PostgresError("cannot migrate, nothing was touched: " + "; ".join(plan.blockers), result)
