"""RDS's events, in its words, and DescribeEvents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend

from bahnvision_lab.aws.refusals import AwsError

# Message: category. The numbers are AWS's (RDS-EVENT-...), which DescribeEvents does not tell.
CATEGORIES = {
    "Backing up DB instance": "backup",  # 0001
    "Finished DB instance backup": "backup",  # 0002
    "DB instance deleted": "deletion",  # 0003
    "DB instance shutdown": "availability",  # 0004
    "DB instance created": "creation",  # 0005
    "DB instance restarted": "availability",  # 0006
    "Applying modification to database instance class": "configuration change",  # 0012
    "Multi-AZ instance failover started.": "failover",  # 0013
    "Finished applying modification to DB instance class": "configuration change",  # 0014
    "Reset master credentials": "configuration change",  # 0016
    "Finished applying modification to allocated storage": "configuration change",  # 0017
    "Applying modification to allocated storage": "configuration change",  # 0018
    "Restored from DB instance {} to {}": "restoration",  # 0019
    "Applying modification to convert to a Multi-AZ DB instance": "configuration change",  # 0024
    "Finished applying modification to convert to a Multi-AZ DB instance": "configuration change",  # 0025
    "Disabled automated backups": "configuration change",  # 0028
    "Finished applying modification to convert to a standard (Single-AZ) DB instance": "configuration change",  # 0029
    "Applying modification to convert to a standard (Single-AZ) DB instance": "configuration change",  # 0030
    "Enabled automated backups": "configuration change",  # 0032
    "Creating manual snapshot": "creation",  # 0040
    "Deleted user snapshot": "deletion",  # 0041
    "Manual snapshot created": "creation",  # 0042
    "Restored from snapshot {}": "restoration",  # 0043
    "Multi-AZ instance failover completed": "failover",  # 0049
    "Finished copy of snapshot {}": "notification",  # 0060
    "DB instance stopped": "notification",  # 0087
    "DB instance started": "notification",  # 0088
    "Creating automated snapshot": "creation",  # 0090
    "Automated snapshot created": "creation",  # 0091
}
DEFAULT_DURATION = 60  # minutes that DescribeEvents looks back
KEPT = timedelta(days=14)


@dataclass(frozen=True)
class Event:
    """One row, with the attributes that moto's serializer looks for."""

    source_identifier: str
    source_type: str
    source_arn: str
    message: str
    event_categories: list[str]
    date: datetime


def install() -> None:
    """moto tells some events at the moment of the call, before anything has happened: here the work tells them."""
    DBInstance.add_event = DBSnapshot.add_event = lambda _resource, _kind: None


def tell(resource: DBInstance | DBSnapshot, message: str, *names: str) -> None:
    category = CATEGORIES[message]
    resource.backend.events.append(
        Event(
            resource.resource_id, resource.event_source_type, resource.arn, message.format(*names), [category], utcnow()
        )
    )


def describe(params: Mapping[str, Any], backend: RDSBackend) -> list[Event]:
    """Return the events that were asked for, oldest first."""
    source, kind = params.get("SourceIdentifier"), params.get("SourceType")
    if source is not None and kind is None:
        message = "The parameter SourceType must be provided if you specify the parameter SourceIdentifier."
        raise AwsError("InvalidParameterCombination", message)
    begin, end = _window(params)
    categories = set(params.get("EventCategories") or [])
    return [
        event
        for event in list(backend.events)
        if begin <= event.date <= end
        and source in (None, event.source_identifier)
        and kind in (None, event.source_type)
        and (not categories or categories & set(event.event_categories))
    ]


def _window(params: Mapping[str, Any]) -> tuple[datetime, datetime]:
    begin, end, minutes = params.get("StartTime"), params.get("EndTime"), params.get("Duration")
    if minutes is not None and (begin or end):
        message = "You can't specify Duration together with StartTime or EndTime."
        raise AwsError("InvalidParameterCombination", message)
    end = end or utcnow()
    begin = begin or end - timedelta(minutes=minutes or DEFAULT_DURATION)
    if begin > end:
        raise AwsError("InvalidParameterCombination", "StartTime must be before EndTime.")
    return max(begin, utcnow() - KEPT), end
