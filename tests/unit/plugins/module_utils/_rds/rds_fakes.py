"""A small RDS that remembers: enough to run a module's four runs without a server."""

from __future__ import annotations

import copy

from botocore.exceptions import ClientError

ARN = "arn:aws:rds:eu-central-1:123456789012:db:"
LOGS = ["postgresql", "upgrade"]


def version(number, *targets):
    return {
        "Engine": "postgres",
        "EngineVersion": number,
        "DBParameterGroupFamily": f"postgres{number.split('.')[0]}",
        "Status": "available",
        "ValidUpgradeTarget": [{"EngineVersion": target} for target in targets],
        "ExportableLogTypes": LOGS,
        "SupportedCACertificateIdentifiers": ["rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"],
        "SupportsCertificateRotationWithoutRestart": True,
    }


VERSIONS = [
    version("15.17", "15.18", "16.13", "17.9"),
    version("15.18", "16.14", "17.10"),
    version("16.13", "16.14", "17.9", "17.10"),
    version("16.14", "17.10"),
    version("17.9", "17.10", "18.3", "18.4"),
    version("17.10", "18.4"),
    version("18.3", "18.4"),
    version("18.4"),
]


def row(name, kind="gp3", **changes):
    return {
        "DBInstanceClass": name, "StorageType": kind, "MultiAZCapable": True, "SupportsStorageEncryption": True,
        "SupportsStorageAutoscaling": True, "SupportsEnhancedMonitoring": True,
        "SupportsPerformanceInsights": name != "db.t4g.micro",
        "MinStorageSize": 20, "MaxStorageSize": 65536, **changes,
    }  # fmt: skip


ROWS = [row(name, kind) for name in ("db.t4g.micro", "db.t4g.medium", "db.m7g.large") for kind in ("gp2", "gp3")]


def error(code, operation="Describe", status=400):
    response = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class FakeRds:
    """One instance at most. `states` are the statuses that the next reads show, the last one stays."""

    def __init__(self, instance=None, states=("available",), settled="available", immediate=True):
        self.instance = copy.deepcopy(instance)
        self.states = list(states)
        self.settled = settled
        self.immediate = immediate
        self.writes = []
        self.reads = []
        self.events = ["creating", "the subnet has no free address"]

    def _show(self):
        if self.states and self.instance:
            self.instance["DBInstanceStatus"] = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return copy.deepcopy(self.instance)

    def describe_db_instances(self, DBInstanceIdentifier):
        self.reads.append("describe_db_instances")
        if self.instance is None:
            raise error("DBInstanceNotFound", status=404)
        shown = self._show()
        if shown["DBInstanceStatus"] == "gone":
            self.instance = None
            raise error("DBInstanceNotFound", status=404)
        return {"DBInstances": [shown]}

    def describe_db_engine_versions(self, Engine):
        self.reads.append("describe_db_engine_versions")
        return {"DBEngineVersions": VERSIONS}

    def describe_orderable_db_instance_options(self, DBInstanceClass=None, **_params):
        self.reads.append("describe_orderable_db_instance_options")
        return {"OrderableDBInstanceOptions": [r for r in ROWS if DBInstanceClass in (None, r["DBInstanceClass"])]}

    def describe_events(self, **_params):
        return {"Events": [{"Message": message} for message in self.events]}

    def create_db_instance(self, **params):
        self.writes.append(("create_db_instance", params))
        self.instance = instance_of(params)
        self.states = ["creating", "backing-up", self.settled]
        return {"DBInstance": self.instance}

    def modify_db_instance(self, DBInstanceIdentifier, ApplyImmediately, **params):
        self.writes.append(("modify_db_instance", {**params, "ApplyImmediately": ApplyImmediately}))
        params.pop("AllowMajorVersionUpgrade", None)
        logs = params.pop("CloudwatchLogsExportConfiguration", {})
        if params.pop("ManageMasterUserPassword", False):
            self.instance["MasterUserSecret"] = {"SecretArn": "arn:secret"}
        target = self.instance if ApplyImmediately else self.instance["PendingModifiedValues"]
        if ApplyImmediately:
            self.instance["PendingModifiedValues"] = {}
        exported = set(self.instance["EnabledCloudwatchLogsExports"]) | set(logs.get("EnableLogTypes", ()))
        self.instance["EnabledCloudwatchLogsExports"] = sorted(exported - set(logs.get("DisableLogTypes", ())))
        for name, value in params.items():
            set_value(self.instance if name not in PENDABLE else target, name, value)
        return {}

    def add_tags_to_resource(self, ResourceName, Tags):
        self.writes.append(("add_tags_to_resource", Tags))
        new = {tag["Key"]: tag for tag in [*self.instance["TagList"], *Tags]}
        self.instance["TagList"] = list(new.values())
        return {}

    def remove_tags_from_resource(self, ResourceName, TagKeys):
        self.writes.append(("remove_tags_from_resource", TagKeys))
        self.instance["TagList"] = [tag for tag in self.instance["TagList"] if tag["Key"] not in TagKeys]
        return {}

    def delete_db_instance(self, **params):
        self.writes.append(("delete_db_instance", params))
        self.states = ["deleting", "gone"]
        return {}


PENDABLE = {
    "EngineVersion", "DBInstanceClass", "AllocatedStorage", "StorageType", "MultiAZ", "BackupRetentionPeriod",
    "CACertificateIdentifier", "Iops", "StorageThroughput", "Port",
}  # fmt: skip


def set_value(instance, name, value):
    special = {
        "VpcSecurityGroupIds": ("VpcSecurityGroups", lambda: [_group(item) for item in value]),
        "DBParameterGroupName": ("DBParameterGroups", lambda: [{"DBParameterGroupName": value}]),
        "EnablePerformanceInsights": ("PerformanceInsightsEnabled", lambda: value),
        "DBPortNumber": ("Endpoint", lambda: {"Address": "db.example", "Port": value}),
    }
    key, make = special.get(name, (name, lambda: value))
    instance[key] = make()


def _group(identifier):
    return {"VpcSecurityGroupId": identifier, "Status": "active"}


def instance_of(params):
    """Return what DescribeDBInstances shows of an instance that was created so."""
    made = {
        "DBInstanceStatus": "creating", "DBInstanceArn": ARN + params["DBInstanceIdentifier"],
        "Endpoint": {"Address": "db.example", "Port": params.get("Port", 5432)}, "PendingModifiedValues": {},
        "TagList": params["Tags"], "MasterUserSecret": {"SecretArn": "arn:secret"},
        "DBSubnetGroup": {"DBSubnetGroupName": params.get("DBSubnetGroupName")},
        "EnabledCloudwatchLogsExports": params.get("EnableCloudwatchLogsExports", []),
        "DatabaseInsightsMode": "standard", "EngineLifecycleSupport": "open-source-rds-extended-support",
        "CACertificateIdentifier": "rds-ca-rsa2048-g1", "DBParameterGroups": [{"DBParameterGroupName": "default"}],
        "VpcSecurityGroups": [], "PerformanceInsightsEnabled": False,
    }  # fmt: skip
    for name, value in params.items():
        if name not in ("Tags", "EnableCloudwatchLogsExports", "DBSubnetGroupName", "Port", "ManageMasterUserPassword"):
            set_value(made, name, value)
    return made
