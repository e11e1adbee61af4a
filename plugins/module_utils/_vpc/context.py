# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the execution of a plan knows: the id of every object that is there or has just been made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import read
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.read_endpoints import GONE, endpoint_states


class Context:
    """Clients, names to ids, and the waits."""

    def __init__(self, clients: Mapping[str, Any], network: Network, name: str, wait: Mapping[str, Any]) -> None:
        self.clients = clients
        self.ec2 = clients["ec2"]
        self.network = network
        self.name = name
        self.wait = wait
        self.ids: dict[tuple[str, str], str] = {}
        self.owner = network.vpc["owner"] if network.vpc else ""
        self.available = {nat["id"] for nat in network.nats if nat["state"] == "available"}
        own_endpoints = [item for item in network.of_type("Interface") if item["ours"] and item["state"] not in GONE]
        self.coming = [item["id"] for item in own_endpoints if item["state"] != "available"]
        self.going = [item["id"] for item in network.leaving]
        self._remember_all(own_endpoints)

    def _remember_all(self, own_endpoints: Sequence[Mapping[str, Any]]) -> None:
        network = self.network
        delivery = network.delivery
        for kind, items in (
            ("NAT gateway", [nat for nat in network.nats if nat["usable"]]),
            ("internet gateway", network.gateways),
            ("egress-only gateway", network.egress_gateways),
            ("elastic IP", network.addresses),
            ("subnet", network.subnets),
            ("route table", network.tables),
            ("S3 endpoint", network.of_type("Gateway")),
            ("interface endpoint", own_endpoints),
            ("security group", network.groups),
            ("flow log", network.flow_logs),
            ("log group", [delivery.log_group] if delivery.log_group else []),
            ("role", [delivery.role] if delivery.role else []),
        ):
            for item in items:
                if item["ours"]:
                    self.ids.setdefault((kind, item["name"]), item["id"])
        if network.vpc is not None:
            self.ids["VPC", self.name] = network.vpc["id"]
            if network.vpc["ipv6"]:
                self.ids["IPv6 range", self.name] = network.vpc["ipv6"]["cidr"]

    @property
    def vpc_id(self) -> str:
        return self.ids["VPC", self.name]

    def await_nat(self, nat_id: str, name: str, wanted: str) -> None:
        def failed(state: tuple[str, str]) -> str | None:
            over = ("failed", "deleted", "deleting") if wanted == "available" else ()
            return f"it is {state[0]} {state[1]}".rstrip() if state[0] in over else None

        wait_until(
            read=lambda: read.nat_states(self.ec2, [nat_id])[nat_id],
            done=lambda state: state[0] == wanted or (wanted == "deleted" and state[0] == "failed"),
            subject=f"NAT gateway {name} ({nat_id}), to be {wanted},",
            timeout=self.wait["wait_timeout"],
            pause=self.wait["wait_pause"],
            failed=failed,
            show=lambda state: " ".join(state).strip(),
        )

    def await_range(self, cidr: str, wanted: str = "associated") -> str:
        """Wait until the VPC has the range, or no longer; without one, until it has IPv6. Return the range."""

        def find() -> tuple[str, str]:
            ipv4, ipv6 = read.vpc_ranges(self.ec2, self.vpc_id)
            living = {key: state for key, state in ipv6.items() if state != "disassociated"}
            known = ipv4 if cidr else living
            key = cidr or next(iter(living), "")
            return key, known.get(key, "disassociated")

        return wait_until(
            read=find,
            done=lambda found: found[1] == wanted,
            subject=f"range {cidr or 'of IPv6'} of VPC {self.name}, to be {wanted},",
            timeout=self.wait["wait_timeout"],
            pause=self.wait["wait_pause"],
            failed=lambda found: f"it is {found[1]}" if found[1] in ("failing", "failed") else None,
            show=lambda found: " ".join(found).strip(),
        )[0]

    def await_endpoints(self, endpoint_ids: list[str], wanted: str) -> None:
        if not endpoint_ids:
            return

        def failed(states: Mapping[str, str]) -> str | None:
            wrong = [f"{key} is {state}" for key, state in states.items() if state in GONE and wanted == "available"]
            return ", ".join(wrong) or None

        wait_until(
            read=lambda: endpoint_states(self.ec2, endpoint_ids),
            done=lambda states: set(states.values()) == {wanted},
            subject=f"the endpoints of VPC {self.name}, to be {wanted},",
            timeout=self.wait["wait_timeout"],
            pause=self.wait["wait_pause"],
            failed=failed,
            show=lambda states: ", ".join(f"{key} {state}" for key, state in states.items() if state != wanted),
        )

    def settle(self) -> None:
        """Wait for the interfaces of endpoints that go: what they stand in or carry cannot go before them."""
        self.await_endpoints(self.going, "deleted")
        self.going = []
