"""The secret that RDS manages for a master user: real contents, and rotation that reaches the server."""

from __future__ import annotations

import json

from moto.rds.models import DBInstance, MasterUserSecret

from bahnvision_lab.aws.rds import bootstrap


def install() -> None:
    MasterUserSecret._generate_secret_string = _generate
    MasterUserSecret.rotate_secret = _rotate
    MasterUserSecret.secret_status = property(_status)


def master_password(database: DBInstance) -> str:
    """Return the password that the API was given, or that its secret holds."""
    if not database.manage_master_user_password:
        return database._master_user_password
    manager = database.backend.secretsmanager
    secret = manager.get_secret_value(database.master_user_secret.secret_arn, "", "")
    return json.loads(secret["SecretString"])["password"]


def _generate(secret: MasterUserSecret) -> str:
    return json.dumps({"username": secret.resource.master_username, "password": bootstrap.new_password()})


def _rotate(secret: MasterUserSecret) -> None:
    """moto would wait for a rotation function; RDS needs none."""
    secret.secretsmanager.put_secret_value(
        secret_id=secret.secret_arn,
        secret_string=_generate(secret),
        secret_binary="",
        client_request_token="",
        version_stages=["AWSCURRENT"],
    )
    secret._status = "rotating"


def _status(secret: MasterUserSecret) -> str:
    """The secret is of use when the server takes what it holds: when the work on the instance is done."""
    if secret.resource.status == "available":
        secret._status = "active"
    return secret._status
