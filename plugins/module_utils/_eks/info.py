# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS offers: versions of Kubernetes, and the add-ons that fit one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._eks import api
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.addon_plan import builds_from, choose
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.versions import (
    Offer,
    refuse_short_lived,
    resolve,
    target_for,
)


def cluster_versions(
    clients: Mapping[str, Any], params: Mapping[str, Any], _check_mode: bool, today: date | None = None
) -> dict[str, Any]:
    """Return the version that a cluster would get, all that are offered, and the add-ons that fit it."""
    eks, asked, running = clients["eks"], params["version"], params["running_version"]
    offers = api.get_offers(eks)
    extended = params["extended_support"]
    if running:
        version = target_for(offers, running, asked, params["allow_version_upgrade"], extended)
    else:
        version = resolve(offers, asked, extended).version
    if version != running:
        chosen = next(offer for offer in offers if offer.version == version)
        refuse_short_lived(chosen, today or datetime.now(UTC).date(), params["minimum_support_days"])
    return {
        "changed": False,
        "version": version,
        "cluster_versions": [_shown(offer) for offer in offers],
        "addon_versions": {name: _addon(eks, name, version) for name in params["addons"]},
    }


def _addon(eks: Any, name: str, kubernetes: str) -> str:
    builds = builds_from(api.get_addon_versions(eks, name, kubernetes), name, kubernetes)
    return choose(name, builds, "", "", kubernetes)


def _shown(offer: Offer) -> dict[str, Any]:
    return {
        "version": offer.version,
        "support": offer.support,
        "default": offer.default,
        "standard_support_until": offer.standard_until.isoformat() if offer.standard_until else "",
        "extended_support_until": offer.extended_until.isoformat() if offer.extended_until else "",
    }
