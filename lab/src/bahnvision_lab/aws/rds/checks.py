"""What RDS refuses, with its codes and words."""

from __future__ import annotations

from typing import Any

from moto.rds.models import DBInstance, RDSBackend

from bahnvision_lab.aws.rds import catalogue
from bahnvision_lab.aws.refusals import AwsError, LabLacks


def prepare_create(params: dict[str, Any], backend: RDSBackend) -> None:
    """Refuse what AWS refuses, and fill in what AWS fills in."""
    if params["Engine"] != catalogue.ENGINE:
        raise LabLacks(f"servers of engine {params['Engine']}, only of {catalogue.ENGINE}")
    wanted = params.get("EngineVersion") or catalogue.default_version()
    version = catalogue.find(wanted)
    if version is None:
        raise AwsError("InvalidParameterCombination", f"Cannot find version {wanted} for {catalogue.ENGINE}")
    params["EngineVersion"] = version
    params.setdefault("StorageType", "gp3")


def place(database: DBInstance, params: dict[str, Any]) -> None:
    database.secondary_availability_zone = None
