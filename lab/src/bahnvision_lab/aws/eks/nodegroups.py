"""Managed node groups."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult

from bahnvision_lab.aws.eks import checks, offers, templates
from bahnvision_lab.aws.eks.base import EksBase
from bahnvision_lab.aws.eks.books import Cluster, Nodegroup, Told, Update, now
from bahnvision_lab.aws.eks.checks import bad, in_use, missing
from bahnvision_lab.aws.eks.entries import entry_of
from bahnvision_lab.aws.refusals import LabLacks

LACKING = ("remoteAccess", "warmPoolConfig")


def release_of(minor: str, ami: str) -> str:
    date = offers.table()["date"].replace("-", "")
    return f"{minor}.0-{date}" if ami.startswith("AL") else "1.50.0-" + date[:8]


class NodegroupOperations(EksBase):
    def create_nodegroup(self) -> ActionResult:
        cluster, params = self._cluster("clusterName"), self.params
        checks.active(cluster, "create the nodegroup")
        for name in LACKING:
            if params.get(name):
                raise LabLacks(f"node groups with {name}")
        name = params["nodegroupName"]
        if name in cluster.nodegroups:
            raise in_use(f"NodeGroup already exists with name {name} and cluster name {cluster.name}")
        group = Nodegroup(cluster.arn("nodegroup", name, str(uuid.uuid4())), self._told_group(cluster, params))
        checks.role(self.books.account, self.books.partition, params["nodeRole"], "ec2.amazonaws.com")
        cluster.nodegroups[name] = group
        if (
            cluster.told["accessConfig"]["authenticationMode"] != "CONFIG_MAP"
            and params["nodeRole"] not in cluster.entries
        ):
            cluster.entries[params["nodeRole"]] = entry_of(cluster, params["nodeRole"], {"type": "EC2_LINUX"})
        self._later("eks_nodegroup", lambda: self.service.makers.fill(cluster, group))
        return ActionResult({"nodegroup": group.describe()})

    def _told_group(self, cluster: Cluster, params: dict[str, Any]) -> Told:
        vpc = cluster.told["resourcesVpcConfig"]["vpcId"]
        for one in checks.subnets(self.books.account, self.books.region, params["subnets"]):
            if one.vpc_id != vpc:
                raise bad(f"Subnet {one.id} is not in the VPC {vpc} of the cluster")
        minor = params.get("version") or cluster.version
        behind = offers.number(cluster.version)[1] - offers.number(minor)[1]
        if not 0 <= behind <= 3 or offers.support(minor) == "UNSUPPORTED":
            raise bad(f"Requested Nodegroup version {minor} is not supported with cluster version {cluster.version}")
        ami, types = self._machines(params, minor)
        template = templates.named(self.books.account, self.books.region, params)
        return {
            **({"launchTemplate": template} if template else {"diskSize": params.get("diskSize") or 20}),
            "nodegroupName": params["nodegroupName"],
            "clusterName": cluster.name,
            "version": minor,
            "releaseVersion": params.get("releaseVersion") or release_of(minor, ami),
            "createdAt": now(),
            "modifiedAt": now(),
            "capacityType": params.get("capacityType") or "ON_DEMAND",
            "instanceTypes": types,
            "amiType": ami,
            "scalingConfig": _scaling(
                params.get("scalingConfig") or {}, {"minSize": 1, "maxSize": 2, "desiredSize": 2}
            ),
            "subnets": list(params["subnets"]),
            "nodeRole": params["nodeRole"],
            "labels": dict(params.get("labels") or {}),
            "taints": list(params.get("taints") or ()),
            "updateConfig": _update_config(params.get("updateConfig") or {"maxUnavailable": 1}),
            "nodeRepairConfig": {"enabled": bool((params.get("nodeRepairConfig") or {}).get("enabled"))},
            "tags": dict(params.get("tags") or {}),
            "resources": {"autoScalingGroups": [{"name": f"eks-{params['nodegroupName']}-{uuid.uuid4()}"}]},
        }

    def _machines(self, params: dict[str, Any], minor: str) -> tuple[str, list[str]]:
        ami = params.get("amiType") or "AL2023_x86_64_STANDARD"
        if ami == "CUSTOM" or ami.startswith("WINDOWS"):
            raise LabLacks(f"nodes of AMI type {ami}")
        if ami.startswith("AL2_") and offers.number(minor) >= (1, 33):
            raise bad(f"AMI Type {ami} is only supported for kubernetes versions 1.32 or earlier")
        wanted = "arm64" if "ARM" in ami else "amd64"
        types = list(params.get("instanceTypes") or ["t4g.medium" if wanted == "arm64" else "t3.medium"])
        for one in types:
            found = offers.instance(one)
            if found is None:
                raise bad(f"The following supplied instance types do not exist: [{one}]")
            if found[0] != wanted:
                raise bad(f"[{one}] is not a valid instance type for requested amiType {ami}")
        return ami, types

    def _group(self) -> tuple[Cluster, Nodegroup]:
        cluster, name = self._cluster("clusterName"), self.params["nodegroupName"]
        if name not in cluster.nodegroups:
            raise missing(f"No node group found for name: {name}.")
        return cluster, cluster.nodegroups[name]

    def describe_nodegroup(self) -> ActionResult:
        return ActionResult({"nodegroup": self._group()[1].describe()})

    def list_nodegroups(self) -> ActionResult:
        return self._page("nodegroups", sorted(self._cluster("clusterName").nodegroups))

    def list_fargate_profiles(self) -> ActionResult:
        """None is ever made here: CreateFargateProfile is answered with 501."""
        self._cluster("clusterName")
        return self._page("fargateProfileNames", [])

    def delete_nodegroup(self) -> ActionResult:
        cluster, group = self._group()
        if group.status in ("CREATING", "UPDATING", "DELETING"):
            raise in_use(f"Nodegroup cannot be deleted as it is currently in {group.status} state")
        group.status = "DELETING"
        self._later("eks_nodegroup", lambda: self.service.makers.empty(cluster, group))
        return ActionResult({"nodegroup": group.describe()})

    def update_nodegroup_config(self) -> ActionResult:
        cluster, group, params = *self._settled(), self.params
        told: Told = {}
        if params.get("scalingConfig"):
            told["scalingConfig"] = _scaling(params["scalingConfig"], group.told["scalingConfig"])
        if params.get("updateConfig"):
            told["updateConfig"] = _update_config(params["updateConfig"])
        if params.get("nodeRepairConfig"):
            told["nodeRepairConfig"] = dict(params["nodeRepairConfig"])
        labels = params.get("labels") or {}
        if labels:
            kept = {**group.told["labels"], **(labels.get("addOrUpdateLabels") or {})}
            told["labels"] = {
                key: value for key, value in kept.items() if key not in (labels.get("removeLabels") or ())
            }
        taints = params.get("taints") or {}
        if taints:
            named = [*(taints.get("removeTaints") or ()), *(taints.get("addOrUpdateTaints") or ())]
            gone = [(one["key"], one.get("effect")) for one in named]
            kept_taints = [one for one in group.told["taints"] if (one["key"], one.get("effect")) not in gone]
            told["taints"] = [*kept_taints, *(taints.get("addOrUpdateTaints") or ())]
        if not told:
            raise bad("No changes were requested.")

        def act() -> None:
            group.told |= told
            self.service.makers.fit(cluster, group)

        return self._updating_group(cluster, group, "ConfigUpdate", {}, act, "eks_config")

    def _settled(self) -> tuple[Cluster, Nodegroup]:
        cluster, group = self._group()
        if group.status != "ACTIVE":
            raise in_use(f"Nodegroup cannot be updated as it is currently in {group.status} state")
        return cluster, group

    def _updating_group(
        self, cluster: Cluster, group: Nodegroup, kind: str, params: dict[str, str], act: Callable[[], None], pace: str
    ) -> ActionResult:
        update = Update(kind, params, owner=("nodegroup", group.name))
        cluster.updates.append(update)
        group.status = "UPDATING"

        def work() -> None:
            act()
            group.told["modifiedAt"] = now()
            group.status, update.status = "ACTIVE", "Successful"

        self._later(pace, work)
        return ActionResult({"update": update.describe()})

    def update_nodegroup_version(self) -> ActionResult:
        cluster, group, params = *self._settled(), self.params
        template = templates.renewed(self.books.account, self.books.region, params, group.told.get("launchTemplate"))
        minor = params.get("version") or group.told["version"]
        if offers.number(minor) > offers.number(cluster.version):
            raise bad(
                f"Nodegroup Kubernetes version {minor} can't be greater than cluster Kubernetes "
                f"version {cluster.version}"
            )
        if offers.number(minor) < offers.number(group.told["version"]):
            raise bad(f"Requested Nodegroup version {minor} is lower than the current one {group.told['version']}")
        ami = group.told["amiType"]
        if ami.startswith("AL2_") and offers.number(minor) >= (1, 33):
            raise bad(f"AMI Type {ami} is only supported for kubernetes versions 1.32 or earlier")
        fresh = params.get("releaseVersion") or release_of(minor, ami)

        def act() -> None:
            group.told |= {"version": minor, "releaseVersion": fresh, **template}
            self.service.makers.empty_nodes(cluster, group)
            self.service.makers.fit(cluster, group)

        told = {"Version": minor, "ReleaseVersion": fresh}
        return self._updating_group(cluster, group, "VersionUpdate", told, act, "eks_nodegroup")


def _scaling(asked: Told, before: Told) -> Told:
    told = {**before, **asked}
    if "desiredSize" not in asked:
        told["desiredSize"] = min(max(told["desiredSize"], told["minSize"]), told["maxSize"])
    least, most, size = told["minSize"], told["maxSize"], told["desiredSize"]
    if most < 1:
        raise bad("maxSize should be at least 1")
    if least > most:
        raise bad(f"Minimum capacity {least} can't be greater than maximum capacity {most}")
    if size < least:
        raise bad(f"Minimum capacity {least} can't be greater than desired size {size}")
    if size > most:
        raise bad(f"desired capacity {size} can't be greater than max size {most}")
    return told


def _update_config(asked: Told) -> Told:
    if (asked.get("maxUnavailable") is None) == (asked.get("maxUnavailablePercentage") is None):
        raise bad("Only one of maxUnavailable and maxUnavailablePercentage must be specified")
    return dict(asked)
