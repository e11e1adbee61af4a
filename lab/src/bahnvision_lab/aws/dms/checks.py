"""What DMS refuses before anything is made, and what this lab does not have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import ec2_backends

from bahnvision_lab.aws.dms.books import Books, Certificate, Endpoint
from bahnvision_lab.aws.rds_proxy import access
from bahnvision_lab.aws.refusals import AwsError, LabLacks

CAPACITY = (1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 384)
STARTS = ("start-replication", "resume-processing", "reload-target")
VPC_ROLE, VPC_POLICY = "dms-vpc-role", "AmazonDMSVPCManagementRole"
VERIFYING = ("verify-ca", "verify-full")
ASSESSMENT_SETTINGS = {
    "ResultLocationFolder", "ResultEncryptionMode", "ResultKmsKeyArn", "IncludeOnly", "Exclude",
    "FailOnAssessmentFailure",
}  # fmt: skip
# A prepared target is the only one in which the lab can load.
PREPARED = ("TRUNCATE_BEFORE_LOAD", "DO_NOTHING")


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)


def not_found(what: str) -> AwsError:
    return AwsError("ResourceNotFoundFault", what)


def check_identifier(text: str) -> str:
    if len(text) > 255 or not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", text):
        raise invalid(
            f"The identifier {text} is invalid. Identifiers must begin with a letter; must contain only ASCII letters, "
            "digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )
    return text.lower()


def check_engine(params: Mapping[str, Any]) -> None:
    if params["EngineName"] != "postgres":
        raise LabLacks(f"endpoints of engine {params['EngineName']}, only of postgres")


def checked_settings(books: Books, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return PostgreSQLSettings; the login is a secret, and its role can be taken by DMS."""
    settings = dict(params.get("PostgreSQLSettings") or {})
    clear = {"Username", "Password", "ServerName"} & {*params, *settings}
    secret, role_arn = settings.get("SecretsManagerSecretId"), settings.get("SecretsManagerAccessRoleArn")
    if clear and secret:
        raise AwsError(
            "InvalidParameterCombinationException",
            f"You can't specify both a secret and clear-text values for {', '.join(sorted(clear))}.",
        )
    if clear or not secret or not role_arn:
        raise LabLacks("endpoints without SecretsManagerSecretId and SecretsManagerAccessRoleArn")
    if not settings.get("DatabaseName") and not params.get("DatabaseName"):
        raise invalid("DatabaseName must be given for a PostgreSQL endpoint.")
    role = access.find_role(books.account, books.partition, role_arn)
    if role is None or not access.trusts(role, service_of(books)):
        raise AwsError("AccessDeniedFault", f"The IAM Role {role_arn} is not configured properly.")
    return settings


def service_of(books: Books) -> str:
    """Secrets are read by DMS as a service of its region."""
    return f"dms.{books.region}.amazonaws.com"


def checked_tls(
    books: Books, params: Mapping[str, Any], before: Endpoint | None = None
) -> tuple[str, Certificate | None]:
    """Return the mode and the certificate. An empty ARN takes the certificate away."""
    mode = str(params.get("SslMode") or (before.ssl_mode if before else "none"))
    certificate = before.certificate if before else None
    if "CertificateArn" in params:
        certificate = find_certificate(books, params["CertificateArn"]) if params["CertificateArn"] else None
    if mode in VERIFYING and certificate is None:
        raise AwsError("InvalidParameterCombinationException", f"SslMode {mode} needs a CertificateArn.")
    return mode, certificate


def find_certificate(books: Books, arn: str) -> Certificate:
    found = next((one for one in books.certificates.values() if one.arn == arn), None)
    if found is None:
        raise not_found(f"Certificate {arn} not found.")
    return found


def checked_certificate(params: Mapping[str, Any]) -> str:
    """Return the PEM; what cannot be read as certificates is refused."""
    if params.get("CertificateWallet"):
        raise LabLacks("certificates as an Oracle wallet, only as PEM")
    pem = str(params.get("CertificatePem") or "")
    try:
        x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise AwsError("InvalidCertificateFault", "The certificate was not valid.") from None
    return pem


def checked_assessment(text: str | None) -> dict[str, Any] | None:
    """Return the settings of a premigration assessment; None when none is asked for."""
    if not text:
        return None
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict) or set(settings) - ASSESSMENT_SETTINGS:
        raise invalid(f"PremigrationAssessmentSettings must be JSON with some of {sorted(ASSESSMENT_SETTINGS)}.")
    return settings


