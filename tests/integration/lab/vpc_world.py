"""What the tests of the role vpc share: all that the role can do, and the stage that counts what lives."""

from __future__ import annotations

from typing import Any

import yaml
from bahnvision_lab.testing import Lab
from stage import ROOT, Outcome, Stage

ABSENT = {"vpc_state": "absent", "vpc_confirm_absent": "lab"}
# All that the role can do.
FULL: dict[str, Any] = {
    "vpc_nat": "per_az", "vpc_ipv6": True, "vpc_secondary_cidrs": ["100.64.0.0/16"],
    "vpc_interface_endpoints": ["ecr.api", "sts"], "vpc_flow_logs": "cloud-watch-logs",
}  # fmt: skip
BUCKET = "arn:aws:s3:::traffic-of-the-lab"


class NetworkStage(Stage):
    """Remembers every action that its runs used, for the list in the README."""

    def __init__(self, lab: Lab) -> None:
        # The role's own defaults, whatever the inventory of the lab wants.
        defaults = yaml.safe_load((ROOT / "roles" / "vpc" / "defaults" / "main.yml").read_text())
        super().__init__(lab, "vpc", "network.yml", **{k: v for k, v in defaults.items() if "{{" not in str(v)})
        self.used: set[str] = set()

    def run(self, *options: str, **inputs: Any) -> Outcome:
        outcome = super().run(*options, **inputs)
        self.used |= {f"{entry['service']}:{entry['operation']}" for entry in outcome.requests}
        return outcome

    def living(self, app: str) -> dict[str, int]:
        """Count what carries the tags of the app, and what bears its name."""
        ec2, ours = self.lab.client("ec2"), [{"Name": "tag:app", "Values": [app]}]
        nats = ec2.describe_nat_gateways(Filter=ours)["NatGateways"]
        role = f"{app}-lab-vpc-flow-logs"
        roles = self.lab.client("iam").list_roles()["Roles"]
        groups = self.lab.client("logs").describe_log_groups(logGroupNamePrefix=f"/{app}/")["logGroups"]
        egress = ec2.describe_egress_only_internet_gateways(Filters=ours)["EgressOnlyInternetGateways"]
        return {
            "vpcs": len(ec2.describe_vpcs(Filters=ours)["Vpcs"]),
            "subnets": len(ec2.describe_subnets(Filters=ours)["Subnets"]),
            "tables": len(ec2.describe_route_tables(Filters=ours)["RouteTables"]),
            "internet gateways": len(ec2.describe_internet_gateways(Filters=ours)["InternetGateways"]),
            "egress gateways": len(egress),
            "nats": len([nat for nat in nats if nat["State"] not in ("deleted", "deleting")]),
            "addresses": len(ec2.describe_addresses(Filters=ours)["Addresses"]),
            "endpoints": len(ec2.describe_vpc_endpoints(Filters=ours)["VpcEndpoints"]),
            "groups": len(ec2.describe_security_groups(Filters=ours)["SecurityGroups"]),
            "flow logs": len(ec2.describe_flow_logs(Filter=ours)["FlowLogs"]),
            "log groups": len(groups),
            "roles": len([entry for entry in roles if entry["RoleName"] == role]),
        }


# Three zones with NAT in each; the endpoint of S3 beside two interface endpoints.
WHOLE = {
    "vpcs": 1, "subnets": 9, "tables": 5, "internet gateways": 1, "egress gateways": 1, "nats": 3, "addresses": 3,
    "endpoints": 3, "groups": 1, "flow logs": 1, "log groups": 1, "roles": 1,
}  # fmt: skip
NOTHING = dict.fromkeys(WHOLE, 0)
