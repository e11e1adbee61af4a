# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS says of a proxy's target, in words, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# A role or a secret made a moment ago may be refused at first: so many looks in a row make it final.
FINAL_AFTER = 20


class Look(NamedTuple):
    """What one look showed."""

    proxy: Mapping[str, Any] | None
    targets: Sequence[Mapping[str, Any]]


def target_of(targets: Sequence[Mapping[str, Any]], instance: str) -> Mapping[str, Any]:
    """Return the target with that name (any, when none is named), or nothing."""
    return next((target for target in targets if not instance or target.get("RdsResourceId") == instance), {})


class Watch:
    """Judges one look after the other while a target becomes available."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params
        self.refusals = 0

    def done(self, look: Look) -> bool:
        settled = look.proxy is not None and look.proxy["Status"] == "available"
        return settled and self._health(look).get("State") == "AVAILABLE"

    def failed(self, look: Look) -> str | None:
        if look.proxy is None:
            return "the proxy has disappeared"
        if not self._health(look):
            return "it is not registered: somebody has deregistered it meanwhile, or registered another one"
        refused = self._health(look).get("Reason") == "AUTH_FAILURE"
        self.refusals = self.refusals + 1 if refused else 0
        if self.refusals < FINAL_AFTER:
            return None
        return f"{self.show(look)} ({self.refusals} looks in a row)"

    def show(self, look: Look) -> str:
        """Return the state, AWS's reason and description, and what to check."""
        proxy, health = look.proxy, self._health(look)
        reason = health.get("Reason", "")
        told = ", ".join(filter(None, (health.get("State", "not registered"), reason)))
        description = f" ({health['Description']})" if health.get("Description") else ""
        advice = f"; {self._advice(reason)}" if self._advice(reason) else ""
        return f"proxy {proxy['Status'] if proxy else 'gone'}, target {told}{description}{advice}"

    def _health(self, look: Look) -> Mapping[str, Any]:
        target = target_of(look.targets, self.params["db_instance_identifier"])
        found: Mapping[str, Any] = target.get("TargetHealth", {})
        return found

    def _advice(self, reason: str) -> str:
        instance, groups = self.params["db_instance_identifier"], ", ".join(self.params["vpc_security_group_ids"])
        secrets = ", ".join(entry["secret_arn"] for entry in self.params["auth"])
        return {
            "AUTH_FAILURE": (
                f"check that the role {self.params['role_arn']} trusts rds.amazonaws.com and may call "
                f"secretsmanager:GetSecretValue on {secrets} (and kms:Decrypt on a key of your own), that the secret "
                f"is JSON with username and password, and that {instance} accepts that login"
            ),
            "UNREACHABLE": (
                f"check that {instance} is available, that a security group of it allows its port from {groups}, and "
                f"that {groups} allows it outbound"
            ),
            "CONNECTION_FAILED": f"check the log of {instance} and its max_connections",
            "PENDING_PROXY_CAPACITY": (
                "RDS is still adding capacity, which takes minutes; if it lasts, check that the subnets have free "
                f"addresses and that {groups} allows the way out to Secrets Manager (port 443) and to {instance}"
            ),
        }.get(reason, "")