def checked_subnets(books: Books, subnet_ids: list[str]) -> tuple[str, list[tuple[str, str]]]:
    """Return the VPC, and the subnets with their zones."""
    check_vpc_role(books)
    ec2 = ec2_backends[books.account][books.region]
    try:
        subnets = [ec2.get_subnet(subnet_id) for subnet_id in subnet_ids]
    except InvalidSubnetIdError as problem:
        raise AwsError("InvalidSubnet", f"The subnets {', '.join(subnet_ids)} are invalid: {problem}") from None
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise AwsError("InvalidSubnet", "The subnets must be in one VPC.")
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise AwsError(
            "ReplicationSubnetGroupDoesNotCoverEnoughAZs",
            "The replication subnet group does not cover enough Availability Zones (AZs). It needs at least two.",
        )
    return subnets[0].vpc_id, [(subnet.id, subnet.availability_zone) for subnet in subnets]


def check_vpc_role(books: Books) -> None:
    arn = f"arn:{books.partition}:iam::{books.account}:role/{VPC_ROLE}"
    role = access.find_role(books.account, books.partition, arn)
    managed = [policy.name for policy in role.managed_policies.values()] if role else []
    if role is None or not access.trusts(role, "dms.amazonaws.com") or VPC_POLICY not in managed:
        raise AwsError("AccessDeniedFault", f"The IAM Role {arn} is not configured properly.")


def find_endpoint(books: Books, arn: str, kind: str = "") -> Endpoint:
    found = next((one for one in books.endpoints.values() if one.arn == arn), None)
    if found is None or kind not in ("", found.kind):
        raise not_found(f"Endpoint {arn} not found" + (f" among those of type {kind}." if kind else "."))
    return found


def checked_compute(books: Books, compute: Mapping[str, Any]) -> dict[str, Any]:
    most = compute.get("MaxCapacityUnits")
    least = compute.get("MinCapacityUnits", 1)
    for units in (least, most):
        if units not in CAPACITY:
            raise invalid(f"{units} is not a valid number of capacity units; valid are {CAPACITY}.")
    if least > most:
        raise invalid("MinCapacityUnits must not be above MaxCapacityUnits.")
    group = compute.get("ReplicationSubnetGroupId", "").lower()
    if group not in books.groups:
        raise not_found(f"Replication Subnet Group {group} not found.")
    ec2 = ec2_backends[books.account][books.region]
    unknown = [one for one in compute.get("VpcSecurityGroupIds") or () if ec2.get_security_group_from_id(one) is None]
    if unknown:
        raise invalid(f"Invalid security groups: {', '.join(unknown)}.")
    return {"MultiAZ": False, "MinCapacityUnits": 1, **compute, "ReplicationSubnetGroupId": group}


def check_type(kind: str) -> None:
    if kind != "full-load":
        raise LabLacks(f"replications of type {kind}, only full-load")


def checked_mappings(text: str) -> str:
    try:
        rules = json.loads(text)["rules"]
        included = [rule for rule in rules if rule["rule-type"] == "selection" and rule["rule-action"] == "include"]
        numbers = [rule["rule-id"] for rule in rules]
    except (ValueError, KeyError, TypeError):
        raise invalid("Error in mapping rules. The table mappings are not valid JSON with rules.") from None
    if not included or len(set(numbers)) < len(numbers):
        raise invalid("Error in mapping rules. Rules need unique ids, and one of them at least must include tables.")
    return text


def checked_task(text: str | None) -> dict[str, Any]:
    try:
        settings = json.loads(text or "{}")
    except ValueError:
        raise invalid("Invalid task settings JSON") from None
    mode = (settings.get("FullLoadSettings") or {}).get("TargetTablePrepMode", "DROP_AND_CREATE")
    if mode not in PREPARED:
        raise LabLacks(f"TargetTablePrepMode {mode}, only {' and '.join(PREPARED)}")
    lobs = settings.get("TargetMetadata") or {}
    if lobs.get("LimitedSizeLobMode") and not 0 < lobs.get("LobMaxSize", 32) <= 102400:
        raise invalid("Invalid task settings: LobMaxSize must be between 1 and 102400.")
    return settings


def checked_tags(tags: list[Mapping[str, str]] | None) -> dict[str, str]:
    for tag in tags or []:
        if tag["Key"].lower().startswith(("aws:", "dms:")) or len(tag["Key"]) > 128 or len(tag.get("Value", "")) > 256:
            raise invalid(f"The tag {tag['Key']} is invalid.")
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}
