# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out the steps of a plan: turn names into ids, make the calls, wait where AWS demands it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import api, read
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Network

ROUTE_TARGETS = {"internet gateway": "GatewayId", "NAT gateway": "NatGatewayId"}


class Executor:
    """Knows the id of every object that is there or has just been made."""

    def __init__(self, ec2: Any, network: Network, name: str, wait: dict[str, Any]) -> None:
        self.ec2 = ec2
        self.network = network
        self.name = name
        self.wait = wait
        self.ids: dict[tuple[str, str], str] = {}
        self.available = {nat["id"] for nat in network.nats if nat["state"] == "available"}
        self._remember("NAT gateway", [nat for nat in network.nats if nat["usable"]])
        self._remember("internet gateway", network.gateways)
        self._remember("elastic IP", network.addresses)
        self._remember("subnet", network.subnets)
        self._remember("route table", network.tables)
        self._remember("S3 endpoint", network.endpoints)
        if network.vpc is not None:
            self.ids["VPC", name] = network.vpc["id"]

    def __call__(self, action: Action) -> None:
        steps: dict[tuple[str, str], Callable[[Action], None]] = {
            ("create", "VPC"): self._create_vpc,
            ("change", "VPC"): self._change_vpc,
            ("create", "internet gateway"): self._create_gateway,
            ("attach", "internet gateway"): self._attach_gateway,
            ("create", "subnet"): self._create_subnet,
            ("associate", "subnet"): self._associate,
            ("create", "route table"): self._create_table,
            ("route", "route table"): self._route,
            ("unroute", "route table"): lambda step: api.delete_default_route(self.ec2, step.name, step.params["id"]),
            ("create", "elastic IP"): self._allocate,
            ("create", "NAT gateway"): self._create_nat,
            ("create", "S3 endpoint"): self._create_endpoint,
            ("change", "S3 endpoint"): self._change_endpoint,
            ("delete", "NAT gateway"): self._delete_nat,
            ("delete", "elastic IP"): self._release,
            ("delete", "S3 endpoint"): self._delete_endpoint,
            ("delete", "route table"): self._delete_table,
            ("delete", "internet gateway"): self._delete_gateway,
            ("delete", "subnet"): lambda step: api.delete_subnet(self.ec2, step.name, step.params["item"]["id"]),
            ("delete", "VPC"): lambda step: api.delete_vpc(self.ec2, step.name, step.params["item"]["id"]),
        }
        if action.verb == "tag":
            self._tag(action)
        else:
            steps[action.verb, action.kind](action)

    def _remember(self, kind: str, items: Sequence[Any]) -> None:
        for item in items:
            if item["ours"]:
                self.ids.setdefault((kind, item["name"]), item["id"])

    @property
    def vpc_id(self) -> str:
        return self.ids["VPC", self.name]

    def _tag(self, action: Action) -> None:
        if action.params["set"]:
            api.set_tags(self.ec2, f"{action.kind} {action.name}", action.params["id"], action.params["set"])
        if action.params["remove"]:
            api.remove_tags(self.ec2, f"{action.kind} {action.name}", action.params["id"], action.params["remove"])

    def _create_vpc(self, action: Action) -> None:
        self.ids["VPC", self.name] = api.create_vpc(self.ec2, action.name, action.params["cidr"], action.params["tags"])

    def _change_vpc(self, action: Action) -> None:
        api.set_dns(self.ec2, action.name, self.vpc_id, action.params["attribute"], action.params["value"])

    def _create_gateway(self, action: Action) -> None:
        self.ids[action.kind, action.name] = api.create_gateway(self.ec2, action.name, action.params["tags"])

    def _attach_gateway(self, action: Action) -> None:
        api.attach_gateway(self.ec2, action.name, self.ids[action.kind, action.name], self.vpc_id)

    def _create_subnet(self, action: Action) -> None:
        self.ids[action.kind, action.name] = api.create_subnet(
            self.ec2, action.name, self.vpc_id, action.params["cidr"], action.params["zone"], action.params["tags"]
        )

    def _create_table(self, action: Action) -> None:
        self.ids[action.kind, action.name] = api.create_table(
            self.ec2, action.name, self.vpc_id, action.params["tags"]
        )  # fmt: skip

    def _associate(self, action: Action) -> None:
        table_id = self.ids["route table", action.params["table"]]
        api.associate(self.ec2, action.name, self.ids["subnet", action.name], table_id, action.params["link"])

    def _route(self, action: Action) -> None:
        kind = action.params["exit"]
        target = self.ids[kind, action.params["target"]]
        if kind == "NAT gateway" and self.wait["wait"] and target not in self.available:
            self._await_nat(target, action.params["target"], "available")
            self.available.add(target)
        api.set_default_route(
            self.ec2, action.name, self.ids["route table", action.name], {ROUTE_TARGETS[kind]: target},
            action.params["replace"],
        )  # fmt: skip

    def _allocate(self, action: Action) -> None:
        self.ids[action.kind, action.name] = api.allocate_address(self.ec2, action.name, action.params["tags"])

    def _create_nat(self, action: Action) -> None:
        allocation = self.ids["elastic IP", action.params["address"]]
        for nat in self.network.nats:
            # A gateway on its way out still holds the address.
            if nat["state"] == "deleting" and allocation in nat["allocation_ids"]:
                self._await_nat(nat["id"], nat["name"], "deleted")
        subnet_id = self.ids["subnet", action.params["subnet"]]
        self.ids[action.kind, action.name] = api.create_nat(
            self.ec2, action.name, subnet_id, allocation, action.params["tags"]
        )

    def _create_endpoint(self, action: Action) -> None:
        tables = [self.ids["route table", name] for name in action.params["tables"]]
        self.ids[action.kind, action.name] = api.create_s3_endpoint(
            self.ec2, action.name, self.vpc_id, action.params["service"], tables, action.params["tags"]
        )

    def _change_endpoint(self, action: Action) -> None:
        add = [self.ids["route table", name] for name in action.params["add"]]
        api.change_endpoint_tables(self.ec2, action.name, action.params["id"], add, action.params["remove"])

    def _delete_nat(self, action: Action) -> None:
        if action.params["item"]["state"] != "deleting":
            api.delete_nat(self.ec2, action.name, action.params["item"]["id"])

    def _release(self, action: Action) -> None:
        for nat in self.network.nats:
            if action.params["item"]["id"] in nat["allocation_ids"] and nat["state"] not in ("deleted", "failed"):
                self._await_nat(nat["id"], nat["name"], "deleted")
        api.release_address(self.ec2, action.name, action.params["item"]["id"])

    def _delete_endpoint(self, action: Action) -> None:
        failures = api.delete_endpoint(self.ec2, action.name, action.params["item"]["id"])
        if failures:
            error = failures[0]["Error"]
            raise ResourceError(
                f"cannot delete {action.kind} {action.name}: {error['Code']}: {error.get('Message', '')}"
            )

    def _delete_table(self, action: Action) -> None:
        for link in action.params["item"]["associations"]:
            if link["subnet_id"]:
                api.disassociate(self.ec2, action.name, link["id"])
        api.delete_table(self.ec2, action.name, action.params["item"]["id"])

    def _delete_gateway(self, action: Action) -> None:
        item = action.params["item"]
        if item["vpc_id"]:
            api.detach_gateway(self.ec2, action.name, item["id"], item["vpc_id"])
        api.delete_gateway(self.ec2, action.name, item["id"])

    def _await_nat(self, nat_id: str, name: str, wanted: str) -> None:
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
