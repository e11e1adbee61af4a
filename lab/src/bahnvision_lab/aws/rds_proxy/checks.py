"""What RDS refuses of a proxy, before anything is made or changed; the gate has held the request against the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.rds.models import DBInstance, RDSBackend
from moto.secretsmanager.models import secretsmanager_backends

from bahnvision_lab.aws.rds.network import ec2_of, subnet_group_of
from bahnvision_lab.aws.rds_proxy import access
from bahnvision_lab.aws.rds_proxy.books import DEFAULT, Pool, Proxy
from bahnvision_lab.aws.refusals import AwsError, LabLacks

QUOTA = 20  # proxies of one account in one region
CLIENT_LOGIN = "POSTGRES_SCRAM_SHA_256"
REGISTRABLE = ("available", "modifying", "backing-up", "creating")


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def check_kind(params: Mapping[str, Any]) -> None:
    """What kind of proxy: the lab has PostgreSQL, passwords and IPv4."""
    if params["EngineFamily"] != "POSTGRESQL":
        raise LabLacks(f"proxies of engine family {params['EngineFamily']}, only of POSTGRESQL")
    for name in ("EndpointNetworkType", "TargetConnectionNetworkType"):
        if params.get(name) not in (None, "IPV4"):
            raise LabLacks(f"proxies with {name} {params[name]}, only with IPV4")


def check_default_scheme(params: Mapping[str, Any]) -> None:
    if params.get("DefaultAuthScheme") == "IAM_AUTH":
        raise LabLacks("databases that check IAM tokens (DefaultAuthScheme IAM_AUTH)")


def checked_auth(backend: RDSBackend, entries: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the entries with what AWS fills in."""
    if not 1 <= len(entries) <= 200:
        raise invalid("You must specify 1 to 200 items in Auth unless DefaultAuthScheme is IAM_AUTH.")
    arns = [entry.get("SecretArn", "") for entry in entries]
    if len(set(arns)) < len(arns):
        raise invalid("The same secret can't be specified twice in Auth.")
    return [_checked_entry(backend, entry) for entry in entries]


def _checked_entry(backend: RDSBackend, entry: Mapping[str, str]) -> dict[str, str]:
    arn = entry.get("SecretArn", "")
    if not arn:
        raise invalid("SecretArn must be specified when AuthScheme is SECRETS.")
    if entry.get("UserName"):
        raise invalid("UserName can't be specified when AuthScheme is SECRETS: the secret holds the user's name.")
    secret = secretsmanager_backends[backend.account_id][backend.region_name].secrets.get(arn)
    if secret is None or secret.arn != arn:
        raise invalid(f"The secret {arn} doesn't exist. Specify the whole ARN, with its suffix of six characters.")
    iam, kind = entry.get("IAMAuth", "DISABLED"), entry.get("ClientPasswordAuthType", CLIENT_LOGIN)
    if iam == "REQUIRED":
        raise LabLacks("clients that log in with IAM tokens (IAMAuth REQUIRED)")
    if iam != "DISABLED":
        raise invalid(f"Invalid value {iam} for IAMAuth with engine family POSTGRESQL.")
    if kind == "POSTGRES_MD5":
        raise LabLacks("clients that log in with MD5 (POSTGRES_MD5)")
    if kind != CLIENT_LOGIN:
        raise invalid(f"Invalid value {kind} for ClientPasswordAuthType with engine family POSTGRESQL.")
    told = {"Description": entry["Description"]} if entry.get("Description") else {}
    return {**told, "AuthScheme": "SECRETS", "SecretArn": arn, "IAMAuth": iam, "ClientPasswordAuthType": kind}


def check_role(backend: RDSBackend, arn: str) -> None:
    role = access.find_role(backend.account_id, backend.partition, arn)
    if role is None:
        raise invalid(f"The IAM role {arn} doesn't exist.")
    if not access.trusts_rds(role):
        raise invalid(
            f"RDS is not authorized to assume the IAM role {arn}: its trust policy must name {access.SERVICE}."
        )


def checked_subnets(backend: RDSBackend, subnet_ids: Sequence[str]) -> str:
    """Return the VPC of the subnets: one VPC, two zones at least."""
    try:
        subnets = [ec2_of(backend).get_subnet(subnet_id) for subnet_id in subnet_ids]
    except InvalidSubnetIdError:
        raise AwsError("InvalidSubnet", f"Some of the subnets {', '.join(subnet_ids)} don't exist.") from None
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise AwsError("InvalidSubnet", "The subnets of a DB proxy must all be in the same VPC.")
    zones = sorted({subnet.availability_zone for subnet in subnets})
    if len(zones) < 2:
        raise AwsError(
            "InvalidSubnet",
            f"The subnets of a DB proxy must cover at least 2 Availability Zones; these cover {', '.join(zones)}.",
        )
    return str(subnets[0].vpc_id)


