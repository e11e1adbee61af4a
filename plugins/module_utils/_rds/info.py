# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which PostgreSQL versions RDS offers, and which of them an answer to "17" is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._rds import api
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.versions import resolve


def engine_versions(clients: Mapping[str, Any], params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    offers = api.get_offers(clients["rds"])
    chosen = resolve(offers, params["engine_version"], params["minimum_major"])
    shown = [
        {"engine_version": offer.version, "parameter_group_family": offer.family, "upgrade_targets": offer.targets}
        for offer in offers
    ]
    return {
        "changed": False,
        "engine_version": chosen.version,
        "parameter_group_family": chosen.family,
        "engine_versions": shown,
    }
