"""An EC2 in this process that counts writes, and can be told to kill its caller or to refuse."""

from __future__ import annotations

from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.network import ensure_network
from botocore.exceptions import ClientError

OURS = {"app": "orders", "stage": "test", "component": "vpc", "managed-by": "bahnvision.aws"}
FLOW_LOGS: dict[str, Any] = {
    "destination": "none", "bucket_arn": None, "retention_days": 90, "kms_key_arn": None, "traffic": "ALL",
    "interval": 600, "format": None,
}  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "app": "orders", "stage": "test", "component": "vpc", "state": "present", "name": None, "cidr": "10.0.0.0/16",
    "dns_support": True, "dns_hostnames": True, "zones": [], "zone_count": 2, "subnets": [], "nat": "single",
    "subnet_tags": {"public": {"kubernetes.io/role/elb": "1"}, "private": {}, "data": {}},
    "s3_endpoint": ["public", "private", "data"], "tags": {}, "purge_tags": False,
    "secondary_cidrs": [], "forbidden_cidrs": [], "ipv6": False, "interface_endpoints": [],
    "endpoint_tier": "private", "endpoint_policies": {}, "flow_logs": {**FLOW_LOGS},
    "wait": True, "wait_timeout": 5, "wait_pause": 0.01,
}  # fmt: skip


class Killed(BaseException):
    """What a process that is killed feels."""


class Account:
    """One account. `ensure` is what the module does."""

    def __init__(self, clients: dict[str, Any]) -> None:
        self.clients = clients
        self.ec2 = clients["ec2"]
        self.reads: list[str] = []
        self.writes: list[str] = []
        self.kill_before = -1
        self.throttle_every = 0

    def seen(self, model: Any, **_event: Any) -> None:
        number = len(self.reads) + len(self.writes)
        if self.throttle_every and number % self.throttle_every == 0:
            self.reads.append("throttled")
            raise ClientError({"Error": {"Code": "RequestLimitExceeded", "Message": "slow down"}}, model.name)
        if model.name.startswith(("Describe", "Get", "List", "Head")):
            self.reads.append(model.name)
            return
        if len(self.writes) == self.kill_before:
            raise Killed
        self.writes.append(model.name)

    def ensure(self, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        self.reads.clear()
        self.writes.clear()
        return ensure_network(self.clients, {**DEFAULTS, **params}, check_mode)

    def count(self, operation: str, key: str, filters: str = "Filters") -> int:
        ours = [{"Name": f"tag:{name}", "Values": [value]} for name, value in OURS.items()]
        return len([item for item in getattr(self.ec2, operation)(**{filters: ours})[key] if _lives(item)])

    def objects(self) -> dict[str, int]:
        """Count what carries our tags."""
        return {
            "vpcs": self.count("describe_vpcs", "Vpcs"),
            "subnets": self.count("describe_subnets", "Subnets"),
            "gateways": self.count("describe_internet_gateways", "InternetGateways"),
            "tables": self.count("describe_route_tables", "RouteTables"),
            "nats": self.count("describe_nat_gateways", "NatGateways", "Filter"),
            "addresses": self.count("describe_addresses", "Addresses"),
            "endpoints": self.count("describe_vpc_endpoints", "VpcEndpoints"),
        }


ENDPOINTS = ["ecr.api", "sts", "logs"]
TO_CLOUDWATCH = {**FLOW_LOGS, "destination": "cloud-watch-logs"}
LOG_GROUP = "/orders/test/vpc-flow-logs"
ROLE = "orders-test-vpc-flow-logs"
# All that the module can do.
FULL: dict[str, Any] = {
    "ipv6": True, "secondary_cidrs": ["100.64.0.0/16"], "interface_endpoints": ENDPOINTS, "nat": "per_az",
    "flow_logs": TO_CLOUDWATCH,
}  # fmt: skip
WHOLE = {"vpcs": 1, "subnets": 6, "gateways": 1, "tables": 4, "nats": 1, "addresses": 1, "endpoints": 1}
NOTHING = dict.fromkeys(WHOLE, 0)


def _lives(item: dict[str, Any]) -> bool:
    return item.get("State") not in ("deleted", "deleting")
