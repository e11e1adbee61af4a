"""IAM refuses what AWS refuses, and keeps what it was told."""

from __future__ import annotations

from typing import Any

import pytest
from aws_world import fresh, refused
from bahnvision_lab.testing import Lab
from policy_world import policy, trust

ISSUER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123ABCD"


@pytest.fixture
def iam(lab: Lab) -> Any:
    return lab.client("iam")


@pytest.fixture
def role(iam: Any) -> str:
    name = fresh("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust())
    return name


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "invalid Json"),
        ("[]", "Syntax errors"),
        (trust(Resource="*"), "prohibited field Resource"),
        (trust(Principal=None), "Missing required field Principal"),
        (trust(Action="s3:GetObject"), "STS AssumeRole actions"),
        (trust(Action=["sts:AssumeRole", "sts:GetCallerIdentity"]), "STS AssumeRole actions"),
        (
            trust(Principal={"Federated": ISSUER.replace("/oidc.", "/https://oidc.")}),
            "Federated principals must be valid",
        ),
        (trust(Principal={"Federated": ""}), "Federated principals must be valid"),
        (trust(Principal={"Service": "nope.amazonaws.com"}), '"SERVICE":"nope.amazonaws.com"'),
        (trust(Principal={"Service": "rds.amazonaws.de"}), '"SERVICE":"rds.amazonaws.de"'),
        (trust(Principal={"Services": "rds.amazonaws.com"}), "Invalid principal"),
        (trust(Principal={"AWS": "arn:aws:iam::123456789012:role/nobody"}), "role/nobody"),
        (trust(Condition={"StringEqual": {"aws:SourceAccount": "1"}}), "Syntax errors"),
        (trust(Effect="allow"), "policy"),
        (trust(Sid="with-dash"), "alpha-numeric"),
    ],
)
def test_who_may_assume_a_role_is_read(iam: Any, role: str, document: str, words: str) -> None:
    with refused("MalformedPolicyDocument", words, 400):
        iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=document)
    with refused("MalformedPolicyDocument", words, 400):
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)


@pytest.mark.parametrize(
    "document",
    [
        trust(Principal={"Service": "pods.eks.amazonaws.com"}, Action=["sts:AssumeRole", "sts:TagSession"]),
        trust(Principal={"Federated": ISSUER}, Action="sts:AssumeRoleWithWebIdentity"),
    ],
)
def test_pods_may_be_trusted_in_two_ways(iam: Any, document: str) -> None:
    iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=document)


@pytest.mark.parametrize("service", ["rds", "monitoring.rds", "vpc-flow-logs", "delivery.logs", "lambda", "export.rds"])
def test_services_of_the_roles_are_known(iam: Any, service: str) -> None:
    document = trust(Principal={"Service": f"{service}.amazonaws.com"})
    iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (policy(Action="decrypt"), "prefaced by a vendor"),
        (policy(Resource=None), "must contain resources"),
        (policy(Resource="a secret"), "ARN format"),
        (policy(Principal="*"), "should not specify a principal"),
        (policy(Conditions={}), "Syntax errors"),
        (policy(Sid="with-dash"), "alpha-numeric"),
    ],
)
def test_what_a_role_may_do_is_read(iam: Any, role: str, document: str, words: str) -> None:
    with refused("MalformedPolicyDocument", words, 400):
        iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document)


def test_names_of_roles(iam: Any, role: str) -> None:
    with refused("EntityAlreadyExists", "already exists", 409):
        iam.create_role(RoleName=role.upper(), AssumeRolePolicyDocument=trust())
    with refused("ValidationError", "regular expression", 400):
        iam.create_role(RoleName="with blank", AssumeRolePolicyDocument=trust())
    with refused("ValidationError", "less than or equal to 64", 400):
        iam.create_role(RoleName="r" * 65, AssumeRolePolicyDocument=trust())
    with refused("NoSuchEntity", "Scope ARN", 404):
        iam.create_role(
            RoleName=fresh("role"), AssumeRolePolicyDocument=trust(),
            PermissionsBoundary="arn:aws:iam::123456789012:policy/none",
        )  # fmt: skip


def test_a_role_is_deleted_when_nothing_hangs_on_it(iam: Any, role: str) -> None:
    monitoring = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy())
    iam.attach_role_policy(RoleName=role, PolicyArn=monitoring)
    with refused("DeleteConflict", "", 409):
        iam.delete_role(RoleName=role)
    iam.delete_role_policy(RoleName=role, PolicyName="p")
    with refused("DeleteConflict", "", 409):
        iam.delete_role(RoleName=role)
    iam.detach_role_policy(RoleName=role, PolicyArn=monitoring)
    iam.delete_role(RoleName=role)


def test_roles_of_services_are_theirs(iam: Any) -> None:
    made = iam.create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")["Role"]
    assert made["RoleName"] == "AWSServiceRoleForElastiCache"
    with refused("InvalidInput", "has been taken", 400):
        iam.create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")
    with refused("UnmodifiableEntity", "only modifiable by AWS", 400):
        iam.delete_role(RoleName=made["RoleName"])


def test_keys_of_tags_are_not_those_of_aws(iam: Any, role: str) -> None:
    with refused("InvalidInput", "aws:", 400):
        iam.tag_role(RoleName=role, Tags=[{"Key": "aws:x", "Value": "y"}])
