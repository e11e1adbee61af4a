"""What RDS tells of every instance and moto leaves out."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import Any

from moto.rds.models import DBInstance

from bahnvision_lab.aws.rds import catalogue, network
from bahnvision_lab.aws.rds.checks import AUTHORITIES, LIFECYCLES


def complete(database: DBInstance, params: dict[str, Any]) -> None:
    """Fill in a new instance."""
    letters = string.ascii_uppercase + string.digits
    database.dbi_resource_id = "db-" + "".join(secrets.choice(letters) for _count in range(26))
    database.license_model = catalogue.LICENSE
    database.publicly_accessible = bool(params.get("PubliclyAccessible"))
    database.engine_lifecycle_support = params.get("EngineLifecycleSupport") or LIFECYCLES[0]
    database.database_insights_mode = params.get("DatabaseInsightsMode") or "standard"
    database.enable_performance_insights = bool(params.get("EnablePerformanceInsights"))
    insights_days = params.get("PerformanceInsightsRetentionPeriod") or (
        7 if params.get("EnablePerformanceInsights") else None
    )
    database.performance_insights_retention_period = insights_days
    database.network_type = params.get("NetworkType") or "IPV4"
    database.backup_target = "region"
    database.dedicated_log_volume = bool(params.get("DedicatedLogVolume"))
    database.customer_owned_ip_enabled = False
    database.activity_stream_status = "stopped"
    database.ca_certificate_identifier = params.get("CACertificateIdentifier") or AUTHORITIES[0]
    database.certificate_details = {
        "CAIdentifier": database.ca_certificate_identifier,
        "ValidTill": datetime(2061, 5, 21, tzinfo=UTC),
    }
    database.pending_modified_values = {}
    if params.get("MaxAllocatedStorage"):
        database.max_allocated_storage = params["MaxAllocatedStorage"]
    place(database)


def place(database: DBInstance) -> None:
    """A Multi-AZ instance has its standby's zone, others have none."""
    if not database.multi_az:
        database.secondary_availability_zone = None
    elif not getattr(database, "secondary_availability_zone", None):
        group = network.subnet_group_of(database)
        zones = network.zones_of(group) if group else network.zones_of_region(database.backend)
        database.secondary_availability_zone = network.second_zone(zones, database.availability_zone)


def vpc_of(database: DBInstance) -> str | None:
    group = network.subnet_group_of(database)
    if group is not None:
        return group.vpc_id
    vpc = network.ec2_of(database.backend).default_vpc
    return vpc.id if vpc is not None else None
