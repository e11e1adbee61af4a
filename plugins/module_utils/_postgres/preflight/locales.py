# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about locales and collations: texts must mean and sort the same on both sides. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    Case,
    Found,
    Rules,
)

_OTHER_ORDER = "texts may sort or compare differently"
_WHAT_TO_DO = "create the target database with the source's locale, or test queries that sort and compare texts"

rules = Rules()


@rules.add(
    "locale", ADVICE, f"Collation, character classes, provider or ICU locale differ: {_OTHER_ORDER}.", _WHAT_TO_DO
)
def _locale(case: Case) -> Iterator[Found]:
    for key, what in (
        ("collation", "collation differs"),
        ("ctype", "character classes differ"),
        ("provider", "locale provider differs"),
        ("locale", "ICU or builtin locale differs"),
    ):
        ours, theirs = case.source.server[key], case.target.server[key]
        if _plain(ours) != _plain(theirs):
            text = f"{what}: {ours} on the source, {theirs} on the target; {_OTHER_ORDER}"
            yield Found(f"database {case.target.server['database']}", text)


@rules.add(
    "collation-version", ADVICE, "The version of the same collation differs (another glibc or ICU). Indexes are built"
    " anew, so their order is right.",
    "test what depends on the order of texts: CHECK constraints, ORDER BY with LIMIT, range partitions",
)  # fmt: skip
def _version(case: Case) -> Iterator[Found]:
    ours, theirs = case.source.server, case.target.server
    same = all(_plain(ours[key]) == _plain(theirs[key]) for key in ("collation", "provider", "locale"))
    versions = ours["collation_version"], theirs["collation_version"]
    if same and None not in versions and versions[0] != versions[1]:
        text = f"version of collation {ours['collation']}: {versions[0]} on the source, {versions[1]} on the target"
        yield Found(f"database {theirs['database']}", text)


@rules.add(
    "collation-changed", ADVICE, "The source's operating system or ICU has changed its collations since the indexes"
    " were built: unique indexes may hide duplicates, which stop the build of the index on the target.",
    "REINDEX what sorts texts on the source, then ALTER DATABASE ... REFRESH COLLATION VERSION",
)  # fmt: skip
def _changed(case: Case) -> Iterator[Found]:
    ours = case.source.server
    then, now = ours["collation_version"], ours.get("collation_actual")
    if then and now and then != now:
        text = f"collation {ours['collation']} of the source was version {then} and is {now} now"
        yield Found(f"database {ours['database']}", text)


@rules.add(
    "collated-partitions", ADVICE, "Tables are partitioned by ranges of texts and the locales or their versions differ:"
    " rows may belong to other partitions.",
    "compare the tables by hash afterwards, and query them by their bounds",
)  # fmt: skip
def _partitions(case: Case) -> Iterator[Found]:
    keys = ("collation", "provider", "locale", "collation_version")
    if any(_plain(case.source.server[key]) != _plain(case.target.server[key]) for key in keys):
        for ident in case.source.server["collated_partitions"]:
            yield Found(f"table {ident}", f"{ident} is partitioned by ranges of texts, and the sides may order them"
                        " differently")  # fmt: skip


@rules.add(
    "collation-missing", BLOCKER, "Columns, indexes or types use collations that the target's operating system or ICU"
    " does not offer.",
    "change them on the source, or use a target that has them",
)  # fmt: skip
def _missing(case: Case) -> Iterator[Found]:
    missing = sorted(set(case.source.server["collations_used"]) - set(case.target.server["collations"]))
    if missing:
        yield Found(f"collation {listed(missing)}", f"the target does not have the collation {listed(missing)}")


def _plain(locale: str | None) -> str:
    return (locale or "").lower().replace("-", "")
