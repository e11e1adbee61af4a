"""What cannot be of endpoints, further ranges and flow logs is refused before the first write."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from vpc_account import FLOW_LOGS, NOTHING, TO_CLOUDWATCH, Account

S3 = {**FLOW_LOGS, "destination": "s3"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such service": ({"interface_endpoints": ["ecr.apy"]}, r"no interface endpoint .*ecr.apy .* mean ecr.api"),
    "twice": ({"interface_endpoints": ["sts", "sts"]}, "names a service twice"),
    "s3": ({"interface_endpoints": ["s3"]}, "reached through the gateway endpoint"),
    "policy of none": ({"endpoint_policies": {"sts": {"Statement": [{}]}}}, "a policy for sts, which is no endpoint"),
    "no policy": ({"interface_endpoints": ["sts"], "endpoint_policies": {"sts": {}}}, "has no Statement"),
    "no names": ({"interface_endpoints": ["sts"], "dns_hostnames": False}, "need dns_support and dns_hostnames"),
    "nowhere": (
        {"interface_endpoints": ["workspaces"], "endpoint_tier": "data", "nat": "none", "subnets": [
            {"name": None, "cidr": "10.0.0.0/24", "zone": "eu-central-1a", "tier": "private", "tags": {}},
            {"name": None, "cidr": "10.0.1.0/24", "zone": "eu-central-1b", "tier": "private", "tags": {}},
        ]}, "there is no data subnet",
    ),
    "other private block": ({"secondary_cidrs": ["172.20.0.0/16"]}, "does not allow the secondary range 172.20.0.0/16"),
    "first of all": ({"cidr": "10.1.0.0/16", "secondary_cidrs": ["10.0.128.0/20"]}, "nothing of 10.0.0.0/16"),
    "inside": ({"secondary_cidrs": ["10.0.5.0/24"]}, "overlaps 10.0.0.0/16, another range"),
    "too large": ({"secondary_cidrs": ["100.64.0.0/10"]}, "AWS takes /16 to /28"),
    "too many": ({"secondary_cidrs": [f"100.{64 + number}.0.0/16" for number in range(5)]}, "a VPC has 5 with"),
    "forbidden": ({"forbidden_cidrs": ["10.0.0.0/8"]}, "overlaps 10.0.0.0/8, which is forbidden"),
    "forbidden further": (
        {"secondary_cidrs": ["100.64.0.0/16"], "forbidden_cidrs": ["100.64.1.0/24"]},
        "range 100.64.0.0/16 .* forbidden",
    ),
    "no bucket": ({"flow_logs": S3}, "need the ARN of a bucket"),
    "bucket that is not": ({"flow_logs": {**S3, "bucket_arn": "arn:aws:s3:::nowhere"}}, "nowhere .* does not exist"),
    "key": ({"flow_logs": {**TO_CLOUDWATCH, "kms_key_arn": "alias/logs"}}, "must be the ARN of a KMS key"),
    "format": ({"flow_logs": {**TO_CLOUDWATCH, "format": "srcaddr"}}, "must be fields such as"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("check_mode", [True, False])
def test_bad_input_is_refused_before_the_first_write(account: Account, case: str, check_mode: bool) -> None:
    params, reason = REFUSED[case]

    with pytest.raises(ResourceError, match=reason):
        account.ensure(check_mode, **params)
    assert (account.writes, account.objects()) == ([], NOTHING)


def test_an_endpoint_of_others_for_the_same_service_is_refused(account: Account) -> None:
    network = account.ensure()["network"]
    account.ec2.create_vpc_endpoint(
        VpcId=network["vpc_id"], ServiceName="com.amazonaws.eu-central-1.sts", VpcEndpointType="Interface",
        SubnetIds=network["private_subnet_ids"][:1], PrivateDnsEnabled=True,
    )  # fmt: skip

    with pytest.raises(ResourceError, match=r"has private DNS and is not ours"):
        account.ensure(interface_endpoints=["sts"])
    assert account.writes == []


def test_ipv6_is_not_taken_back(account: Account) -> None:
    account.ensure(ipv6=True)
    with pytest.raises(ResourceError, match=r"has IPv6 .* and is not to have it"):
        account.ensure()
    assert account.writes == []
