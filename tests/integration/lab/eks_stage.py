"""The stage of the role eks: what its tests ask of the account."""

from __future__ import annotations

import json
from typing import Any

from bahnvision_lab.testing import Lab
from stage import Outcome, Stage

NAME = "bahnvision-lab"
IDENTITY = {"app": "bahnvision", "stage": "lab", "managed-by": "bahnvision.aws"}
# What is put into the cluster has tests of its own.
PLAIN = {"eks_load_balancer_controller": False, "eks_autoscaler": "none", "eks_kubeconfig_path": ""}


class EksStage(Stage):
    """Remembers every action that its runs used, for the list in the README."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab, "eks", "cluster.yml", **PLAIN)
        self.used: set[str] = set()
        self.eks, self.ec2, self.iam = lab.client("eks"), lab.client("ec2"), lab.client("iam")
        self.kms, self.logs = lab.client("kms"), lab.client("logs")

    def run(self, *options: str, playbook: str = "", timeout: float = 900, **inputs: Any) -> Outcome:
        outcome = super().run(*options, playbook=playbook, timeout=timeout, **inputs)
        self.used |= {f"{entry['service']}:{entry['operation']}" for entry in outcome.requests}
        return outcome

    def cluster(self, name: str = NAME) -> dict[str, Any]:
        return self.eks.describe_cluster(name=name)["cluster"]

    def group(self, name: str = f"{NAME}-main") -> dict[str, Any]:
        return self.eks.describe_nodegroup(clusterName=NAME, nodegroupName=name)["nodegroup"]

    def template(self) -> dict[str, Any]:
        """Return the data of the version that the node group has."""
        named = self.group()["launchTemplate"]
        found = self.ec2.describe_launch_template_versions(LaunchTemplateId=named["id"], Versions=[named["version"]])
        return found["LaunchTemplateVersions"][0]["LaunchTemplateData"]

    def role(self, name: str, service: str = "ec2.amazonaws.com") -> str:
        actions = ["sts:AssumeRole", "sts:TagSession"]
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return str(self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])

    def keys(self) -> list[str]:
        """Return the state of each key that is ours."""
        told = [self.kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in self.kms.list_keys()["Keys"]]
        return [one["KeyState"] for one in told if one["Description"].startswith("Secrets of the Kubernetes cluster")]

    def living(self, name: str = NAME) -> dict[str, int]:
        """Count what bears the name of the cluster."""
        there = name in self.eks.list_clusters()["clusters"]
        templates = self.ec2.describe_launch_templates()["LaunchTemplates"]
        roles = [one["RoleName"] for one in self.iam.list_roles()["Roles"]]
        return {
            "clusters": int(there),
            "node groups": len(self.eks.list_nodegroups(clusterName=name)["nodegroups"]) if there else 0,
            "add-ons": len(self.eks.list_addons(clusterName=name)["addons"]) if there else 0,
            "entries": len(self.eks.list_access_entries(clusterName=name)["accessEntries"]) if there else 0,
            "roles": len([one for one in roles if one.startswith(f"{name}-eks-")]),
            "templates": len([one for one in templates if one["LaunchTemplateName"].startswith(f"{name}-eks-")]),
            "log groups": len(self.logs.describe_log_groups(logGroupNamePrefix=f"/aws/eks/{name}/")["logGroups"]),
            "providers": len(self.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]),
        }


# The entries are of whoever runs this and of the nodes.
WHOLE = {
    "clusters": 1, "node groups": 1, "add-ons": 6, "entries": 2, "roles": 4, "templates": 1, "log groups": 1,
    "providers": 0,
}  # fmt: skip
NOTHING = dict.fromkeys(WHOLE, 0)
