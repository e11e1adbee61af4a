# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of KMS, by the one name that every service tells."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call


def key_arn(kms: Any, key: str) -> str:
    """Return the ARN of a key given by alias or id: other services tell only ARNs."""
    if key.startswith("arn:") and ":key/" in key:
        return key
    found = call(kms, "describe_key", f"look up the KMS key {key}", KeyId=key)
    return found["KeyMetadata"]["Arn"] if found else key
