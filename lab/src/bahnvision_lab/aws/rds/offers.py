"""DescribeDBEngineVersions, DescribeOrderableDBInstanceOptions, DescribeCertificates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bahnvision_lab.aws.rds import catalogue
from bahnvision_lab.aws.rds.checks import AUTHORITIES, LOG_TYPES
from bahnvision_lab.aws.refusals import AwsError


def engine_versions(params: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = {
        "engine": [params["Engine"]] if params.get("Engine") else [],
        "engine-version": [params["EngineVersion"]] if params.get("EngineVersion") else [],
        "db-parameter-group-family": [params["DBParameterGroupFamily"]] if params.get("DBParameterGroupFamily") else [],
    }
    for entry in params.get("Filters", []):
        if entry["Name"] not in {*wanted, "engine-mode", "status"}:
            raise AwsError("InvalidParameterValue", f"Unrecognized filter name: {entry['Name']}")
        wanted[entry["Name"]] = list(entry["Values"])
    versions = [version for version in catalogue.offered() if _matches(version, wanted)]
    if params.get("DefaultOnly"):
        versions = _defaults(versions, params.get("EngineVersion"))
    return [_engine_version(version) for version in versions]


def _matches(version: str, wanted: dict[str, list[str]]) -> bool:
    facts = {
        "engine": {catalogue.ENGINE},
        "engine-version": {version, catalogue.major_of(version)},  # a major alone stands for all its minors
        "db-parameter-group-family": {catalogue.family_of(version)},
        "engine-mode": {"provisioned"},
        "status": {"available"},
    }
    return all(facts[name] & set(values) for name, values in wanted.items() if values)


def _defaults(versions: list[str], asked: str | None) -> list[str]:
    """Of a major that was asked for its default minor, else the engine's default."""
    if asked and versions:
        return [max(versions, key=catalogue.order)]
    return [version for version in versions if version == catalogue.default_version()]


def _engine_version(version: str) -> dict[str, Any]:
    major = catalogue.major_of(version)
    return {
        "Engine": catalogue.ENGINE,
        "MajorEngineVersion": major,
        "EngineVersion": version,
        "DBParameterGroupFamily": catalogue.family_of(version),
        "DBEngineDescription": "PostgreSQL",
        "DBEngineVersionDescription": f"PostgreSQL {version}-R1",
        "ValidUpgradeTarget": [_target(version, target) for target in catalogue.upgrade_targets(version)],
        "ExportableLogTypes": sorted(LOG_TYPES),
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": True,
        "SupportedFeatureNames": ["Lambda", "s3Export", "s3Import"],
        "Status": "available",
        "SupportsParallelQuery": False,
        "SupportsGlobalDatabases": False,
        "SupportsBabelfish": False,
        "SupportsLimitlessDatabase": False,
        "SupportsCertificateRotationWithoutRestart": True,
        "SupportedCACertificateIdentifiers": list(AUTHORITIES),
        "SupportsLocalWriteForwarding": False,
        "SupportsIntegrations": int(major) >= 15,
        "TagList": [],
    }


def _target(version: str, target: str) -> dict[str, Any]:
    return {
        "Engine": catalogue.ENGINE,
        "EngineVersion": target,
        "Description": f"PostgreSQL {target}-R1",
        "AutoUpgrade": False,
        "IsMajorVersionUpgrade": catalogue.major_of(target) != catalogue.major_of(version),
    }


def orderable_options(params: dict[str, Any], zones: list[str]) -> list[dict[str, Any]]:
    if params["Engine"] != catalogue.ENGINE:
        return []
    table = catalogue.table("instance_classes")
    versions = [version for version in catalogue.offered() if params.get("EngineVersion") in (None, version)]
    classes = [name for name in table["classes"] if params.get("DBInstanceClass") in (None, name)]
    return [
        _option(name, version, kind, table["storage"][kind], zones)
        for name in classes
        for version in versions
        if int(catalogue.major_of(version)) >= table["classes"][name]
        for kind in table["storage"]
    ]


# What is the same for every class, version and kind of storage.
_ALIKE = {
    "Engine": catalogue.ENGINE,
    "LicenseModel": catalogue.LICENSE,
    "MultiAZCapable": True,
    "ReadReplicaCapable": True,
    "Vpc": True,
    "SupportsStorageEncryption": True,
    "SupportsEnhancedMonitoring": True,
    "SupportsIAMDatabaseAuthentication": True,
    "AvailableProcessorFeatures": [],
    "SupportedEngineModes": ["provisioned"],
    "SupportsKerberosAuthentication": True,
    "OutpostCapable": False,
    "SupportedActivityStreamModes": [],
    "SupportsGlobalDatabases": False,
    "SupportedNetworkTypes": ["DUAL", "IPV4"],
    "SupportsClusters": False,
    "SupportsDedicatedLogVolume": False,
}


def _option(name: str, version: str, kind: str, rules: dict[str, Any], zones: list[str]) -> dict[str, Any]:
    option: dict[str, Any] = {
        **_ALIKE,
        "EngineVersion": version,
        "DBInstanceClass": name,
        "AvailabilityZones": [{"Name": zone} for zone in zones],
        "StorageType": kind,
        "SupportsIops": "iops" in rules,
        "SupportsStorageThroughput": "throughput" in rules,
        "SupportsPerformanceInsights": not name.endswith((".micro", ".small")),
        "MinStorageSize": rules["min"],
        "MaxStorageSize": rules["max"],
        "SupportsStorageAutoscaling": kind != "standard",
    }
    if "iops" in rules:
        option["MinIopsPerDbInstance"], option["MaxIopsPerDbInstance"] = rules["iops"]
    if "throughput" in rules:
        low, high = rules["throughput"]
        option["MinStorageThroughputPerDbInstance"], option["MaxStorageThroughputPerDbInstance"] = low, high
    return option


def certificates(identifier: str | None, partition: str, region: str) -> list[dict[str, Any]]:
    if identifier is not None and identifier not in AUTHORITIES:
        raise AwsError("CertificateNotFound", f"Certificate {identifier} not found.")
    return [
        {
            "CertificateIdentifier": name,
            "CertificateType": "CA",
            "ValidFrom": datetime(2021, 5, 21, tzinfo=UTC),
            "ValidTill": datetime(2061 if "rsa2048" in name else 2121, 5, 21, tzinfo=UTC),
            "CertificateArn": f"arn:{partition}:rds:{region}::cert:{name}",
            "CustomerOverride": False,
        }
        for name in AUTHORITIES
        if identifier in (None, name)
    ]
