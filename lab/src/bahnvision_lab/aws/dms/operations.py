"""DMS's operations: the lab's own, since moto's books on them have nothing behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from bahnvision_lab.aws.dms import checks
from bahnvision_lab.aws.dms.books import (
    CREATED,
    RESTING,
    STOPPING,
    Books,
    Certificate,
    Endpoint,
    Replication,
    SubnetGroup,
)
from bahnvision_lab.aws.rds.paging import page
from bahnvision_lab.aws.refusals import AwsError


def exists(what: str, name: str) -> AwsError:
    return AwsError("ResourceAlreadyExistsFault", f"{what} {name} already exists.")


def busy(message: str) -> AwsError:
    return AwsError("InvalidResourceStateFault", message)


class DmsOperations(BaseResponse):
    """One request. `books` are those of its account and region."""

    books: Books

    def create_endpoint(self) -> ActionResult:
        params = self.params
        name = checks.check_identifier(params["EndpointIdentifier"])
        checks.check_engine(params)
        if name in self.books.endpoints:
            raise exists("Endpoint", name)
        settings = checks.checked_settings(self.books, params)
        mode, certificate = checks.checked_tls(self.books, params)
        endpoint = Endpoint(
            self.books.new_arn("endpoint"), name, params["EndpointType"], settings, mode,
            params.get("ExtraConnectionAttributes") or "", checks.checked_tags(params.get("Tags")), certificate,
        )  # fmt: skip
        self.books.endpoints[name] = endpoint
        return ActionResult({"Endpoint": endpoint.describe()})

    def describe_endpoints(self) -> ActionResult:
        found = self._filtered(
            list(self.books.endpoints.values()), "Endpoints",
            {"endpoint-id": "identifier", "endpoint-arn": "arn", "endpoint-type": "kind"},
        )  # fmt: skip
        return self._list("Endpoints", [one.describe() for one in found])

    def modify_endpoint(self) -> ActionResult:
        params, endpoint = self.params, checks.find_endpoint(self.books, self.params["EndpointArn"])
        if any(endpoint in (one.source, one.target) and one.status not in RESTING for one in self._replications()):
            raise busy(f"Endpoint {endpoint.identifier} is in use by a replication that runs.")
        if "PostgreSQLSettings" in params:
            merged = {**endpoint.settings, **params["PostgreSQLSettings"]}
            endpoint.settings = checks.checked_settings(self.books, {"PostgreSQLSettings": merged})
        endpoint.ssl_mode, endpoint.certificate = checks.checked_tls(self.books, params, endpoint)
        endpoint.extra = params.get("ExtraConnectionAttributes", endpoint.extra)
        return ActionResult({"Endpoint": endpoint.describe()})

    def delete_endpoint(self) -> ActionResult:
        endpoint = checks.find_endpoint(self.books, self.params["EndpointArn"])
        users = [one.identifier for one in self._replications() if endpoint in (one.source, one.target)]
        if users:
            raise busy(f"Endpoint {endpoint.identifier} is in use by {', '.join(users)}.")
        del self.books.endpoints[endpoint.identifier]
        return ActionResult({"Endpoint": endpoint.describe("deleting")})

    def import_certificate(self) -> ActionResult:
        params = self.params
        name = checks.check_identifier(params["CertificateIdentifier"])
        if name in self.books.certificates:
            raise exists("Certificate", name)
        made = Certificate(
            self.books.new_arn("cert"), name, checks.checked_certificate(params), self.books.account,
            checks.checked_tags(params.get("Tags")),
        )  # fmt: skip
        self.books.certificates[name] = made
        return ActionResult({"Certificate": made.describe()})

    def describe_certificates(self) -> ActionResult:
        every = list(self.books.certificates.values())
        found = self._filtered(every, "Certificates", {"certificate-arn": "arn", "certificate-id": "identifier"})
        return self._list("Certificates", [one.describe() for one in found])

    def delete_certificate(self) -> ActionResult:
        one = checks.find_certificate(self.books, self.params["CertificateArn"])
        users = [endpoint.identifier for endpoint in self.books.endpoints.values() if endpoint.certificate is one]
        if users:
            raise busy(f"Certificate {one.identifier} is in use by {', '.join(users)}.")
        del self.books.certificates[one.identifier]
        return ActionResult({"Certificate": one.describe()})

    def create_replication_subnet_group(self) -> ActionResult:
        params = self.params
        name = params["ReplicationSubnetGroupIdentifier"].lower()
        if name in self.books.groups:
            raise exists("Replication Subnet Group", name)
        vpc, subnets = checks.checked_subnets(self.books, list(params["SubnetIds"]))
        group = SubnetGroup(
            self.books.new_arn("subgrp", name), name, params["ReplicationSubnetGroupDescription"], vpc, subnets,
            checks.checked_tags(params.get("Tags")),
        )  # fmt: skip
        self.books.groups[name] = group
        return ActionResult({"ReplicationSubnetGroup": group.describe()})

    def describe_replication_subnet_groups(self) -> ActionResult:
        groups = list(self.books.groups.values())
        found = self._filtered(groups, "Replication Subnet Groups", {"replication-subnet-group-id": "identifier"})
        return self._list("ReplicationSubnetGroups", [one.describe() for one in found])

    def modify_replication_subnet_group(self) -> ActionResult:
        group = self._group()
        group.vpc_id, group.subnets = checks.checked_subnets(self.books, list(self.params["SubnetIds"]))
        group.description = self.params.get("ReplicationSubnetGroupDescription", group.description)
        return ActionResult({"ReplicationSubnetGroup": group.describe()})

    def delete_replication_subnet_group(self) -> ActionResult:
        group = self._group()
        if any(one.compute["ReplicationSubnetGroupId"] == group.identifier for one in self._replications()):
            raise busy(f"Replication Subnet Group {group.identifier} is in use.")
        del self.books.groups[group.identifier]
        return EmptyResult()

    def create_replication_config(self) -> ActionResult:
        params = self.params
        name = checks.check_identifier(params["ReplicationConfigIdentifier"])
        if name in self.books.replications:
            raise exists("Replication Config", name)
        checks.check_type(params["ReplicationType"])
        one = Replication(
            self.books.new_arn("replication-config"), name,
            checks.find_endpoint(self.books, params["SourceEndpointArn"], "source"),
            checks.find_endpoint(self.books, params["TargetEndpointArn"], "target"),
            checks.checked_mappings(params["TableMappings"]), checks.checked_task(params.get("ReplicationSettings")),
            checks.checked_compute(self.books, params["ComputeConfig"]), checks.checked_tags(params.get("Tags")),
        )  # fmt: skip
        self.books.replications[name] = one
        return ActionResult({"ReplicationConfig": one.describe_config()})

    def describe_replication_configs(self) -> ActionResult:
        found = self._filtered(
            self._replications(), "Replication Configs",
            {"replication-config-id": "identifier", "replication-config-arn": "arn"},
        )  # fmt: skip
        return self._list("ReplicationConfigs", [one.describe_config() for one in found])

    def delete_replication_config(self) -> ActionResult:
        one = self._replication()
        if one.status not in RESTING or one.provision not in ("", "deprovisioned"):
            raise busy(
                f"Replication config {one.identifier} cannot be deleted: its replication is {one.status} and "
                f"{one.provision or 'not provisioned'}."
            )
        del self.books.replications[one.identifier]
        return ActionResult({"ReplicationConfig": one.describe_config()})

    def start_replication(self) -> ActionResult:
        one, kind = self._replication(), self.params["StartReplicationType"]
        if kind not in checks.STARTS:
            raise checks.invalid(f"Invalid StartReplicationType {kind}.")
        first = one.status == CREATED
        if one.status not in RESTING:
            raise busy(f"Replication {one.identifier} is {one.status} and cannot be started.")
        if first != (kind == "start-replication") or kind == "resume-processing":
            raise busy(f"Replication {one.identifier} is {one.status} and cannot be started with {kind}.")
        self._start(one, kind, checks.checked_assessment(self.params.get("PremigrationAssessmentSettings")))
        return ActionResult({"Replication": one.describe()})

    if TYPE_CHECKING:  # the service that mixes this in has what a load needs besides the books

        def _start(self, one: Replication, kind: str, assess: dict[str, Any] | None) -> None: ...

    def stop_replication(self) -> ActionResult:
        one = self._replication()
        if one.status in RESTING or one.status == STOPPING:
            raise busy(f"Replication {one.identifier} is {one.status} and cannot be stopped.")
        one.stop_asked = True
        return ActionResult({"Replication": {**one.describe(), "Status": STOPPING}})

    def describe_replications(self) -> ActionResult:
        found = self._filtered(
            self._replications(), "Replications",
            {"replication-config-id": "identifier", "replication-config-arn": "arn"},
        )  # fmt: skip
        return self._list("Replications", [one.describe() for one in found])

    def describe_replication_table_statistics(self) -> ActionResult:
        one = self._replication()
        rows, marker = page(self.params, [table.describe() for table in one.tables])
        told: dict[str, Any] = {"ReplicationConfigArn": one.arn, "ReplicationTableStatistics": rows}
        return ActionResult({**told, **({"Marker": marker} if marker else {})})

    def list_tags_for_resource(self) -> ActionResult:
        tags = self._tags()
        return ActionResult({"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]})

    def add_tags_to_resource(self) -> ActionResult:
        self._tags().update(checks.checked_tags(self.params["Tags"]))
        return EmptyResult()

    def remove_tags_from_resource(self) -> ActionResult:
        tags = self._tags()
        for key in self.params["TagKeys"]:
            tags.pop(key, None)
        return EmptyResult()

    def _tags(self) -> dict[str, str]:
        arn = self.params.get("ResourceArn", "")
        tags = self.books.tagged(arn)
        if tags is None:
            raise checks.not_found(f"Resource {arn} not found.")
        return tags

    def _replications(self) -> list[Replication]:
        return list(self.books.replications.values())

    def _replication(self) -> Replication:
        arn = self.params["ReplicationConfigArn"]
        for one in self._replications():
            if one.arn == arn:
                return one
        raise checks.not_found(f"Replication Config {arn} not found.")

    def _group(self) -> SubnetGroup:
        name = self.params["ReplicationSubnetGroupIdentifier"].lower()
        if name not in self.books.groups:
            raise checks.not_found(f"Replication Subnet Group {name} not found.")
        return self.books.groups[name]

    def _filtered(self, every: list[Any], what: str, known: dict[str, str]) -> list[Any]:
        """A filter that finds nothing is an error, a list without one is not."""
        filters = self.params.get("Filters") or []
        for one in filters:
            if one["Name"] not in known:
                raise checks.invalid(f"The filter {one['Name']} is not one of {', '.join(known)}.")
            every = [item for item in every if getattr(item, known[one["Name"]]) in one["Values"]]
        if filters and not every:
            raise checks.not_found(f"No {what} found matching provided filters.")
        return every

    def _list(self, key: str, rows: list[Any]) -> ActionResult:
        some, marker = page(self.params, rows)
        return ActionResult({key: some, **({"Marker": marker} if marker else {})})
