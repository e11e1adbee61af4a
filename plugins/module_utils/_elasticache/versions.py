# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine version a replication group gets. Pure: decides from what AWS offers and what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

WRITTEN = re.compile(r"[0-9]+(\.[0-9]+){0,2}")
NAMES = {"valkey": "Valkey", "redis": "Redis OSS"}
# ElastiCache's API does not tell until when a version has standard support; its release notes do.
SUPPORT_ENDS = {("redis", 4): date(2026, 1, 31), ("redis", 5): date(2026, 1, 31), ("redis", 6): date(2027, 1, 31)}
# Users with passwords of their own (RBAC) are there from this version on.
RBAC_FROM = {"valkey": (7, 2), "redis": (6,)}


@dataclass(frozen=True)
class Offer:
    """One version that ElastiCache offers, and the family of its parameter groups."""

    engine: str
    version: str
    family: str

    def __str__(self) -> str:
        return f"{NAMES[self.engine]} {self.version}"


def offers_from(versions: Iterable[dict[str, Any]]) -> tuple[Offer, ...]:
    """Return the offers of a DescribeCacheEngineVersions answer, newest first; no Memcached."""
    found = {
        Offer(item["Engine"], item["EngineVersion"], item["CacheParameterGroupFamily"])
        for item in versions
        if item["Engine"] in NAMES
    }
    return tuple(sorted(found, key=lambda offer: ordered(offer.version), reverse=True))


def ordered(version: str) -> tuple[int, ...]:
    """Return the version as numbers that compare ("8.10" is newer than "8.2")."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def satisfies(version: str, asked: str) -> bool:
    """Return whether a version is what was asked for: anything, one of "8", or one of "8.1"."""
    wanted = ordered(asked)
    return ordered(version)[: len(wanted)] == wanted


def supported(offer: Offer, today: date) -> bool:
    ends = SUPPORT_ENDS.get((offer.engine, ordered(offer.version)[0]))
    return ends is None or today <= ends


def family_of(offers: Sequence[Offer], engine: str, version: str) -> str:
    """Return the parameter group family of a version that may run with a patch ("8.0.1") or be retired."""
    for offer in offers:
        if offer.engine == engine and satisfies(version, offer.version):
            return offer.family
    return f"{engine}{ordered(version)[0]}" if ordered(version) else ""


def nearest(offers: Sequence[Offer], asked: str) -> Offer | None:
    """Return the offered version that comes closest: of the same major if there is one, else the next newer one."""
    same = [offer for offer in offers if ordered(offer.version)[0] == ordered(asked)[0]]
    newer = [offer for offer in same or offers if ordered(offer.version) >= ordered(asked)]
    return newer[-1] if newer else next(iter(same or offers), None)


def resolve(offers: Sequence[Offer], engine: str, asked: str, today: date) -> Offer:
    """Return the offer that a new group gets, or refuse with the nearest that is offered in standard support.

    "" is the newest of all, "8" the newest of that major, "8.1" exactly that one.
    """
    ours = [offer for offer in offers if offer.engine == engine]
    good = [offer for offer in ours if supported(offer, today) and ordered(offer.version) >= RBAC_FROM[engine]]
    if not good:
        raise ResourceError(f"this region offers no {NAMES[engine]} version; check the region and the permissions")
    if asked and not WRITTEN.fullmatch(asked):
        raise ResourceError(
            f"{asked!r} is no engine version; write a major (8), an exact version (8.1) or nothing, "
            "and the engine in engine (valkey or redis)"
        )
    chosen = next((offer for offer in good if satisfies(offer.version, asked)), None)
    if chosen is not None:
        return chosen
    close, others = nearest(good, asked), [offer for offer in offers if satisfies(offer.version, asked)]
    if any(offer.engine == engine for offer in others):
        why = f"{NAMES[engine]} {asked} is out of standard support or has no users of its own (RBAC)"
    elif others:
        why = f"{asked} is a version of {NAMES[others[0].engine]} and not of {NAMES[engine]}"
    else:
        why = f"ElastiCache does not offer {NAMES[engine]} {asked} (any more)"
    raise ResourceError(f"{why}; the nearest offered is {close}")


def target_for(
    offers: Sequence[Offer], running: tuple[str, str], engine: str, asked: str, allow_major: bool, today: date
) -> tuple[str, str]:
    """Return (engine, version) that a running group should have; what runs when that is what was asked for.

    "" never moves a running version: an upgrade is a decision, and patches come by themselves.
    """
    has_engine, has = running
    if engine == "redis" and has_engine == "valkey":
        raise ResourceError(
            f"the group runs Valkey {has} and ElastiCache never goes back to Redis OSS; ask for engine valkey, or "
            "restore a snapshot of the time before into a new group"
        )
    if engine == has_engine and satisfies(has, asked):
        return running
    chosen = resolve(offers, engine, asked, today)
    if ordered(chosen.version) < ordered(has)[: len(ordered(chosen.version))]:
        raise ResourceError(
            f"the group runs {NAMES[has_engine]} {has} and ElastiCache never goes back to {asked}; ask for what "
            "runs, or restore a snapshot of the time before into a new group"
        )
    crosses = engine != has_engine or ordered(chosen.version)[0] > ordered(has)[0]
    if crosses and not allow_major:
        raise ResourceError(
            f"{NAMES[has_engine]} {has} to {chosen} is a major upgrade with no way back; allow it with "
            "allow_major_version_upgrade after a rehearsal on a restored snapshot"
        )
    return engine, chosen.version
