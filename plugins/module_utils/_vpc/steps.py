# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan as they are collected, in the order in which AWS accepts them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, diff_tags
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.model import Desired, Network

# Keys that only we set on these objects: they go when they are no longer wanted. Others stay, unless purged by wish.
OUR_KEYS = frozenset({"kubernetes.io/role/elb", "kubernetes.io/role/internal-elb", "tier"})
# What EKS and its controllers write beside our tags is never ours to remove.
CLUSTER_KEYS = "kubernetes.io/cluster/"
SHOWN = ("cidr", "zone", "public_ip", "service", "destination", "retention")


class Steps:
    """What is, what should be, and the steps found so far."""

    def __init__(self, network: Network, desired: Desired, purge: bool = False) -> None:
        self.network = network
        self.desired = desired
        self.purge = purge
        self.actions: list[Action] = []
        self.notes = list(network.notes)
        self.tables = network.own(network.tables)
        self.subnets = {item["cidr"]: item for item in network.subnets}

    def add(self, verb: str, kind: str, name: str, before: Any = None, after: Any = None, **params: Any) -> None:
        self.actions.append(Action(verb, kind, name, before, after, params))

    def tags(self, name: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**self.desired.tags, **(extra or {}), "Name": name}

    def create(self, kind: str, name: str, facts: Mapping[str, Any], tags: Mapping[str, str], **params: Any) -> None:
        self.add("create", kind, name, None, {**facts, "tags": dict(tags)}, tags=dict(tags), **params)

    def retag(self, kind: str, name: str, item: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        purge: bool | Collection[str] = OUR_KEYS
        if self.purge:
            purge = [key for key in item["tags"] if not key.startswith(CLUSTER_KEYS)]
        to_set, to_remove = diff_tags(item["tags"], tags, purge)
        if to_set or to_remove:
            after = {key: value for key, value in {**item["tags"], **to_set}.items() if key not in to_remove}
            self.add(
                "tag", kind, name, {"tags": dict(item["tags"])}, {"tags": after},
                id=item["id"], set=to_set, remove=to_remove,
            )  # fmt: skip

    def drop(self, kind: str, items: Collection[Mapping[str, Any]]) -> None:
        self.actions.extend(removal(kind, item) for item in items if item["ours"])


def removal(kind: str, item: Mapping[str, Any]) -> Action:
    """Return the step that removes one object of ours."""
    shown = {key: value for key, value in item.items() if key in SHOWN and value}
    return Action("delete", kind, item["name"] or item["id"], {"id": item["id"], **shown}, None, {"item": item})
