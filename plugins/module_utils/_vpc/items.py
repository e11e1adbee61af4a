# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An object of AWS in our words: id, name, tags, and whether it is ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import tags_to_dict


def item_of(entry: Mapping[str, Any], key: str, identity: Mapping[str, str]) -> dict[str, Any]:
    tags = tags_to_dict(entry.get("Tags"))
    return {
        "id": entry[key],
        "name": tags.get("Name", ""),
        "tags": {name: value for name, value in tags.items() if not name.startswith("aws:")},
        "ours": identity.items() <= tags.items(),
    }
