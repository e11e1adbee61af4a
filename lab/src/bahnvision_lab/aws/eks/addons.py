"""Add-ons: which versions there are, and what stands in the cluster when one is installed."""

from __future__ import annotations

import json
import uuid
from typing import Any

import yaml
from moto.core.responses import ActionResult

from bahnvision_lab.aws.eks import checks, offers
from bahnvision_lab.aws.eks.base import EksBase
from bahnvision_lab.aws.eks.books import Addon, Cluster, Told, Update, now
from bahnvision_lab.aws.eks.checks import bad, in_use, missing
from bahnvision_lab.aws.eks.makers import ACCOUNTS
from bahnvision_lab.aws.rds_proxy.access import find_role


class AddonOperations(EksBase):
    def describe_addon_versions(self) -> ActionResult:
        params, known = self.params, offers.table()["addons"]
        wanted, minor = params.get("addonName"), params.get("kubernetesVersion")
        if wanted and wanted not in known:
            raise bad(f"Addon {wanted} specified is not supported")
        minors = [minor] if minor else offers.offered()
        if minor and offers.support(minor) == "UNSUPPORTED":
            return self._page("addons", [])
        rows = [
            _offer(name, told, minors)
            for name, told in known.items()
            if wanted in (None, "", name) and (not params.get("types") or told["type"] in params["types"])
        ]
        return self._page("addons", rows)

    def describe_addon_configuration(self) -> ActionResult:
        name, version = self.params["addonName"], self.params["addonVersion"]
        if name not in offers.table()["addons"]:
            raise bad(f"Addon {name} specified is not supported")
        schema = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": True}
        told: Told = {"addonName": name, "addonVersion": version, "configurationSchema": json.dumps(schema)}
        if name in ACCOUNTS:
            told["podIdentityConfiguration"] = [
                {"serviceAccount": ACCOUNTS[name][0], "recommendedManagedPolicies": [ACCOUNTS[name][1]]}
            ]
        return ActionResult(told)

    def create_addon(self) -> ActionResult:
        cluster, params = self._cluster("clusterName"), self.params
        checks.active(cluster, "create the addon")
        name = params["addonName"]
        version = self._version(cluster, name, params.get("addonVersion"))
        if name in cluster.addons:
            raise in_use(f"Addon already exists with name: {name}")
        self._check(params)
        told: Told = {
            "addonName": name,
            "clusterName": cluster.name,
            "addonVersion": version,
            "createdAt": now(),
            "modifiedAt": now(),
            "tags": dict(params.get("tags") or {}),
            "publisher": "eks",
            "owner": offers.table()["addons"][name].get("owner", "aws"),
            "namespaceConfig": {"namespace": "kube-system"},
        }
        for key in ("serviceAccountRoleArn", "configurationValues"):
            if params.get(key):
                told[key] = params[key]
        addon = Addon(cluster.arn("addon", name, str(uuid.uuid4())), told)
        told["podIdentityAssociations"] = self._identify(cluster, addon, params.get("podIdentityAssociations") or ())
        cluster.addons[name] = addon
        self._later("eks_addon", lambda: self.service.makers.install(cluster, addon))
        return ActionResult({"addon": addon.describe()})

    def _version(self, cluster: Cluster, name: str, wanted: str | None) -> str:
        if name not in offers.table()["addons"]:
            raise bad(f"Addon {name} specified is not supported")
        known = offers.addon_versions(name, cluster.version)
        if wanted and wanted not in known:
            raise bad("Addon version specified is not supported")
        return wanted or known[-1]

    def _check(self, params: dict[str, Any]) -> None:
        account, partition = self.books.account, self.books.partition
        if params.get("serviceAccountRoleArn") and params.get("podIdentityAssociations"):
            raise bad("You cannot specify both serviceAccountRoleArn and podIdentityAssociations")
        role = params.get("serviceAccountRoleArn")
        if role and find_role(account, partition, role) is None:
            raise bad(f"Role {role} does not exist")
        for one in params.get("podIdentityAssociations") or ():
            checks.role(account, partition, one["roleArn"], "pods.eks.amazonaws.com")
        if params.get("configurationValues"):
            try:
                good = isinstance(json.loads(params["configurationValues"]), dict)
            except ValueError:
                good = isinstance(yaml.safe_load(params["configurationValues"]), dict)
            if not good:
                raise bad("ConfigurationValue provided in request is not supported: it must be a JSON or YAML object")

    def _identify(self, cluster: Cluster, addon: Addon, asked: Any) -> list[str]:
        """An add-on's own associations; they go with it."""
        arns = []
        for one in asked:
            one_id = f"a-{uuid.uuid4().hex[:17]}"
            arn = cluster.arn("podidentityassociation", one_id)
            cluster.associations[one_id] = {
                "clusterName": cluster.name,
                "namespace": "kube-system",
                "serviceAccount": one["serviceAccount"],
                "roleArn": one["roleArn"],
                "associationArn": arn,
                "associationId": one_id,
                "tags": {},
                "createdAt": now(),
                "modifiedAt": now(),
                "ownerArn": addon.arn,
                "disableSessionTags": False,
            }
            arns.append(arn)
        return arns

    def _addon(self) -> tuple[Cluster, Addon]:
        cluster, name = self._cluster("clusterName"), self.params["addonName"]
        if name not in cluster.addons:
            raise missing(f"No addon: {name} found in cluster: {cluster.name}")
        return cluster, cluster.addons[name]

    def describe_addon(self) -> ActionResult:
        cluster, addon = self._addon()
        self.service.makers.examine(cluster, addon)
        return ActionResult({"addon": addon.describe()})

    def list_addons(self) -> ActionResult:
        return self._page("addons", sorted(self._cluster("clusterName").addons))

    def update_addon(self) -> ActionResult:
        cluster, addon = self._addon()
        params = self.params
        if addon.status in ("CREATING", "UPDATING", "DELETING"):
            raise in_use(f"Addon {addon.name} cannot be updated as it is currently in {addon.status} state")
        self._check(params)
        told: Told = {
            key: params[key] for key in ("serviceAccountRoleArn", "configurationValues") if params.get(key) is not None
        }
        if params.get("addonVersion"):
            told["addonVersion"] = self._version(cluster, addon.name, params["addonVersion"])
        if params.get("podIdentityAssociations") is not None:
            self._forget(cluster, addon)
            told["podIdentityAssociations"] = self._identify(cluster, addon, params["podIdentityAssociations"])
        update = Update(
            "AddonUpdate",
            {"AddonVersion": str(told.get("addonVersion") or addon.told["addonVersion"])},
            owner=("addon", addon.name),
        )
        cluster.updates.append(update)
        addon.status = "UPDATING"

        def work() -> None:
            addon.told |= {**told, "modifiedAt": now()}
            self.service.makers.install(cluster, addon)
            update.status = "Successful"

        self._later("eks_addon", work)
        return ActionResult({"update": update.describe()})

    def _forget(self, cluster: Cluster, addon: Addon) -> None:
        for key, one in list(cluster.associations.items()):
            if one.get("ownerArn") == addon.arn:
                del cluster.associations[key]

    def delete_addon(self) -> ActionResult:
        cluster, addon = self._addon()
        addon.status = "DELETING"
        keeps = bool(self.params.get("preserve"))

        def work() -> None:
            if not keeps:
                self.service.makers.uninstall(cluster, addon)
            self._forget(cluster, addon)
            cluster.addons.pop(addon.name, None)

        self._later("eks_addon", work)
        return ActionResult({"addon": addon.describe()})


def _offer(name: str, told: dict[str, Any], minors: list[str]) -> Told:
    by_version: dict[str, list[str]] = {}
    for minor in minors:
        for version in offers.addon_versions(name, minor):
            by_version.setdefault(version, []).append(minor)
    oldest = {minor: offers.addon_versions(name, minor)[-1] for minor in minors}
    return {
        "addonName": name,
        "type": told["type"],
        "publisher": "eks",
        "owner": told.get("owner", "aws"),
        "defaultNamespace": "kube-system",
        "addonVersions": [
            {
                "addonVersion": version,
                "architecture": ["amd64", "arm64"],
                "computeTypes": ["ec2", "auto", "hybrid"],
                "requiresConfiguration": False,
                "requiresIamPermissions": told["iam"],
                "compatibilities": [
                    {"clusterVersion": minor, "platformVersions": ["*"], "defaultVersion": oldest[minor] == version}
                    for minor in found
                ],
            }
            for version, found in by_version.items()
        ],
    }
