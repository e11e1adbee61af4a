# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules. pg_migrate_preflight shows what they find, pg_migrate asks them before its first write. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight import (
    choice,
    content,
    dms,
    extensions,
    locales,
    logical,
    rights,
    servers,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.estimate import size
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    NOT_MOVED,
    Case,
    Finding,
    Rule,
)

RULES: tuple[Rule, ...] = tuple(
    rule for room in (servers, locales, rights, choice, extensions, content, logical, dms) for rule in room.rules.all
)
# How a finding looks in a report.
RESULTS = {BLOCKER: "fail", ADVICE: "warn", NOT_MOVED: "info"}


def check(case: Case) -> tuple[Finding, ...]:
    return tuple(
        Finding(rule.id, rule.severity, found.object, found.text, found.todo or rule.todo)
        for rule in RULES
        if rule.asked(case)
        for found in rule.check(case)
    )


def verdicts(case: Case, findings: Iterable[Finding]) -> list[dict]:
    """Return what became of every rule: silence is a result too, and not the same as not having been asked."""
    spoken: dict[str, list[Finding]] = {}
    for finding in findings:
        spoken.setdefault(finding.rule, []).append(finding)
    return [
        {
            "rule": rule.id,
            "result": RESULTS[rule.severity] if rule.id in spoken else "pass" if rule.asked(case) else "skip",
            "severity": rule.severity,
            "finds": rule.finds,
            "todo": rule.todo,
            "findings": [finding.result for finding in spoken.get(rule.id, [])],
        }
        for rule in RULES
    ]


def not_checked(case: Case) -> list[str]:
    """Say what nobody has looked at, so that silence is not taken for an answer."""
    said = [
        "duplicate rows under a unique index and rows without their foreign key's parent, which only a damaged source"
        " holds: building the index or the constraint on the target finds them",
        "the collations that user-defined collations of the source need",
    ]
    if case.request.target_storage is None:
        said.append(
            f"free storage of the target, which PostgreSQL does not tell: about {size(case.estimate.storage)} are"
            " needed (set target_storage_gb to have it checked)"
        )
    if case.request.method == "dms":
        said.append(
            "values that the types of AWS DMS cannot hold (dates of infinity or BC, NaN): the comparison of contents"
            " after the move finds them"
        )
    for side, facts in case.sides:
        if not facts.server["sees_activity"]:
            said.append(f"long transactions of other roles on the {side}: {facts.server['user']} may not see them")
    unknown = extensions.unknown_preload(case)
    if unknown:
        user = case.target.server["user"]
        said.append(f"shared_preload_libraries of the target, which {user} may not read, for {', '.join(unknown)}")
    return said


def table_of_rules() -> list[str]:
    """Return the rows of the documentation's table."""
    return [f"| `{rule.id}` | {rule.severity} | {rule.finds} | {rule.todo or '-'} |" for rule in RULES]
