"""Instance classes and storage: what fits together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bahnvision_lab.aws.rds import catalogue
from bahnvision_lab.aws.refusals import AwsError

GP3_SMALL = (3000, 125)  # what gp3 comes with below 400 GiB, and cannot be changed there
GP3_LARGE = (12000, 500)


def check_class(name: str, version: str) -> None:
    table = catalogue.table("instance_classes")
    oldest = table["classes"].get(name)
    if oldest is None and name not in table["retired_for_postgres"]:
        raise AwsError("InvalidParameterValue", f"Invalid DB Instance class: {name}")
    if oldest is None or int(catalogue.major_of(version)) < oldest:
        raise AwsError(
            "InvalidParameterCombination",
            "RDS does not support creating a DB instance with the following combination: "
            f"DBInstanceClass={name}, Engine={catalogue.ENGINE}, EngineVersion={version}, "
            f"LicenseModel={catalogue.LICENSE}. For supported combinations of instance class and database engine "
            "version, see the documentation.",
        )


def check_storage(params: Mapping[str, Any], kind: str, size: int | None) -> None:
    """Check the kind and size, and what the request says of speed and of growth."""
    rules = catalogue.table("instance_classes")["storage"].get(kind)
    if rules is None:
        raise AwsError("InvalidParameterValue", f"Invalid storage type: {kind}")
    if size is None:
        raise AwsError(
            "InvalidParameterValue", "The parameter AllocatedStorage must be provided and must not be blank."
        )
    if not rules["min"] <= size <= rules["max"]:
        raise _combination(f"Invalid storage size for engine name {catalogue.ENGINE} and storage type {kind}: {size}")
    ceiling = params.get("MaxAllocatedStorage")
    if ceiling is not None and ceiling <= size:
        raise _combination("Max storage size must be greater than storage size")
    _check_speed(kind, rules, size, params.get("Iops"), params.get("StorageThroughput"))


def _check_speed(kind: str, rules: dict[str, Any], size: int, iops: int | None, throughput: int | None) -> None:
    if rules.get("needs_iops") and iops is None:
        raise _combination(f"You must specify IOPS for the {kind} storage type.")
    asked = iops is not None or throughput is not None
    if asked and size < rules.get("baseline_below", 0):
        raise _combination(
            f"You can't specify IOPS or storage throughput for engine {catalogue.ENGINE} and a storage size less than "
            f"{rules['baseline_below']}."
        )
    for name, unit, value in (("iops", "IOPS", iops), ("throughput", "storage throughput", throughput)):
        if value is None:
            continue
        if name not in rules:
            raise _combination(f"You can't specify {unit} for the {kind} storage type.")
        low, high = rules[name]
        if not low <= value <= high:
            raise _combination(
                f"Invalid {unit} value for engine name {catalogue.ENGINE} and storage type {kind}: {value}"
            )


def delivered_speed(kind: str, size: int, iops: int | None, throughput: int | None) -> tuple[int | None, int | None]:
    """Return what DescribeDBInstances says of IOPS and throughput."""
    if kind != "gp3":
        return iops, None
    baseline = GP3_SMALL if size < 400 else GP3_LARGE
    return iops or baseline[0], throughput or baseline[1]


def _combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message)
