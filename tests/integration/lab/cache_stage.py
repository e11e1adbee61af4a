"""The stage of the role elasticache: what its tests ask of the account, and real clients of the cache."""

from __future__ import annotations

import json
from typing import Any

import redis
from bahnvision_lab.testing import Lab
from stage import Outcome, Stage

IDENTITY = {"app": "bahnvision", "stage": "lab", "component": "elasticache", "managed-by": "bahnvision.aws"}


class CacheStage(Stage):
    """Remembers every action that its runs used, for the list in the README."""

    def __init__(self, lab: Lab, component: str = "elasticache", playbook: str = "data.yml", **inputs: Any) -> None:
        super().__init__(lab, component, playbook, **inputs)
        self.used: set[str] = set()
        self.cache = lab.client("elasticache")
        self.secrets = lab.client("secretsmanager")

    def run(self, *options: str, playbook: str = "", timeout: float = 900, **inputs: Any) -> Outcome:
        outcome = super().run(*options, playbook=playbook, timeout=timeout, **inputs)
        self.used |= {f"{entry['service']}:{entry['operation']}" for entry in outcome.requests}
        return outcome

    def group(self, name: str) -> dict[str, Any] | None:
        found = self.cache.describe_replication_groups()["ReplicationGroups"]
        return next((group for group in found if group["ReplicationGroupId"] == name), None)

    def member(self, name: str) -> dict[str, Any]:
        """Return a node of the group: it tells the version, the windows and the parameter group."""
        return self.cache.describe_cache_clusters(CacheClusterId=self.group(name)["MemberClusters"][0])[
            "CacheClusters"
        ][0]

    def secret(self, name: str, user: str = "app") -> dict[str, Any]:
        told = self.secrets.get_secret_value(SecretId=f"{name}-elasticache-{user}")
        return json.loads(told["SecretString"])

    def client(self, name: str, user: str = "app", **options: Any) -> redis.Redis:
        """Return a client as the application is one: the address of the secret, TLS verified in full."""
        return redis.from_url(
            self.secret(name, user)["url"], ssl_ca_certs=self.lab.status()["ca_bundle"], socket_timeout=60, **options
        )

    def living(self, name: str) -> dict[str, int]:
        """Count what bears the name of the cache."""
        ec2, logs = self.lab.client("ec2"), self.lab.client("logs")
        parameters = self.cache.describe_cache_parameter_groups()["CacheParameterGroups"]
        subnets = self.cache.describe_cache_subnet_groups()["CacheSubnetGroups"]
        secrets = [entry["Name"] for entry in self.secrets.list_secrets()["SecretList"]]
        groups = [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]]
        user_groups = self.cache.describe_user_groups()["UserGroups"]
        return {
            "groups": int(self.group(name) is not None),
            "user groups": len([group for group in user_groups if group["UserGroupId"] == name]),
            "users": len([u for u in self.cache.describe_users()["Users"] if u["UserId"].startswith(f"{name}-")]),
            "parameter groups": len([g for g in parameters if g["CacheParameterGroupName"].startswith(f"{name}-")]),
            "subnet groups": len([group for group in subnets if group["CacheSubnetGroupName"] == name]),
            "log groups": len(logs.describe_log_groups(logGroupNamePrefix=f"/aws/elasticache/{name}/")["logGroups"]),
            "secrets": len([entry for entry in secrets if entry.startswith(f"{name}-elasticache-")]),
            "security groups": len([entry for entry in groups if entry.startswith(f"{name}-elasticache")]),
        }


WHOLE = {
    "groups": 1, "user groups": 1, "users": 2, "parameter groups": 1, "subnet groups": 1, "log groups": 2, "secrets": 1,
    "security groups": 2,
}  # fmt: skip
NOTHING = dict.fromkeys(WHOLE, 0)
