"""Policy documents, read as closely as IAM reads them: moto's own checks, which it uses too rarely, and more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import iam_backends
from moto.iam.policy_validation import (
    BaseIAMPolicyValidator,
    IAMPolicyDocumentValidator,
    IAMTrustPolicyDocumentValidator,
)

from bahnvision_lab.aws.naming import botocore_services
from bahnvision_lab.aws.refusals import AwsError

MALFORMED = "MalformedPolicyDocument"
# Services that act in an account under a name that is no client's name.
PRINCIPALS = frozenset({
    "vpc-flow-logs", "delivery", "monitoring", "pods", "opensearchservice", "eks-fargate-pods", "ecs-tasks",
    "edgelambda", "elasticloadbalancing", "spotfleet", "automation", "aps", "states", "es", "replicator",
})  # fmt: skip
_ASSUMES = re.compile(r"sts:(AssumeRole\w*|TagSession|SetSourceIdentity|SetContext|\*)")
# A domain name (accounts.google.com), or the ARN of a provider: its issuer is written without a scheme.
_FEDERATED = re.compile(
    r"[a-z0-9-]+(\.[a-z0-9-]+)+|arn:aws[a-z-]*:iam::\d{12}:(saml-provider/.+|oidc-provider/[^/:]+(:\d+)?(/[^/:]+)*)"
)
_SID = re.compile(r"[0-9A-Za-z]*")
_IDENTITY = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(role|user)/(?:.*/)?([^/]+)")


def check_identity(document: str) -> None:
    """Refuse what cannot be a policy of a role or user."""
    _require_json(document)
    for statement in _statements(document):
        if "Principal" in statement or "NotPrincipal" in statement:
            raise AwsError(MALFORMED, "Policy document should not specify a principal.")
    IAMPolicyDocumentValidator(document).validate()
    _check_sids(document)


def check_trust(document: str, account: str) -> None:
    """Refuse what cannot say who may assume a role."""
    _require_json(document)
    for statement in _statements(document):
        if "Resource" in statement or "NotResource" in statement:
            raise AwsError(MALFORMED, "Has prohibited field Resource")
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise AwsError(MALFORMED, "Missing required field Principal")
        actions = statement.get("Action", [])
        if not all(_ASSUMES.fullmatch(str(action)) for action in _as_list(actions)):
            raise AwsError(MALFORMED, "AssumeRole policy may only specify STS AssumeRole actions.")
    IAMTrustPolicyDocumentValidator(document).validate()
    _check_sids(document)
    check_principals(document, account)


def check_resource(document: str, account: str, code: str, message: str) -> None:
    """Refuse what cannot be the policy of a resource, with the code and words of its service."""
    try:
        _require_json(document)
        # A resource's policy may leave the version out; moto's check wants the present one.
        BaseIAMPolicyValidator(json.dumps({**json.loads(document), "Version": "2012-10-17"})).validate()
        if not all("Principal" in one or "NotPrincipal" in one for one in _statements(document)):
            raise AwsError(MALFORMED, "Missing required field Principal")
        check_principals(document, account)
    except (AwsError, MalformedPolicyDocument) as problem:
        raise AwsError(code, message) from problem


def check_principals(document: str, account: str) -> None:
    """Refuse principals that do not exist, of which IAM knows the services and what is in the account."""
    for kind, name in _principals(document):
        if kind == "Federated" and not _FEDERATED.fullmatch(name):
            raise AwsError(MALFORMED, "Federated principals must be valid domain names or SAML metadata ARNs")
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
            raise AwsError(MALFORMED, f'Invalid principal in policy: "{kind.upper()}":"{name}"')
        fits = {"Service": _is_service, "AWS": lambda who: _is_identity(who, account)}.get(kind)
        if fits is not None and not fits(name):
            raise AwsError(MALFORMED, f'Invalid principal in policy: "{kind.upper()}":"{name}"')


def _principals(document: str) -> Iterator[tuple[str, str]]:
    for statement in _statements(document):
        principal = statement.get("Principal", statement.get("NotPrincipal", "*"))
        if isinstance(principal, str):
            yield "AWS", principal
            continue
        for kind, names in principal.items():
            yield from ((kind, str(name)) for name in ([names] if isinstance(names, str) else names))


def _is_service(name: str) -> bool:
    host, dot, _rest = name.partition(".amazonaws.com")
    known = botocore_services() | PRINCIPALS
    return bool(dot) and name in (f"{host}.amazonaws.com", f"{host}.amazonaws.com.cn") and (
        host in known or any(part in known for part in host.split("."))
    )  # fmt: skip


def _is_identity(name: str, account: str) -> bool:
    if name == "*" or re.fullmatch(r"\d{12}|arn:aws[a-z-]*:iam::\d{12}:root|arn:aws[a-z-]*:sts::\d{12}:.+", name):
        return True
    found = _IDENTITY.fullmatch(name)
    if found is None:
        return False
    if found[1] != account:
        return True  # another account's; the lab has none to ask
    backend = iam_backends[account]["aws"]
    names = [role.name for role in backend.get_roles()] if found[2] == "role" else list(backend.users)
    return found[3] in names


def _check_sids(document: str) -> None:
    if not all(_SID.fullmatch(statement.get("Sid", "")) for statement in _statements(document)):
        raise AwsError(
            MALFORMED,
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*",
        )


def _require_json(document: str) -> None:
    try:
        parsed = json.loads(document)
    except ValueError:
        raise AwsError(MALFORMED, "This policy contains invalid Json") from None
    statements = parsed.get("Statement") if isinstance(parsed, dict) else None
    if not statements or not all(isinstance(one, dict) for one in _as_list(statements)):
        raise AwsError(MALFORMED, "Syntax errors in policy.")


def _statements(document: str) -> list[dict[str, Any]]:
    return _as_list(json.loads(document)["Statement"])


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
