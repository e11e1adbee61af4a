# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine versions ElastiCache offers, and which of them an answer to "8" is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache import api
from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.versions import resolve, supported


def engine_versions(clients: Mapping[str, Any], params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    offers, today = api.get_offers(clients["elasticache"]), datetime.now(UTC).date()
    chosen = resolve(offers, params["engine"], params["engine_version"], today)
    shown = [
        {
            "engine": offer.engine,
            "engine_version": offer.version,
            "parameter_group_family": offer.family,
            "standard_support": supported(offer, today),
        }
        for offer in offers
    ]
    return {
        "changed": False,
        "engine": chosen.engine,
        "engine_version": chosen.version,
        "parameter_group_family": chosen.family,
        "engine_versions": shown,
    }