def checked_groups(backend: RDSBackend, group_ids: Iterable[str], vpc_id: str) -> list[str]:
    ec2, chosen = ec2_of(backend), list(group_ids)
    for group_id in chosen:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise invalid(f"Invalid security group , groupId= {group_id}, groupName=.")
        if group.vpc_id != vpc_id:
            raise invalid(f"The security group {group_id} is in {group.vpc_id}, the DB proxy is in {vpc_id}.")
    return chosen or [ec2.get_default_security_group(vpc_id).id]


def check_idle_timeout(seconds: int | None) -> None:
    if seconds is not None and not 1 <= seconds <= 28800:
        raise invalid(f"Invalid value {seconds} for IdleClientTimeout. Must be between 1 and 28800.")


def checked_pool(current: Pool, asked: Mapping[str, Any]) -> Pool:
    """Return the pool's settings after the request; what is not named stays."""
    most, idle = asked.get("MaxConnectionsPercent"), asked.get("MaxIdleConnectionsPercent")
    if idle is not None and most is None:
        raise invalid("You must specify MaxConnectionsPercent when you specify MaxIdleConnectionsPercent.")
    if most is not None and not 1 <= most <= 100:
        raise invalid(f"Invalid value {most} for MaxConnectionsPercent. Must be between 1 and 100.")
    if most is not None:
        idle = most // 2 if idle is None else idle
        if not 0 <= idle <= most:
            raise invalid(f"Invalid value {idle} for MaxIdleConnectionsPercent. Must be between 0 and {most}.")
    borrow = asked.get("ConnectionBorrowTimeout")
    if borrow is not None and not 0 <= borrow <= 300:
        raise invalid(f"Invalid value {borrow} for ConnectionBorrowTimeout. Must be between 0 and 300.")
    if asked.get("SessionPinningFilters"):
        raise invalid("SessionPinningFilters are only supported for engine family MYSQL.")
    return Pool(
        current.max_connections_percent if most is None else most,
        current.max_idle_connections_percent if idle is None else idle,
        current.borrow_timeout if borrow is None else borrow,
        asked.get("InitQuery", current.init_query) or "",
    )


def check_group_name(name: str | None) -> None:
    if name not in (None, DEFAULT):
        raise AwsError("DBProxyTargetGroupNotFoundFault", f"DBProxyTargetGroup {name} doesn't exist.")


def require_available(proxy: Proxy) -> None:
    if proxy.status != "available":
        raise AwsError(
            "InvalidDBProxyStateFault", f"DBProxy {proxy.name} is in an unsupported state - {proxy.status.upper()}, "
            "needs to be in [AVAILABLE]",
        )  # fmt: skip


def check_registration(proxy: Proxy, database: DBInstance, backend: RDSBackend) -> None:
    name = database.db_instance_identifier
    if proxy.target is not None:
        held = proxy.target.database.db_instance_identifier
        raise AwsError(
            "DBProxyTargetAlreadyRegisteredFault",
            f"DBProxy {proxy.name} is already associated with the DB instance {held}; a target group has one target.",
        )
    if database.status not in REGISTRABLE:
        states = ", ".join(_state(status) for status in REGISTRABLE)
        raise AwsError(
            "InvalidDBInstanceState",
            f"DB Instance {name} is in an unsupported state - {_state(database.status)}, needs to be in [{states}]",
        )
    group = subnet_group_of(database)
    vpc_id = group.vpc_id if group else ec2_of(backend).default_vpc.id
    if vpc_id != proxy.vpc_id:
        raise invalid(f"The DB instance {name} is in {vpc_id}, the DB proxy {proxy.name} is in {proxy.vpc_id}.")


def _state(status: str) -> str:
    return status.upper().replace("-", "_")


def checked_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    chosen = {tag["Key"]: tag.get("Value", "") for tag in tags}
    for key in chosen:
        if not 1 <= len(key) <= 128 or key.lower().startswith("aws:"):
            raise invalid(f"Invalid tag key {key}: 1 to 128 characters that don't begin with aws:")
    return chosen
