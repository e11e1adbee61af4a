# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the network that is with the one that should be, and list the steps between. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, Plan, diff_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import cidr as ranges
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import INTERNET, Desired, Network, Table

# Keys that only we set on these objects: they go when they are no longer wanted. Others stay, unless purged by wish.
OUR_KEYS = frozenset({"kubernetes.io/role/elb", "kubernetes.io/role/internal-elb", "tier"})
# What EKS and its controllers write beside our tags is never ours to remove.
CLUSTER_KEYS = "kubernetes.io/cluster/"


class Planner:
    """The steps, collected in the order in which AWS accepts them."""

    def __init__(self, network: Network, desired: Desired, purge: bool = False) -> None:
        self.network = network
        self.desired = desired
        self.purge = purge
        self.actions: list[Action] = []
        self.notes = list(network.notes)
        self.tables = network.own(network.tables)
        self.subnets = {item["cidr"]: item for item in network.subnets}

    def plan(self) -> Plan:
        refuse(self.network, self.desired)
        self._vpc()
        self._gateway()
        self._subnets()
        self._tables("public")
        self._nats()
        self._tables("private", "data")
        self._associations()
        self._endpoint()
        self._routes()
        self._surplus()
        return Plan(tuple(self.actions), tuple(self.notes))

    def _add(self, verb: str, kind: str, name: str, before: Any = None, after: Any = None, **params: Any) -> None:
        self.actions.append(Action(verb, kind, name, before, after, params))

    def _tags(self, name: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**self.desired.tags, **(extra or {}), "Name": name}

    def _create(self, kind: str, name: str, facts: Mapping[str, Any], tags: Mapping[str, str], **params: Any) -> None:
        self._add("create", kind, name, None, {**facts, "tags": dict(tags)}, tags=dict(tags), **params)

    def _retag(self, kind: str, name: str, item: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        purge: bool | Collection[str] = OUR_KEYS
        if self.purge:
            purge = [key for key in item["tags"] if not key.startswith(CLUSTER_KEYS)]
        to_set, to_remove = diff_tags(item["tags"], tags, purge)
        if to_set or to_remove:
            after = {key: value for key, value in {**item["tags"], **to_set}.items() if key not in to_remove}
            self._add(
                "tag", kind, name, {"tags": dict(item["tags"])}, {"tags": after},
                id=item["id"], set=to_set, remove=to_remove,
            )  # fmt: skip

    def _vpc(self) -> None:
        desired, vpc = self.desired, self.network.vpc
        tags = self._tags(desired.name)
        if vpc is None:
            self._create("VPC", desired.name, {"cidr": desired.cidr}, tags, cidr=desired.cidr)
        else:
            self._retag("VPC", desired.name, vpc, tags)
        # What AWS gives a new VPC.
        current = vpc or {"dns_support": True, "dns_hostnames": False}
        wanted = {"dns_support": desired.dns_support, "dns_hostnames": desired.dns_hostnames}
        order = sorted(wanted, reverse=desired.dns_support)  # host names need support: on after it, off before it
        for attribute in order:
            if current[attribute] != wanted[attribute]:
                before = {attribute: current[attribute]} if vpc else None
                after = {attribute: wanted[attribute]}
                self._add("change", "VPC", desired.name, before, after, attribute=attribute, value=wanted[attribute])

    def _gateway(self) -> None:
        if not self.desired.tier("public"):
            return
        name, vpc = self.desired.gateway_name, self.network.vpc
        gateway = self.network.own(self.network.gateways).get(name)
        tags = self._tags(name)
        if gateway is None:
            self._create("internet gateway", name, {}, tags)
        else:
            self._retag("internet gateway", name, gateway, tags)
        if gateway is None or vpc is None or gateway["vpc_id"] != vpc["id"]:
            before = {"attached_to": ""} if gateway else None
            self._add("attach", "internet gateway", name, before, {"attached_to": self.desired.name})

    def _subnets(self) -> None:
        for subnet in self.desired.subnets:
            tags = self._tags(subnet.name, subnet.tags)
            item = self.subnets.get(subnet.cidr)
            if item is None:
                facts = {"cidr": subnet.cidr, "zone": subnet.zone}
                self._create("subnet", subnet.name, facts, tags, **facts)
            else:
                self._retag("subnet", subnet.name, item, tags)

    def _tables(self, *tiers: str) -> None:
        for table in self.desired.tables():
            if table.tier not in tiers:
                continue
            tags = self._tags(table.name, {"tier": table.tier})
            item = self.tables.get(table.name)
            if item is None:
                self._create("route table", table.name, {}, tags)
            else:
                self._retag("route table", table.name, item, tags)
            if table.exit == "internet gateway":
                self._route(table)

    def _routes(self) -> None:
        """Last, because a route to a NAT gateway waits for it."""
        for table in self.desired.tables():
            if table.exit != "internet gateway":
                self._route(table)

    def _route(self, table: Table) -> None:
        current = (self.tables.get(table.name) or {}).get("default_route")
        before = None
        if table.name in self.tables:
            before = {"routes": {INTERNET: current["target"]} if current else {}}
        if table.exit:
            if current is None or current["target"] != self._target_id(table) or current["state"] != "active":
                self._add(
                    "route", "route table", table.name, before, {"routes": {INTERNET: table.exit_name}},
                    exit=table.exit, target=table.exit_name, replace=current is not None,
                )  # fmt: skip
        elif current is not None:
            if table.tier == "data" or current["target"].startswith("nat-") or current["state"] != "active":
                self._add(
                    "unroute", "route table", table.name, before, {"routes": {}}, id=self.tables[table.name]["id"]
                )
            else:
                self.notes.append(f"route table {table.name} sends {INTERNET} to {current['target']}: left as it is")

    def _target_id(self, table: Table) -> str:
        if table.exit == "internet gateway":
            found = self.network.own(self.network.gateways).get(table.exit_name)
        else:
            found = self._running_nats().get(table.exit_name)
        return found["id"] if found else ""

    def _running_nats(self) -> dict[str, Mapping[str, Any]]:
        return self.network.own(tuple(nat for nat in self.network.nats if nat["usable"]))

    def _nats(self) -> None:
        running = self._running_nats()
        addresses = self.network.own(self.network.addresses)
        public = {subnet.zone: subnet.name for subnet in self.desired.tier("public")}
        for zone in self.desired.nat_zones:
            name = self.desired.nat_name(zone)
            tags = self._tags(name)
            nat = running.get(name)
            address = addresses.get(name)
            if address is not None:
                self._retag("elastic IP", name, address, tags)
            elif nat is None:
                self._create("elastic IP", name, {}, tags)
            if nat is None:
                facts = {"subnet": public[zone], "address": name}
                self._create("NAT gateway", name, facts, tags, **facts)
            else:
                self._retag("NAT gateway", name, nat, tags)

    def _associations(self) -> None:
        current = {
            link["subnet_id"]: (link["id"], table)
            for table in self.network.tables
            for link in table["associations"]
            if link["subnet_id"]
        }
        for subnet in self.desired.subnets:
            wanted = self.desired.table_name(subnet)
            item = self.subnets.get(subnet.cidr)
            link, table = current.get(item["id"], ("", None)) if item else ("", None)
            if table is not None and wanted in self.tables and table["id"] == self.tables[wanted]["id"]:
                continue
            before = {"route_table": table["name"] or table["id"]} if table else None
            self._add("associate", "subnet", subnet.name, before, {"route_table": wanted}, table=wanted, link=link)

    def _endpoint(self) -> None:
        names = [table.name for table in self.desired.tables() if table.tier in self.desired.s3_tiers]
        if not names:
            return
        name = f"{self.desired.name}-s3"
        tags = self._tags(name)
        item = self.network.own(self.network.endpoints).get(name)
        service = f"com.amazonaws.{self.desired.region}.s3"
        if item is None:
            self._create("S3 endpoint", name, {"route_tables": names}, tags, tables=names, service=service)
            return
        self._retag("S3 endpoint", name, item, tags)
        known = {table["id"]: table["name"] for table in self.network.tables}
        current = {known.get(table_id, table_id): table_id for table_id in item["route_table_ids"]}
        add = [table for table in names if table not in current]
        remove = [table_id for table, table_id in current.items() if table not in names]
        if add or remove:
            self._add(
                "change", "S3 endpoint", name, {"route_tables": sorted(current)}, {"route_tables": sorted(names)},
                id=item["id"], add=add, remove=remove,
            )  # fmt: skip

    def _surplus(self) -> None:
        """Remove what is ours and no longer wanted, after the routes have left it."""
        desired, network = self.desired, self.network
        running = self._running_nats()
        nats = {desired.nat_name(zone) for zone in desired.nat_zones}
        kept = [nat["id"] for name, nat in running.items() if name in nats]
        self._drop("NAT gateway", [nat for nat in network.nats if nat["usable"] and nat["id"] not in kept])
        in_use = {allocation for nat in network.nats if nat["id"] in kept for allocation in nat["allocation_ids"]}
        reused = {item["id"] for name, item in network.own(network.addresses).items() if name in nats - running.keys()}
        self._drop("elastic IP", [item for item in network.addresses if item["id"] not in in_use | reused])
        if not [table for table in desired.tables() if table.tier in desired.s3_tiers]:
            self._drop("S3 endpoint", network.endpoints)
        cidrs = {subnet.cidr for subnet in desired.subnets}
        self._drop("subnet", [item for item in network.subnets if item["cidr"] not in cidrs])
        tables = {table.name for table in desired.tables()}
        self._drop("route table", [item for item in network.tables if item["name"] not in tables])
        wanted = network.own(network.gateways).get(desired.gateway_name) if desired.tier("public") else None
        self._drop("internet gateway", [item for item in network.gateways if item is not wanted])

    def _drop(self, kind: str, items: Collection[Mapping[str, Any]]) -> None:
        self.actions.extend(removal(kind, item) for item in items if item["ours"])


def removal(kind: str, item: Mapping[str, Any]) -> Action:
    """Return the step that removes one object of ours."""
    shown = {key: value for key, value in item.items() if key in ("cidr", "zone", "public_ip") and value}
    return Action("delete", kind, item["name"] or item["id"], {"id": item["id"], **shown}, None, {"item": item})


def refuse(network: Network, desired: Desired) -> None:
    """Fail on what AWS cannot change in place, and on what belongs to somebody else."""
    vpc = network.vpc
    if vpc is not None and vpc["cidr"] != desired.cidr:
        raise ResourceError(
            f"VPC {desired.name} ({vpc['id']}) has the range {vpc['cidr']}; AWS cannot change it to {desired.cidr}. "
            "Keep the range, or make the new network as another stage and move there"
        )
    if vpc is not None and vpc["name"] != desired.name:
        raise ResourceError(f"VPC {vpc['id']} of this app and stage is called {vpc['name']}, not {desired.name}")
    for gateway in network.gateways:
        if vpc is not None and gateway["vpc_id"] == vpc["id"] and not gateway["ours"] and desired.tier("public"):
            raise ResourceError(f"VPC {desired.name} has the internet gateway {gateway['id']}, which is not ours")
    wanted = {subnet.cidr: subnet for subnet in desired.subnets}
    names = {subnet.name: subnet for subnet in desired.subnets}
    for item in network.subnets:
        _refuse_subnet(item, wanted, names)


def _refuse_subnet(item: Mapping[str, Any], wanted: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    label = f"subnet {item['name'] or item['id']} ({item['id']}, {item['cidr']}, {item['zone']})"
    subnet = wanted.get(item["cidr"])
    if subnet is not None:
        if not item["ours"]:
            raise ResourceError(f"{label} has the range of {subnet.name}, but does not carry our tags")
        if item["zone"] != subnet.zone:
            raise ResourceError(f"{label} would have to move to {subnet.zone}; AWS cannot move a subnet")
        return
    renamed = names.get(item["name"])
    if renamed is not None and item["ours"]:
        raise ResourceError(
            f"{label} cannot change its range to {renamed.cidr} in place; give the new one another name"
        )
    for other in wanted.values():
        if ranges.Network(item["cidr"]).overlaps(ranges.Network(other.cidr)):
            raise ResourceError(f"{label} is in the way: it overlaps {other.name} ({other.cidr})")
