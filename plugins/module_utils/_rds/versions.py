# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PostgreSQL version an instance gets. Pure: decides from what AWS offers and what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

ENGINE = "postgres"
WRITTEN = re.compile(r"[0-9]+(\.[0-9]+)?(-R[0-9]+)?")


@dataclass(frozen=True)
class Offer:
    """One version that RDS offers, and what we need to know about it."""

    version: str
    family: str
    targets: tuple[str, ...] = ()
    log_types: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    certificate_restarts: bool = True


def offers_from(versions: Iterable[dict[str, Any]]) -> tuple[Offer, ...]:
    """Return the offers of a DescribeDBEngineVersions answer, newest first."""
    found = [
        Offer(
            version=item["EngineVersion"],
            family=item["DBParameterGroupFamily"],
            targets=tuple(target["EngineVersion"] for target in item.get("ValidUpgradeTarget") or ()),
            log_types=tuple(item.get("ExportableLogTypes") or ()),
            certificates=tuple(item.get("SupportedCACertificateIdentifiers") or ()),
            certificate_restarts=not item.get("SupportsCertificateRotationWithoutRestart", False),
        )
        for item in versions
        if item.get("Engine", ENGINE) == ENGINE and item.get("Status", "available") == "available"
    ]
    return tuple(sorted(found, key=lambda offer: ordered(offer.version), reverse=True))


def ordered(version: str) -> tuple[int, ...]:
    """Return the version as numbers that compare ("17.10" is newer than "17.9")."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def major(version: str) -> int:
    return ordered(version)[0] if ordered(version) else 0


def nearest(offers: Sequence[Offer], asked: str) -> str:
    """Return the offered version that comes closest: of the same major if there is one, else the next newer one."""
    if not offers:
        return ""
    same = [offer for offer in offers if major(offer.version) == major(asked)]
    if same:
        newer = [offer for offer in same if "." in asked and ordered(offer.version) >= ordered(asked)]
        return (newer[-1] if newer else same[0]).version
    newer = [offer for offer in offers if major(offer.version) > major(asked)]
    next_major = major(newer[-1].version) if newer else major(offers[0].version)
    return next(offer.version for offer in offers if major(offer.version) == next_major)


def resolve(offers: Sequence[Offer], asked: str, minimum_major: int = 0) -> Offer:
    """Return the offer that a new instance gets, or refuse with the nearest that is offered.

    "" is the newest of all, "17" the newest of that major, "17.9" exactly that one.
    """
    if not offers:
        raise ResourceError("this region offers no PostgreSQL version; check the region and the permissions")
    if asked and not WRITTEN.fullmatch(asked):
        raise ResourceError(
            f"{asked!r} is no PostgreSQL version; write a major (17), an exact version (17.9) or nothing"
        )
    chosen = next((offer for offer in offers if satisfies(offer.version, asked)), None)
    if chosen is None:
        raise ResourceError(
            f"RDS does not offer PostgreSQL {asked} (any more); the nearest offered is {nearest(offers, asked)}; "
            f"offered majors: {', '.join(str(number) for number in majors(offers))}"
        )
    too_old(chosen.version, minimum_major, offers)
    return chosen


def satisfies(version: str, asked: str) -> bool:
    """Return whether a version is what was asked for: anything, one of a major, or exactly it."""
    if not asked:
        return True
    return version == asked if "." in asked else major(version) == major(asked)


def majors(offers: Iterable[Offer]) -> list[int]:
    return sorted({major(offer.version) for offer in offers}, reverse=True)


def too_old(version: str, minimum_major: int, offers: Sequence[Offer], how: str = "") -> None:
    """Refuse a version older than the source's: a dump of a newer major cannot be restored into an older one."""
    if major(version) >= minimum_major:
        return
    fitting = [offer for offer in offers if major(offer.version) >= minimum_major]
    advice = "this region offers none that can take its data"
    if fitting:
        advice = f"the nearest that can take its data is {nearest(fitting, str(minimum_major))}{how}"
    raise ResourceError(f"PostgreSQL {version} is older than the source's major version {minimum_major}; {advice}")


def target_for(
    offers: Sequence[Offer], running: str, asked: str, minimum_major: int = 0, allow_major: bool = False
) -> str:
    """Return the version that a running instance should have; itself when that is what was asked for.

    "" never moves a running instance: a major upgrade is a decision, and minors come by themselves
    in the maintenance window (auto_minor_version_upgrade).
    """
    if satisfies(running, asked):
        too_old(running, minimum_major, offers, "; ask for it in engine_version")
        return running
    chosen = resolve(offers, asked, minimum_major).version
    if ordered(chosen) < ordered(running):
        raise ResourceError(
            f"the instance runs PostgreSQL {running} and RDS never goes back to {asked}; ask for {running} or "
            f"{major(running)}, or restore a snapshot into a new instance"
        )
    if major(chosen) > major(running) and not allow_major:
        raise ResourceError(
            f"PostgreSQL {running} to {chosen} is a major upgrade (downtime, no way back); "
            "allow it with allow_major_version_upgrade after a rehearsal on a restored snapshot"
        )
    return _reachable(offers, running, chosen)


def _reachable(offers: Sequence[Offer], running: str, chosen: str) -> str:
    """Refuse an upgrade for which RDS has no direct way. A retired version's ways are not listed: AWS decides then."""
    current = next((offer for offer in offers if offer.version == running), None)
    if current is None or chosen in current.targets:
        return chosen
    ways = sorted((way for way in current.targets if major(way) <= major(chosen)), key=ordered)
    step = f"upgrade to {ways[-1]} first" if ways else "RDS lists no upgrade of it"
    raise ResourceError(f"RDS cannot upgrade PostgreSQL {running} to {chosen} in one step; {step}")
