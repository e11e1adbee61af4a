# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RDS would refuse, said before the first write. Pure; each check returns sentences, none when all is well."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import Offer
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.windows import window_problems

IDENTIFIER = re.compile(r"[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)")
SHORTEST = 30  # minutes of a window
STORAGE_FEATURES = {
    "multi_az": ("MultiAZCapable", "Multi-AZ"),
    "storage_encrypted": ("SupportsStorageEncryption", "encryption at rest"),
    "performance_insights": ("SupportsPerformanceInsights", "Performance Insights"),
    "max_allocated_storage": ("SupportsStorageAutoscaling", "storage autoscaling"),
    "monitoring_interval": ("SupportsEnhancedMonitoring", "Enhanced Monitoring"),
    "iops": ("SupportsIops", "IOPS of your choice"),
    "storage_throughput": ("SupportsStorageThroughput", "throughput of your choice"),
}
INSIGHTS_DAYS = (7, *(31 * months for months in range(1, 24)), 731)
GP3_STRIPES_FROM = 400  # GiB; below, gp3 of PostgreSQL has a fixed 3,000 IOPS and 125 MiB/s


def input_problems(want: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the wishes themselves, whatever exists."""
    return [*_names(want), *_backups(want), *_windows(want), *_storage(want), *_insights(want), *_restore(want)]


def _names(want: Mapping[str, Any]) -> Iterator[str]:
    if not IDENTIFIER.fullmatch(want["identifier"]):
        yield (
            f"identifier {want['identifier']!r} must be 1 to 63 lower-case letters, digits and single hyphens, "
            "begin with a letter and not end with a hyphen"
        )
    for option, longest in (("db_name", 63), ("master_username", 16)):
        value = want.get(option)
        if value and not re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]{{0,{longest - 1}}}", value):
            yield f"{option} {value!r} must be a letter and then letters, digits or _, at most {longest} in all"


def _backups(want: Mapping[str, Any]) -> Iterator[str]:
    days = want.get("backup_retention_period")
    if days == 0 and not want.get("allow_no_backups"):
        yield "backup_retention_period 0 gives up every backup and point in time; say so with allow_no_backups"
    if days is not None and not 0 <= days <= 35:
        yield f"backup_retention_period {days} must lie between 1 and 35 days"


def _windows(want: Mapping[str, Any]) -> Iterator[str]:
    return window_problems("backup_window", want.get("backup_window"), want.get("maintenance_window"), SHORTEST)


def _storage(want: Mapping[str, Any]) -> Iterator[str]:
    size, kind = want.get("allocated_storage"), want.get("storage_type")
    given = [option for option in ("iops", "storage_throughput") if want.get(option)]
    if given and kind == "gp3" and size and size < GP3_STRIPES_FROM:
        yield f"{' and '.join(given)} cannot be set on gp3 below {GP3_STRIPES_FROM} GiB; leave it out"
    if given and kind == "gp2":
        yield f"{' and '.join(given)} cannot be set on gp2; take gp3"
    if kind in ("io1", "io2") and not want.get("iops"):
        yield f"storage_type {kind} needs iops"


def _insights(want: Mapping[str, Any]) -> Iterator[str]:
    days = want.get("performance_insights_retention_period")
    if days and days not in INSIGHTS_DAYS:
        yield f"performance_insights_retention_period {days} must be 7, a multiple of 31 up to 713, or 731 days"
    if want.get("database_insights_mode") == "advanced" and not (
        want.get("performance_insights") and (want.get("performance_insights_retention_period") or 0) >= 465
    ):
        yield (
            "database_insights_mode advanced needs performance_insights true and "
            "performance_insights_retention_period 465 or more"
        )
    seconds = want.get("monitoring_interval")
    if seconds and not want.get("monitoring_role_arn"):
        yield "monitoring_interval needs monitoring_role_arn"


def _restore(want: Mapping[str, Any]) -> Iterator[str]:
    given = {name: value for name, value in (want.get("restore_from") or {}).items() if value}
    if not given:
        return
    if ("snapshot_identifier" in given) == ("instance_identifier" in given):
        yield "restore_from needs either snapshot_identifier or instance_identifier"
    elif "instance_identifier" in given and ("restore_time" in given) == ("latest" in given):
        yield "restore_from an instance needs either restore_time or latest"
    elif "snapshot_identifier" in given and len(given) > 1:
        yield "restore_from a snapshot takes no restore_time and no latest"
    if given.get("instance_identifier") == want["identifier"]:
        yield f"restore_from names the instance itself ({want['identifier']}); a restore makes a new one"


def growth_problem(size: int | None, limit: int | None) -> Iterator[str]:
    """Autoscaling needs room: RDS refuses a limit less than a tenth above the size."""
    if size and limit and limit * 10 < size * 11:
        yield f"max_allocated_storage {limit} must be at least 10 % above allocated_storage {size}, or 0 for no growth"


def version_problems(want: Mapping[str, Any], offer: Offer | None) -> Iterator[str]:
    """Check what depends on the version: log types and certificates. A retired version lists neither."""
    if offer is None:
        return
    unknown = sorted(set(want.get("enabled_cloudwatch_logs_exports") or ()) - set(offer.log_types))
    if unknown and offer.log_types:
        yield f"PostgreSQL {offer.version} exports no log {', '.join(unknown)}; it has {', '.join(offer.log_types)}"
    authority = want.get("ca_certificate_identifier")
    if authority and offer.certificates and authority not in offer.certificates:
        yield f"ca_certificate_identifier {authority} is not offered; offered are {', '.join(offer.certificates)}"


def class_problems(
    want: Mapping[str, Any], version: str, rows: Sequence[Mapping[str, Any]], classes: Sequence[str]
) -> Iterator[str]:
    """Check the class against what can be ordered: at all, with this storage, with these features."""
    name, kind = want["instance_class"], want["storage_type"]
    if not rows:
        close = difflib.get_close_matches(name, classes, n=3, cutoff=0.4) or list(classes[:3])
        advice = f"the nearest that can: {', '.join(close)}" if close else "no class can here"
        yield f"instance_class {name} cannot be ordered for PostgreSQL {version} in this region; {advice}"
        return
    fitting = [row for row in rows if row.get("StorageType") == kind]
    if not fitting:
        kinds = sorted({row["StorageType"] for row in rows if row.get("StorageType")})
        yield f"{name} cannot have storage_type {kind}; it can have {', '.join(kinds)}"
        return
    for option, (member, words) in STORAGE_FEATURES.items():
        if want.get(option) and not any(row.get(member) for row in fitting):
            yield f"{name} with {kind} has no {words} ({option})"
    yield from _sizes(want, fitting)


def _sizes(want: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    smallest = min((row.get("MinStorageSize") or 0 for row in rows), default=0)
    largest = max((row.get("MaxStorageSize") or 0 for row in rows), default=0)
    for option in ("allocated_storage", "max_allocated_storage"):
        size = want.get(option)
        if size and (size < smallest or (largest and size > largest)):
            yield f"{option} {size} must lie between {smallest} and {largest} GiB for {want['storage_type']}"
