"""Names and passwords: what RDS takes and what it refuses."""

from __future__ import annotations

import re
from typing import Any

from bahnvision_lab.aws.rds import catalogue
from bahnvision_lab.aws.refusals import AwsError

FORBIDDEN = '/@" '
RESERVED_ROLES = {"admin", "rdsadmin", "rdsrepladmin"}


def check_identifier(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", name) or len(name) > 63:
        raise AwsError(
            "InvalidParameterValue",
            "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a letter; "
            "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens.",
        )


def check_master_user(name: str | None) -> None:
    if not name:
        raise _blank("MasterUsername")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise AwsError("InvalidParameterValue", "The parameter MasterUsername is not a valid identifier. Identifiers "
                       "must begin with a letter or underscore; and must contain only ASCII letters, digits, and "
                       "underscores.")  # fmt: skip
    if name.lower() in RESERVED_ROLES | _reserved_words() or name.lower().startswith(("pg_", "rds_")):
        raise AwsError(
            "InvalidParameterValue", f"MasterUsername {name} cannot be used as it is a reserved word used by the engine"
        )


def check_database_name(name: str | None) -> None:
    if name is None:
        return
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise AwsError(
            "InvalidParameterValue", "DBName must begin with a letter and contain only alphanumeric characters."
        )
    if name.lower() in _reserved_words() | {"rdsadmin", "template0", "template1"}:
        raise AwsError("InvalidParameterValue", f"DBName {name} cannot be used. It is a reserved word for this engine")


def check_password(password: str) -> None:
    intro = "The parameter MasterUserPassword is not a valid password"
    if any(character in FORBIDDEN or not " " <= character <= "~" for character in password):
        allowed = "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        raise AwsError("InvalidParameterValue", f"{intro}. {allowed}")
    if len(password) < 8:
        raise AwsError("InvalidParameterValue", f"{intro} because it is shorter than 8 characters.")
    if len(password) > 128:
        raise AwsError("InvalidParameterValue", f"{intro} because it is longer than 128 characters.")


def check_credentials(params: dict[str, Any]) -> None:
    """Of a new instance: who the master user is, and who keeps its password."""
    check_master_user(params.get("MasterUsername"))
    check_database_name(params.get("DBName"))
    password, managed = params.get("MasterUserPassword"), params.get("ManageMasterUserPassword")
    if password is not None and managed:
        raise AwsError(
            "InvalidParameterCombination",
            "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.",
        )
    if params.get("MasterUserSecretKmsKeyId") and not managed:
        raise AwsError(
            "InvalidParameterCombination",
            "You can't specify MasterUserSecretKmsKeyId when ManageMasterUserPassword isn't enabled.",
        )
    if managed:
        return
    if not password:
        raise _blank("MasterUserPassword")
    check_password(password)


def _blank(name: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"The parameter {name} must be provided and must not be blank.")


def _reserved_words() -> set[str]:
    return set(catalogue.table("reserved_words")["words"])
