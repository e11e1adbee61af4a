# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Kubernetes version a cluster gets. Pure: decides from what EKS offers and what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

WRITTEN = re.compile(r"1\.[0-9]{1,2}")
SUPPORT = {"STANDARD_SUPPORT": "standard", "EXTENDED_SUPPORT": "extended", "UNSUPPORTED": "none"}


@dataclass(frozen=True)
class Offer:
    """One minor version of Kubernetes, as EKS offers it today."""

    version: str
    support: str  # standard, extended or none
    default: bool = False
    standard_until: date | None = None
    extended_until: date | None = None


def offers_from(versions: Iterable[dict[str, Any]]) -> tuple[Offer, ...]:
    """Return the offers of a DescribeClusterVersions answer, newest first."""
    found = {
        Offer(
            version=item["clusterVersion"],
            support=SUPPORT.get(item.get("versionStatus") or item["status"].upper().replace("-", "_"), "none"),
            default=bool(item.get("defaultVersion")),
            standard_until=_day(item.get("endOfStandardSupportDate")),
            extended_until=_day(item.get("endOfExtendedSupportDate")),
        )
        for item in versions
        if item.get("clusterType", "eks") == "eks"
    }
    return tuple(sorted(found, key=lambda offer: ordered(offer.version), reverse=True))


def _day(moment: Any) -> date | None:
    return moment.date() if moment else None


def ordered(version: str) -> tuple[int, ...]:
    """Return the version as numbers that compare ("1.100" is newer than "1.99")."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def minor(version: str) -> int:
    return ordered(version)[1]


def resolve(offers: Sequence[Offer], asked: str, extended: bool) -> Offer:
    """Return the offer that a new cluster gets, or refuse with the nearest that is offered.

    "" is the newest in standard support: EKS's own default trails it by a version or two.
    """
    good = [offer for offer in offers if offer.support == "standard" or (extended and offer.support == "extended")]
    if not any(offer.support == "standard" for offer in good):
        raise ResourceError("this region offers no Kubernetes version; check the region and the permissions")
    if not asked:
        return next(offer for offer in good if offer.support == "standard")
    _refuse_unreadable(asked)
    chosen = next((offer for offer in offers if offer.version == asked), None)
    if chosen in good and chosen is not None:
        return chosen
    newer = [offer for offer in good if ordered(offer.version) >= ordered(asked)]
    near = (newer[-1] if newer else good[0]).version
    why = "is not offered by EKS (any more)"
    if chosen is not None and chosen.support == "extended":
        why = f"has left standard support{_since(chosen.standard_until)}; EKS bills extended support six times as high"
    listed = ", ".join(offer.version for offer in good)
    raise ResourceError(f"Kubernetes {asked} {why}; the nearest offered is {near} (offered: {listed})")


def target_for(offers: Sequence[Offer], running: str, asked: str, allow: bool, extended: bool) -> str:
    """Return the version that a running cluster should have; itself when that is what was asked for.

    "" never moves a running cluster: an upgrade is a decision, and EKS takes one minor version at a time.
    """
    if asked in ("", running):
        return running
    _refuse_unreadable(asked)
    if ordered(asked) < ordered(running):
        raise ResourceError(
            f"the cluster runs Kubernetes {running} and EKS does not go back to {asked}; ask for {running}, or make "
            "a second cluster and move the application there"
        )
    if minor(asked) > minor(running) + 1:
        following = f"1.{minor(running) + 1}"
        raise ResourceError(
            f"the cluster runs Kubernetes {running} and EKS upgrades one minor version at a time: ask for {following} "
            f"first (with its add-ons and nodes), then go on to {asked}"
        )
    if not allow:
        raise ResourceError(
            f"the cluster runs Kubernetes {running} and {asked} is asked for; an upgrade has no way back: rehearse "
            "it, then allow it with allow_version_upgrade"
        )
    return resolve(offers, asked, extended).version


def refuse_short_lived(offer: Offer, today: date, days: int) -> None:
    """Refuse to begin with what would have to be upgraded again at once. 0 days take any."""
    if days and offer.standard_until and (offer.standard_until - today).days < days:
        raise ResourceError(
            f"Kubernetes {offer.version} leaves standard support on {offer.standard_until.isoformat()}, in less than "
            f"{days} days; ask for a newer one, or for fewer minimum_support_days"
        )


def _refuse_unreadable(asked: str) -> None:
    if not WRITTEN.fullmatch(asked):
        raise ResourceError(f'{asked!r} is no Kubernetes version of EKS; write a minor version ("1.35") or nothing')


def _since(day: date | None) -> str:
    return f" (on {day.isoformat()})" if day else ""
