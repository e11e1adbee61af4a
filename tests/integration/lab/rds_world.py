"""An instance of the lab for tests that call the modules' own functions: no playbook, so many cases in little time."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.instance import ensure_instance
from ansible_collections.bahnvision.aws.plugins.module_utils._rds.spec import INSTANCE_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.spec import USER_SPEC
from ansible_collections.bahnvision.aws.plugins.module_utils._rds_user.user import ensure_user
from bahnvision_lab.testing import Lab

IDENTITY = {"app": "bahnvision", "stage": "lab"}
SECRET = "bahnvision-lab-rds-app"


class World:
    """One lab, its clients, and the two modules with the wishes that the role would have."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.clients = {name: lab.client(name) for name in ("rds", "secretsmanager", "kms", "iam")}
        self.rds, self.secrets = self.clients["rds"], self.clients["secretsmanager"]

    def instance(self, identifier: str = "bahnvision-lab", check_mode: bool = False, **wish: Any) -> dict[str, Any]:
        defaults = {name: option.get("default") for name, option in INSTANCE_SPEC.items()}
        ours = {"identifier": identifier, "db_name": "bahnvision", "wait_pause": 0.2, "multi_az": False, "tags": {}}
        return ensure_instance(self.clients, defaults | IDENTITY | ours | wish, check_mode)

    def parameter_group(self, name: str, family: str, values: dict[str, str]) -> None:
        self.rds.create_db_parameter_group(
            DBParameterGroupName=name, DBParameterGroupFamily=family, Description="of a test"
        )
        changes = [
            {"ParameterName": key, "ParameterValue": value, "ApplyMethod": "immediate"} for key, value in values.items()
        ]
        self.rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=changes)

    def user(self, check_mode: bool = False, **wish: Any) -> dict[str, Any]:
        defaults = {name: option.get("default") for name, option in USER_SPEC.items()}
        ours = {
            "identifier": "bahnvision-lab", "database": "bahnvision", "username": "bahnvision_app",
            "secret_name": SECRET, "sslrootcert": self.lab.status()["ca_bundle"], "tags": {},
        }  # fmt: skip
        return ensure_user(self.clients, defaults | IDENTITY | ours | wish, check_mode)

    def content(self, stage: str = "AWSCURRENT", secret: str = SECRET) -> dict[str, Any]:
        found = self.secrets.get_secret_value(SecretId=secret, VersionStage=stage)
        return json.loads(found["SecretString"])

    def stages(self) -> list[str]:
        versions = self.secrets.describe_secret(SecretId=SECRET)["VersionIdsToStages"]
        return sorted(label for labels in versions.values() for label in labels)

    def connect(self, content: dict[str, Any], **options: Any) -> psycopg.Connection[Any]:
        """Connect as any PostgreSQL client does who reads the secret: over TLS, with the certificate's name checked."""
        settings = {
            "host": content["host"], "port": content["port"], "dbname": content["dbname"],
            "user": content["username"], "password": content["password"], "sslmode": "verify-full",
            "sslrootcert": self.lab.status()["ca_bundle"], "autocommit": True,
        }  # fmt: skip
        return psycopg.connect(**(settings | options))

    def master(self, identifier: str = "bahnvision-lab") -> psycopg.Connection[Any]:
        return psycopg.connect(self.lab.status()["databases"][identifier]["dsn"], autocommit=True)

    def writes(self) -> int:
        lines = self.lab.state.request_log.read_text().split("\n")[:-1]
        return sum(json.loads(line)["write"] for line in lines)
