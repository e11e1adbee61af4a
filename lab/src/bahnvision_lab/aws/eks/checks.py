"""What EKS refuses, before anything is made or changed; the gate has held the request against the model."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends

from bahnvision_lab.aws.eks import offers
from bahnvision_lab.aws.eks.books import Cluster, Told
from bahnvision_lab.aws.rds_proxy.access import find_role, trusts
from bahnvision_lab.aws.refusals import AwsError, LabLacks

LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
NEEDED = 6  # free addresses of a subnet for the control plane's network interfaces
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")


def bad(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def refused(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)


def in_use(message: str) -> AwsError:
    return AwsError("ResourceInUseException", message)


def missing(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message)


def version(minor: str) -> str:
    if offers.support(minor) == "UNSUPPORTED":
        raise bad(f"unsupported Kubernetes version {minor}")
    return minor


def role(account: str, partition: str, arn: str, service: str) -> Any:
    found = find_role(account, partition, arn)
    if found is None or not trusts(found, service):
        raise bad(
            f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
        )
    return found


def subnets(account: str, region: str, ids: Sequence[str]) -> list[Any]:
    if len(set(ids)) < len(ids) or not ids:
        raise bad("Subnets specified must be distinct and at least one." if ids else "Subnet ID(s) must be specified.")
    try:
        return [ec2_backends[account][region].get_subnet(one) for one in ids]
    except InvalidSubnetIdError as problem:
        raise bad(f"The subnet ID '{problem.message.split(chr(39))[1]}' does not exist") from None


def vpc_config(account: str, region: str, asked: Mapping[str, Any]) -> Told:
    """The network of a new cluster, with what AWS fills in."""
    found = subnets(account, region, asked.get("subnetIds") or ())
    if len({one.vpc_id for one in found}) > 1:
        raise bad("Subnets specified must belong to the same VPC")
    if len({one.availability_zone for one in found}) < 2:
        raise bad("Subnets specified must be in at least two different AZs")
    for one in found:
        if one.available_ip_address_count < NEEDED:
            raise bad(f"One or more of the subnets you specified do not have enough free IP addresses: {one.id}")
    groups = list(asked.get("securityGroupIds") or ())
    for group_id in groups:
        group = ec2_backends[account][region].get_security_group_from_id(group_id)
        if group is None or group.vpc_id != found[0].vpc_id:
            raise bad(f"The security group ID '{group_id}' does not exist in {found[0].vpc_id}")
    return {
        "subnetIds": [one.id for one in found],
        "securityGroupIds": groups,
        "vpcId": found[0].vpc_id,
        **access(asked, {}),
    }


# "The block can't include reserved addresses"; the ranges for documentation are in EKS's own examples.
NOT_PUBLIC = tuple(ipaddress.ip_network(text) for text in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
    "fc00::/7", "fe80::/10", "ff00::/8",
))  # fmt: skip


def access(asked: Mapping[str, Any], before: Mapping[str, Any]) -> Told:
    """Which ways lead to the endpoint."""
    public = asked.get("endpointPublicAccess", before.get("endpointPublicAccess", True))
    private = asked.get("endpointPrivateAccess", before.get("endpointPrivateAccess", False))
    if not public and not private:
        raise bad("Private and public endpoint access cannot be false.")
    ranges = list(
        asked.get("publicAccessCidrs") or before.get("publicAccessCidrs") or (["0.0.0.0/0"] if public else [])
    )
    for text in ranges:
        _range(text)
    if asked.get("publicAccessCidrs") and not public:
        raise bad("publicAccessCidrs must be empty when endpointPublicAccess is disabled")
    return {
        "endpointPublicAccess": public,
        "endpointPrivateAccess": private,
        "publicAccessCidrs": ranges if public else [],
    }


def _range(text: str) -> None:
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise bad(f"The following CIDRs are invalid in publicAccessCidrs: [{text}]") from None
    if found.prefixlen and any(found.version == own.version and found.overlaps(own) for own in NOT_PUBLIC):
        raise bad(f"The following CIDRs are not allowed in publicAccessCidrs: [{text}]")


def logging(asked: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Told:
    """Which logs are on, in the two lists of the API."""
    on = set()
    for setup in (before or {}).get("clusterLogging") or ():
        on |= set(setup["types"]) if setup["enabled"] else set()
    for setup in asked.get("clusterLogging") or ():
        types = set(setup.get("types") or ())
        on = on | types if setup.get("enabled") else on - types
    lists = [([one for one in LOGS if one in on], True), ([one for one in LOGS if one not in on], False)]
    return {"clusterLogging": [{"types": types, "enabled": enabled} for types, enabled in lists if types]}


def encryption(account: str, region: str, asked: Sequence[Mapping[str, Any]]) -> list[Told]:
    for one in asked:
        if list(one.get("resources") or ()) != ["secrets"]:
            raise bad("Invalid resources: only 'secrets' can be encrypted")
        arn = (one.get("provider") or {}).get("keyArn", "")
        kms = kms_backends[account][region]
        key = kms.keys.get(arn.rpartition("/")[2])
        if key is None or key.arn != arn:
            raise bad(f"keyArn {arn} does not exist in this account and region")
        if not key.enabled or key.key_spec != "SYMMETRIC_DEFAULT":
            raise bad(f"The keyArn {arn} in encryptionConfig provider must be an enabled symmetric key")
    return [dict(one) for one in asked]


def network(asked: Mapping[str, Any]) -> Told:
    if asked.get("ipFamily", "ipv4") != "ipv4":
        raise LabLacks("clusters with IPv6, only with IPv4")
    text = asked.get("serviceIpv4Cidr") or "10.100.0.0/16"
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise bad(f"The serviceIpv4Cidr {text} is not a valid CIDR") from None
    if not found.is_private or not 12 <= found.prefixlen <= 24:
        raise bad(f"The serviceIpv4Cidr {text} must be a private range between /12 and /24")
    balancing = bool((asked.get("elasticLoadBalancing") or {}).get("enabled"))
    return {"serviceIpv4Cidr": text, "ipFamily": "ipv4", "elasticLoadBalancing": {"enabled": balancing}}


def auto_mode(
    compute: Mapping[str, Any], storage: Mapping[str, Any], told_network: Mapping[str, Any], mode: str
) -> bool:
    """All three parts of Auto Mode are on, or none is."""
    parts = {
        bool(compute.get("enabled")), bool((storage.get("blockStorage") or {}).get("enabled")),
        bool(told_network["elasticLoadBalancing"]["enabled"]),
    }  # fmt: skip
    if len(parts) > 1:
        raise bad(
            "For EKS Auto Mode, please ensure that all required configs, including computeConfig, "
            "kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled."
        )
    enabled = parts == {True}
    if enabled and mode == "CONFIG_MAP":
        raise bad("EKS Auto Mode requires the authentication mode API or API_AND_CONFIG_MAP.")
    if enabled and compute.get("nodePools") and not compute.get("nodeRoleArn"):
        raise bad("When Compute Config nodePools is not empty, nodeRoleArn is required.")
    return enabled


def next_version(before: str, after: str) -> str:
    if offers.support(after) == "UNSUPPORTED":
        raise bad(f"unsupported Kubernetes version {after}")
    if after != offers.next_minor(before):
        raise bad(f"Unsupported Kubernetes minor version update from {before} to {after}")
    return after


def principal(account: str, partition: str, arn: str) -> None:
    """An access entry is of a user or role that exists; root may be named too."""
    backend = iam_backends[account][partition]
    kind = arn.split(":")[-1]
    known = kind == "root" or any(one.arn == arn for one in (*backend.users.values(), *backend.roles.values()))
    if not known:
        raise bad(f"The specified principalArn is invalid: invalid principal. {arn}")


def active(cluster: Cluster, what: str) -> None:
    if cluster.status != "ACTIVE":
        raise in_use(f"Cannot {what} because cluster {cluster.name} currently has status {cluster.status}")


def attached(role_of: Any, *names: str) -> list[str]:
    """Which of these managed policies a role lacks."""
    held = {arn.rpartition("/")[2] for arn in role_of.managed_policies}
    return [name for name in names if name not in held]
