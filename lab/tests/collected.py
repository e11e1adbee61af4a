"""Which AWS operations the collection uses, read from its source.

Operations are named in `call(client, "operation", ...)` and `pages(...)`; some are made up of parts there, and some
stand in a table first. So every string in the source that is the name of an operation of a service that the file
speaks to counts. What f-strings make is listed by hand: a new f-string fails the test until it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boto3
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Which services the code of a folder speaks to: the first is meant by a client without a telling name.
SERVICES = {
    "_application": ("ec2", "rds", "secretsmanager"),
    "_dms": ("dms", "secretsmanager", "sts"),
    "_ec2": ("ec2",),
    "_eks": ("eks", "ec2", "iam", "sts", "elbv2"),
    "_elasticache": ("elasticache", "secretsmanager", "kms", "logs"),
    "_iam": ("iam", "sts"),
    "_rds": ("rds", "kms"),
    "_rds_proxy": ("rds", "iam"),
    "_rds_user": ("secretsmanager", "rds", "kms"),
    "_kms": ("kms",),
    "_resource": (),
    "_vpc": ("ec2", "logs", "iam", "s3", "kms"),
}
CLIENTS = {
    "cache": "elasticache",
    "elb": "elbv2",
    "manager": "secretsmanager",
}  # names of clients that are not those of services
PREFIXES = {"elbv2": "elasticloadbalancing"}  # as IAM and the request log call it
# What the f-strings in the place of an operation make.
MADE = {
    "f'revoke_security_group_{direction}'": ("revoke_security_group_ingress", "revoke_security_group_egress"),
    "f'restore_db_instance_{kind}'": (
        "restore_db_instance_from_db_snapshot", "restore_db_instance_to_point_in_time",
    ),
    "f'{action.verb}_user'": ("create_user", "modify_user", "delete_user"),
    "f'{action.verb}_user_group'": ("create_user_group", "modify_user_group", "delete_user_group"),
}  # fmt: skip
_KINDS = {
    "_rds": ("db_subnet_group", "db_parameter_group"),
    "_elasticache": ("cache_subnet_group", "cache_parameter_group"),
}
OF_KINDS = {
    "f'describe_{kind.operation}'": ("describe_{}s",),
    "f'{action.verb}_{kind.kind}'": ("create_{}", "modify_{}", "delete_{}"),
    "f'delete_{kind.kind}'": ("delete_{}",),
}
# Modules of other collections that roles use, with what they call.
UPSTREAM = {
    "amazon.aws.cloudwatchlogs_log_group": (
        "logs:create_log_group", "logs:delete_log_group", "logs:describe_log_groups", "logs:put_retention_policy",
        "logs:delete_retention_policy", "logs:list_tags_log_group", "logs:tag_log_group", "logs:untag_log_group",
    ),
    "amazon.aws.cloudwatchlogs_log_group_info": ("logs:describe_log_groups", "logs:list_tags_log_group"),
    "amazon.aws.ec2_security_group": (
        "ec2:describe_security_groups", "ec2:create_security_group", "ec2:delete_security_group",
        "ec2:authorize_security_group_ingress", "ec2:authorize_security_group_egress",
        "ec2:revoke_security_group_ingress", "ec2:revoke_security_group_egress",
        "ec2:update_security_group_rule_descriptions_ingress", "ec2:update_security_group_rule_descriptions_egress",
        "ec2:describe_vpcs", "ec2:create_tags", "ec2:delete_tags", "sts:get_caller_identity",
    ),
    "amazon.aws.ec2_security_group_info": ("ec2:describe_security_groups",),
    "amazon.aws.ec2_vpc_net_info": ("ec2:describe_vpcs", "ec2:describe_vpc_attribute"),
    "amazon.aws.ec2_vpc_route_table_info": ("ec2:describe_route_tables",),
    "amazon.aws.ec2_vpc_subnet_info": ("ec2:describe_subnets",),
    "amazon.aws.iam_role": (
        "iam:get_role", "iam:create_role", "iam:attach_role_policy", "iam:list_attached_role_policies",
        "iam:list_instance_profiles_for_role",
    ),
    "amazon.aws.iam_role_info": (
        "iam:get_role", "iam:list_role_policies", "iam:list_attached_role_policies",
        "iam:list_instance_profiles_for_role",
    ),
    "amazon.aws.rds_instance_info": ("rds:describe_db_instances", "rds:list_tags_for_resource"),
    "amazon.aws.rds_snapshot_info": ("rds:describe_db_snapshots", "rds:list_tags_for_resource"),
}  # fmt: skip


def of_plugins() -> dict[str, str]:
    """Return {"service:Operation": where it was found} for our own modules."""
    found = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        where = str(path.relative_to(ROOT))
        for service, operation in _of_file(path):
            found.setdefault(_named(service, operation), where)
    return found


def of_roles() -> dict[str, str]:
    """Return the same for the modules of other collections that roles and playbooks use."""
    found = {}
    for path in sorted([*(ROOT / "roles").glob("*/tasks/**/*.yml"), *(ROOT / "playbooks").rglob("*.yml")]):
        for module in sorted(set(_modules(yaml.safe_load(path.read_text())))):
            for used in UPSTREAM[module]:
                found.setdefault(_named(*used.split(":")), f"{module} in {path.relative_to(ROOT)}")
    return found


def _modules(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _modules(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if re.fullmatch(r"(amazon|community)\.aws\.\w+", str(key)):
                yield str(key)
            yield from _modules(value)


def _of_file(path: Path) -> Iterator[tuple[str, str]]:
    services = SERVICES.get(path.parent.name, ())
    if not services:
        speaks = "_resource.calls import" in path.read_text() and path.parent.name not in SERVICES
        assert not speaks, f"say in {Path(__file__).name} which services {path.relative_to(ROOT)} speaks to"
        return
    tree = ast.parse(path.read_text())
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in ("call", "pages") and len(node.args) > 1:
            operation = node.args[1]
            if isinstance(operation, ast.JoinedStr):
                yield from _made(path.parent.name, services, ast.unparse(operation))
            elif isinstance(operation, ast.Constant):
                named.add(id(operation))
                yield _service(node.args[0], services, operation.value), operation.value
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in named and isinstance(node.value, str):
            owner = next((service for service in services if node.value in operations(service)), None)
            if owner is not None:
                yield owner, node.value


def _made(folder: str, services: tuple[str, ...], text: str) -> Iterator[tuple[str, str]]:
    if text in OF_KINDS:
        for pattern in OF_KINDS[text]:
            yield from ((services[0], pattern.format(kind)) for kind in _KINDS[folder])
        return
    assert text in MADE, f"say in {Path(__file__).name} which operations {text} makes"
    yield from ((services[0], operation) for operation in MADE[text])


def _service(client: ast.expr, services: tuple[str, ...], operation: str) -> str:
    told = _name(client)
    if isinstance(client, ast.Subscript) and isinstance(client.slice, ast.Constant):
        told = str(client.slice.value)
    told = CLIENTS.get(told, told)
    if told in SERVICES["_vpc"] + SERVICES["_elasticache"] + SERVICES["_rds"] + SERVICES["_eks"]:
        return told
    return next(service for service in services if operation in operations(service))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


@cache
def operations(service: str) -> dict[str, str]:
    """Return the operations of a service: {name of the client's method: name in AWS}."""
    return boto3.session.Session().client(
        service, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    ).meta.method_to_api_mapping  # fmt: skip


def _named(service: str, operation: str) -> str:
    return f"{PREFIXES.get(service, service)}:{operations(service)[operation]}"
