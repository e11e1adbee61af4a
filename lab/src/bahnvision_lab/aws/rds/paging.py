"""Long lists in pages, as RDS gives them: MaxRecords at a time, and a Marker to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bahnvision_lab.aws.refusals import AwsError


def page(params: Mapping[str, Any], rows: list[Any]) -> tuple[list[Any], str | None]:
    """Return the rows that were asked for, and the marker of the next page."""
    size = params.get("MaxRecords") or 100
    if not 20 <= size <= 100:
        raise AwsError("InvalidParameterValue", f"Invalid value {size} for MaxRecords. Must be between 20 and 100")
    try:
        start = int(params.get("Marker") or 0)
    except ValueError:
        raise AwsError("InvalidParameterValue", f"Invalid marker {params['Marker']}") from None
    following = start + size
    return rows[start:following], str(following) if following < len(rows) else None
