"""Clusters: the calls that make, change and delete them."""

from __future__ import annotations

import base64
import json
from typing import Any

from moto.core.responses import ActionResult

from bahnvision_lab.aws.eks import checks, offers
from bahnvision_lab.aws.eks.base import EksBase
from bahnvision_lab.aws.eks.books import Cluster, Told, Update
from bahnvision_lab.aws.eks.checks import bad, in_use, refused
from bahnvision_lab.aws.eks.entries import CLUSTER_ADMIN, associated, entry_of
from bahnvision_lab.aws.refusals import LabLacks
from bahnvision_lab.kubernetes.objects.shapes import release

LACKING = ("outpostConfig", "remoteNetworkConfig", "controlPlaneScalingConfig", "kubeApiServerConfig",
           "kubeSchedulerConfig", "kubeControllerManagerConfig")  # fmt: skip
# What one UpdateClusterConfig may change, and the kind of update that it is.
CHANGES = {
    "resourcesVpcConfig": "EndpointAccessUpdate", "logging": "LoggingUpdate", "accessConfig": "AccessConfigUpdate",
    "upgradePolicy": "UpgradePolicyUpdate", "zonalShiftConfig": "ZonalShiftConfigUpdate",
    "deletionProtection": "DeletionProtectionUpdate",
}  # fmt: skip


