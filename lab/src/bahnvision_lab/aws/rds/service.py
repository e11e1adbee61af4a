"""RDS's operations: moto keeps the books, the checks refuse what AWS refuses, real servers do the work."""

from __future__ import annotations

import json
import secrets
import string
from typing import Any

import moto.rds.urls
from moto.core.responses import ActionResult
from moto.rds.models import DBInstance, MasterUserSecret, rds_backends
from moto.rds.responses import RDSResponse

from bahnvision_lab.aws.rds import bootstrap, checks
from bahnvision_lab.aws.rds.catalogue import ENGINE, LICENSE
from bahnvision_lab.aws.rds.instances import Fleet, Key, RealInstance, Wish
from bahnvision_lab.aws.refusals import LabLacks

_fleet: Fleet  # set by install()


def install(fleet: Fleet) -> None:
    """Put this module's operations in the place of moto's. Before the first request."""
    global _fleet
    _fleet = fleet
    moto.rds.urls.url_paths["{0}/$"] = LabRDS.dispatch
    DBInstance.endpoint = property(_endpoint)
    MasterUserSecret._generate_secret_string = _secret_text


class LabRDS(RDSResponse):
    """moto's RDS with the lab's checks before and real servers behind."""

    def create_db_instance(self) -> ActionResult:
        checks.prepare_create(self.params, self.backend)
        result = super().create_db_instance()
        database = self.backend.databases[self.params["DBInstanceIdentifier"]]
        database.status = "creating"
        database.license_model = LICENSE
        database.dbi_resource_id = "db-" + "".join(
            secrets.choice(string.ascii_uppercase + string.digits) for _ in range(26)
        )
        checks.place(database, self.params)
        instance = _fleet.create(key_of(database), _wish(database))
        _fleet.in_background(
            f"CreateDBInstance {database.db_instance_identifier}",
            lambda: _build(database, instance),
            lambda: _set_status(database, "failed"),
        )
        _fleet.on_change()
        return result


def key_of(database: DBInstance) -> Key:
    return (database.account_id, database.region, database.db_instance_identifier)


def statuses() -> dict[Key, dict[str, Any]]:
    """What the API says of each real instance, for the lab's status."""
    found = {}
    for key in _fleet.all():
        database = rds_backends[key[0]][key[1]].databases.get(key[2])
        if database is not None:
            found[key] = {"status": database.status, "engine_version": database.engine_version}
    return found


def _build(database: DBInstance, instance: RealInstance) -> None:
    with instance.lock:
        _fleet.build(instance)
    _set_status(database, "available")


def _set_status(database: DBInstance, status: str) -> None:
    database.status = status


def _wish(database: DBInstance) -> Wish:
    return Wish(
        engine_version=database.engine_version,
        master_username=database.master_username,
        master_password=master_password(database),
        database=database.db_name,
        settings={},
        force_ssl=True,
    )


def master_password(database: DBInstance) -> str:
    """Return the password that the API was given, or that its secret holds."""
    if not database.manage_master_user_password:
        return database._master_user_password
    manager = database.backend.secretsmanager
    secret = manager.get_secret_value(database.master_user_secret.secret_arn, "", "")
    return json.loads(secret["SecretString"])["password"]


def _endpoint(database: DBInstance) -> dict[str, Any] | None:
    """None while the instance is made: DescribeDBInstances has no Endpoint then."""
    instance = _fleet.find(key_of(database))
    if instance is None or instance.endpoint is None:
        return None
    address, port = instance.endpoint
    return {"Address": address, "Port": port, "HostedZoneId": "Z1RLNUO7B9Q6NB"}


def _secret_text(secret: MasterUserSecret) -> str:
    return json.dumps({"username": secret.resource.master_username, "password": bootstrap.new_password()})
