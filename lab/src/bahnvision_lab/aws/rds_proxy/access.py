"""What the proxy's role may read: its policies are weighed as IAM weighs them, as far as they can matter here.

Left out: the resource policies of secrets and keys, which are rare between a role and a secret of one account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import Role, iam_backends
from moto.kms.models import Key, kms_backends
from moto.secretsmanager.models import secretsmanager_backends

CHINA = "amazonaws.com.cn"
SERVICE = "rds.amazonaws.com"
AWS_MANAGED = "alias/aws/secretsmanager"  # every principal of the account may use it through the service
# EKS Pod Identity puts tags on each session, and refuses a role that does not let it.
NEEDED = {"pods.eks.amazonaws.com": ("sts:AssumeRole", "sts:TagSession")}


class DeniedError(Exception):
    """Why a secret cannot be used, in words for TargetHealth."""


def find_role(account: str, partition: str, arn: str) -> Role | None:
    try:
        return iam_backends[account][partition].get_role_by_arn(arn)
    except NotFoundException:
        return None


def trusts_rds(role: Role) -> bool:
    return trusts(role, SERVICE)


def trusts(role: Role, service: str, source: Mapping[str, str] | None = None) -> bool:
    """`source` is what the service sends of whom it works for; without it, conditions are not weighed."""
    for statement in _statements(role.assume_role_policy_document):
        principal = statement.get("Principal", {})
        services = ["*"] if principal == "*" else _listed(principal.get("Service"))
        covered = all(_covers(statement, "Action", action) for action in NEEDED.get(service, ("sts:AssumeRole",)))
        allows = statement.get("Effect") == "Allow" and covered
        if allows and service in services and (source is None or _holds(statement.get("Condition", {}), source)):
            return True
    return False


def credentials(account: str, region: str, partition: str, role_arn: str, secret_arn: str) -> dict[str, str]:
    """Return the login that the secret holds, read as the role; raise DeniedError when the role cannot."""
    return _parse(secret_arn, secret_text(account, region, partition, role_arn, secret_arn, SERVICE))


def secret_text(account: str, region: str, partition: str, role_arn: str, secret_arn: str, service: str) -> str:
    """Return what the secret holds, read by the service as the role; raise DeniedError with the reason otherwise."""
    role = find_role(account, partition, role_arn)
    if role is None or not trusts(role, service):
        raise DeniedError(f"the role {role_arn} does not exist or does not trust {service}")
    secret = secretsmanager_backends[account][region].secrets.get(secret_arn)
    if secret is None or secret.is_deleted():
        raise DeniedError(f"the secret {secret_arn} does not exist or is being deleted")
    _require(role, "secretsmanager:GetSecretValue", secret.arn, {})
    if secret.kms_key_id not in (None, AWS_MANAGED):
        _require_key(role, account, region, secret.kms_key_id, secret.arn)
    return _text(secret)


def _require_key(role: Role, account: str, region: str, key_id: str, secret_arn: str) -> None:
    kms = kms_backends[account][region]
    alias = kms.get_alias_name(key_id)
    known = kms.get_key_id_from_alias(alias) if alias.startswith("alias/") else kms.get_key_id(key_id)
    key: Key | None = kms.keys.get(known)
    if key is None or not key.enabled or key.deletion_date:
        raise DeniedError(
            f"the key {key_id} of the secret {secret_arn} does not exist, is disabled or is being deleted"
        )
    context = {
        "kms:ViaService": f"secretsmanager.{region}.{CHINA if region.startswith('cn-') else 'amazonaws.com'}",
        "kms:CallerAccount": account,
        "kms:EncryptionContext:SecretARN": secret_arn,
    }
    _require(role, "kms:Decrypt", key.arn, context)


def _text(secret: Any) -> str:
    for version in secret.versions.values():
        if "AWSCURRENT" in version.get("version_stages", ()):
            return version.get("secret_string") or ""
    return ""


def _parse(secret_arn: str, text: str) -> dict[str, str]:
    try:
        content = json.loads(text)
        found = {name: str(content[name]) for name in ("username", "password")}
    except (ValueError, KeyError, TypeError):
        raise DeniedError(f"the secret {secret_arn} holds no JSON with username and password") from None
    return {**found, "dbname": str(content.get("dbname") or "")}


def _require(role: Role, action: str, resource: str, context: Mapping[str, str]) -> None:
    if not is_allowed(role, action, resource, context):
        raise DeniedError(f"the role {role.arn} is not authorized to perform {action} on {resource}")


def is_allowed(role: Role, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """A denial wins; else one statement must allow it, and the permissions boundary too where there is one."""
    documents = [*role.policies.values(), *(policy.document for policy in role.managed_policies.values())]
    grants = _verdict(documents, action, resource, context)
    boundary = iam_backends[role.account_id][role.partition].managed_policies.get(role.permissions_boundary_arn or "")
    return grants and (boundary is None or _verdict([boundary.document], action, resource, context))


def _verdict(documents: list[str], action: str, resource: str, context: Mapping[str, str]) -> bool:
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in _statements(document)
        if _covers(statement, "Action", action)
        and _covers(statement, "Resource", resource)
        and _holds(statement.get("Condition", {}), context)
    }
    return effects == {"Allow"}


def _statements(document: str) -> Iterator[dict[str, Any]]:
    yield from _listed(json.loads(document).get("Statement"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _covers(statement: Mapping[str, Any], member: str, wanted: str) -> bool:
    ignore_case = member == "Action"
    if f"Not{member}" in statement:
        return not any(_like(pattern, wanted, ignore_case) for pattern in _listed(statement[f"Not{member}"]))
    return any(_like(pattern, wanted, ignore_case) for pattern in _listed(statement.get(member)))


def _like(pattern: str, value: str, ignore_case: bool = False) -> bool:
    """IAM knows * and ?, and nothing else that fnmatch knows."""
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """True when each operator holds for each of its keys. What this lab does not know, does not hold."""
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _matches(operator, known.get(key.lower()), [str(value) for value in _listed(values)])
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _matches(operator: str, value: str | None, wanted: list[str]) -> bool:
    name = operator.removesuffix("IfExists")
    if value is None:
        return operator.endswith("IfExists") or "Not" in name
    if name in ("StringEquals", "ArnEquals"):
        return value in wanted
    if name == "StringNotEquals":
        return value not in wanted
    if name in ("StringLike", "ArnLike"):
        return any(_like(pattern, value) for pattern in wanted)
    return False