class ClusterOperations(EksBase):
    def create_cluster(self) -> ActionResult:
        params = self.params
        for name in LACKING:
            if params.get(name):
                raise LabLacks(f"clusters with {name}")
        if params["name"] in self.books.clusters:
            raise in_use(f"Cluster already exists with name: {params['name']}")
        minor = checks.version(params.get("version") or offers.default())
        checks.role(self.books.account, self.books.partition, params["roleArn"], "eks.amazonaws.com")
        cluster = Cluster(self.books.account, self.books.region, self.books.partition, params["name"],
                          self._told(params, minor), self._caller().principal)  # fmt: skip
        cluster.authority = base64.b64encode(self.service.authority.bundle.read_bytes()).decode()
        cluster.bootstrap_addons = params.get("bootstrapSelfManagedAddons", True)
        self.books.clusters[cluster.name] = cluster
        self.service.makers.security_group(cluster)
        access = cluster.told["accessConfig"]
        if access["bootstrapClusterCreatorAdminPermissions"] and access["authenticationMode"] != "CONFIG_MAP":
            self._bootstrap(cluster)
        self._later("eks_cluster", lambda: self.service.makers.build(cluster))
        return ActionResult({"cluster": cluster.describe()})

    def _told(self, params: dict[str, Any], minor: str) -> Told:
        account, region = self.books.account, self.books.region
        network = checks.network(params.get("kubernetesNetworkConfig") or {})
        asked = params.get("accessConfig") or {}
        access = {"bootstrapClusterCreatorAdminPermissions": asked.get("bootstrapClusterCreatorAdminPermissions", True),
                  "authenticationMode": asked.get("authenticationMode", "CONFIG_MAP")}  # fmt: skip
        compute, storage = params.get("computeConfig") or {}, params.get("storageConfig") or {}
        told: Told = {
            "version": minor,
            "roleArn": params["roleArn"],
            "platformVersion": offers.table()["clusters"][minor]["platform"],
            "resourcesVpcConfig": checks.vpc_config(account, region, params["resourcesVpcConfig"]),
            "kubernetesNetworkConfig": network,
            "logging": checks.logging(params.get("logging") or {}),
            "encryptionConfig": checks.encryption(account, region, params.get("encryptionConfig") or ()),
            "accessConfig": access,
            "tags": dict(params.get("tags") or {}),
            "upgradePolicy": {"supportType": (params.get("upgradePolicy") or {}).get("supportType", "EXTENDED")},
            "deletionProtection": bool(params.get("deletionProtection")),
            "zonalShiftConfig": {"enabled": bool((params.get("zonalShiftConfig") or {}).get("enabled"))},
        }
        if checks.auto_mode(compute, storage, network, access["authenticationMode"]):
            if params.get("bootstrapSelfManagedAddons") is not False:
                raise bad("bootstrapSelfManagedAddons must be false for EKS Auto Mode.")
            if compute.get("nodeRoleArn"):
                checks.role(account, self.books.partition, compute["nodeRoleArn"], "ec2.amazonaws.com")
            told["computeConfig"] = {
                "enabled": True,
                "nodePools": list(compute.get("nodePools") or ()),
                **({"nodeRoleArn": compute["nodeRoleArn"]} if compute.get("nodeRoleArn") else {}),
            }
            told["storageConfig"] = {"blockStorage": {"enabled": True}}
        return told

    def _bootstrap(self, cluster: Cluster) -> None:
        entry = entry_of(cluster, cluster.creator, {})
        arn = f"arn:{cluster.partition}:eks::aws:cluster-access-policy/{CLUSTER_ADMIN}"
        entry.policies[arn] = associated(arn, {"type": "cluster"})
        cluster.entries[cluster.creator] = entry

    def describe_cluster(self) -> ActionResult:
        return ActionResult({"cluster": self._cluster("name").describe()})

    def list_clusters(self) -> ActionResult:
        return self._page("clusters", sorted(self.books.clusters))

    def delete_cluster(self) -> ActionResult:
        cluster = self._cluster("name")
        if cluster.told.get("deletionProtection"):
            raise refused(f"Cluster {cluster.name} cannot be deleted because deletion protection is enabled.")
        if cluster.nodegroups:
            raise in_use("Cluster has nodegroups attached")
        if cluster.status not in ("ACTIVE", "FAILED"):
            raise in_use(f"Cannot delete because cluster {cluster.name} currently has status {cluster.status}")
        cluster.status = "DELETING"

        books = self.books
        self._later("eks_delete", lambda: self.service.makers.remove(books, cluster))
        return ActionResult({"cluster": cluster.describe()})

    def update_cluster_config(self) -> ActionResult:
        cluster, params = self._cluster("name"), self.params
        checks.active(cluster, "update")
        for name in (*LACKING, "computeConfig", "storageConfig", "kubernetesNetworkConfig"):
            if params.get(name):
                raise LabLacks(f"changes of {name}")
        asked = [name for name in CHANGES if params.get(name) is not None]
        if len(asked) != 1:
            raise bad("Only one type of update can be allowed." if asked else "No changes were requested.")
        name = asked[0]
        value = getattr(self, f"_new_{name}")(cluster, params[name])
        kind = CHANGES[name]
        if name == "resourcesVpcConfig" and (params[name].get("subnetIds") or params[name].get("securityGroupIds")):
            kind = "VpcConfigUpdate"
        return self._updating(cluster, kind, {_PARAMS.get(name, name): json.dumps(params[name])},
                              lambda: cluster.told.update({name: value}), "eks_config")  # fmt: skip

    def _updating(self, cluster: Cluster, kind: str, params: dict[str, str], act: Any, pace: str) -> ActionResult:
        update = Update(kind, params)
        cluster.updates.append(update)
        cluster.status = "UPDATING"

        def work() -> None:
            act()
            update.status = "Successful"
            cluster.status = "ACTIVE"

        self._later(pace, work)
        return ActionResult({"update": update.describe()})

    def _new_resourcesVpcConfig(self, cluster: Cluster, asked: dict[str, Any]) -> Told:
        before = cluster.told["resourcesVpcConfig"]
        told = {**before, **checks.access(asked, before)}
        if asked.get("subnetIds") or asked.get("securityGroupIds"):
            network = checks.vpc_config(self.books.account, self.books.region, {**before, **asked})
            if network["vpcId"] != before["vpcId"]:
                raise bad("Subnets must belong to the VPC of the cluster")
            told |= {"subnetIds": network["subnetIds"], "securityGroupIds": network["securityGroupIds"]}
        if told == before:
            public, private = str(told["endpointPublicAccess"]).lower(), str(told["endpointPrivateAccess"]).lower()
            raise bad(
                f"Cluster is already at the desired configuration with endpointPrivateAccess: {private} , "
                f"endpointPublicAccess: {public}, and Public Endpoint Restrictions: {told['publicAccessCidrs']}"
            )
        return told

    def _new_logging(self, cluster: Cluster, asked: dict[str, Any]) -> Told:
        told = checks.logging(asked, cluster.told["logging"])
        if told == cluster.told["logging"]:
            raise bad("No changes needed for the logging config provided")
        return told

    def _new_accessConfig(self, cluster: Cluster, asked: dict[str, Any]) -> Told:
        before, wanted = cluster.told["accessConfig"]["authenticationMode"], asked.get("authenticationMode")
        if checks.MODES.index(wanted or before) <= checks.MODES.index(before):
            raise bad(f"Unsupported authentication mode update from {before} to {wanted}")
        return {**cluster.told["accessConfig"], "authenticationMode": wanted}

    def _new_upgradePolicy(self, cluster: Cluster, asked: dict[str, Any]) -> Told:
        if asked == cluster.told["upgradePolicy"]:
            raise bad(f"Cluster is already at the desired configuration with upgradePolicy: {asked.get('supportType')}")
        if asked.get("supportType") == "STANDARD" and offers.support(cluster.version) != "STANDARD_SUPPORT":
            raise bad(f"The supportType cannot be STANDARD for version {cluster.version}, which is in extended support")
        return dict(asked)

    def _new_zonalShiftConfig(self, cluster: Cluster, asked: dict[str, Any]) -> Told:
        if asked == cluster.told["zonalShiftConfig"]:
            raise bad("Cluster is already at the desired zonal shift configuration")
        return dict(asked)

    def _new_deletionProtection(self, cluster: Cluster, asked: bool) -> bool:
        if asked == cluster.told["deletionProtection"]:
            raise bad("Cluster is already at the desired deletion protection configuration")
        return asked

    def update_cluster_version(self) -> ActionResult:
        cluster, params = self._cluster("name"), self.params
        checks.active(cluster, "update")
        if params.get("rollbackConfig"):
            raise LabLacks("rollbacks of versions")
        minor = checks.next_version(cluster.version, params["version"])
        old = [one.name for one in cluster.nodegroups.values()
               if offers.number(minor)[1] - offers.number(one.told["version"])[1] > 3]  # fmt: skip
        if old and not params.get("force"):
            raise refused(
                f"Nodegroups {', '.join(old)} must be updated to match cluster version {cluster.version} before "
                "updating cluster version"
            )

        def act() -> None:
            cluster.told |= {"version": minor, "platformVersion": offers.table()["clusters"][minor]["platform"]}
            if cluster.kubernetes is not None:
                cluster.kubernetes.upgrade(minor)

        told = {"Version": minor, "PlatformVersion": offers.table()["clusters"][minor]["platform"]}
        return self._updating(cluster, "VersionUpdate", told, act, "eks_version")

    def associate_encryption_config(self) -> ActionResult:
        cluster = self._cluster("clusterName")
        checks.active(cluster, "update")
        if cluster.told["encryptionConfig"]:
            raise bad("Cluster already has encryption configured")
        wanted = checks.encryption(self.books.account, self.books.region, self.params["encryptionConfig"])
        return self._updating(cluster, "AssociateEncryptionConfig", {"EncryptionConfig": json.dumps(wanted)},
                              lambda: cluster.told.update(encryptionConfig=wanted), "eks_config")  # fmt: skip

    def describe_update(self) -> ActionResult:
        cluster = self._cluster("name")
        for one in cluster.updates:
            if one.id == self.params["updateId"] and one.owner == self._owner():
                return ActionResult({"update": one.describe()})
        raise checks.missing(f"No update found for ID: {self.params['updateId']}")

    def list_updates(self) -> ActionResult:
        cluster, owner = self._cluster("name"), self._owner()
        return self._page("updateIds", [one.id for one in cluster.updates if one.owner == owner])

    def _owner(self) -> tuple[str, str]:
        for kind, key in (("nodegroup", "nodegroupName"), ("addon", "addonName"), ("capability", "capabilityName")):
            if self.params.get(key):
                return kind, self.params[key]
        return "", ""

    def describe_cluster_versions(self) -> ActionResult:
        params = self.params
        state = params.get("versionStatus") or str(params.get("status") or "").upper().replace("-", "_")
        rows = []
        for minor in offers.table()["clusters"] if params.get("includeAll") else offers.offered():
            told = offers.describe(minor, release(minor).version)
            wanted = params.get("clusterVersions")
            if wanted and minor not in wanted:
                continue
            if (params.get("defaultOnly") and not told["defaultVersion"]) or (state and told["versionStatus"] != state):
                continue
            rows.append(told)
        return self._page(
            "clusterVersions", sorted(rows, key=lambda one: offers.number(one["clusterVersion"]), reverse=True)
        )

    def list_insights(self) -> ActionResult:
        cluster = self._cluster("clusterName")
        wanted = self.params.get("filter") or {}
        rows = []
        for one in self.service.insights(cluster):
            if wanted.get("statuses") and one["insightStatus"]["status"] not in wanted["statuses"]:
                continue
            if wanted.get("categories") and one["category"] not in wanted["categories"]:
                continue
            rows.append(
                {
                    key: value
                    for key, value in one.items()
                    if key not in ("recommendation", "resources", "additionalInfo", "categorySpecificSummary")
                }
            )
        return self._page("insights", rows)

    def describe_insight(self) -> ActionResult:
        for one in self.service.insights(self._cluster("clusterName")):
            if one["id"] == self.params["id"]:
                return ActionResult({"insight": one})
        raise checks.missing(f"No insight found for ID: {self.params['id']}")


_PARAMS = {
    "resourcesVpcConfig": "PublicAccessCidrs",
    "logging": "ClusterLogging",
    "accessConfig": "AuthenticationMode",
    "upgradePolicy": "UpgradePolicy",
    "zonalShiftConfig": "ZonalShiftConfig",
    "deletionProtection": "DeletionProtection",
}
