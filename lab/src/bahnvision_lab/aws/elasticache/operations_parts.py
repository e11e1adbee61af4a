"""Operations on what a cache is made with: parameter groups, subnet groups, versions, node types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from bahnvision_lab.aws.elasticache import arns, catalogue, names, parameters, subnets
from bahnvision_lab.aws.elasticache.books import ParameterGroup, SubnetGroup, now
from bahnvision_lab.aws.elasticache.operations import Operations

SOURCES = (
    "cache-cluster", "cache-parameter-group", "cache-security-group", "cache-subnet-group", "replication-group",
    "serverless-cache", "serverless-cache-snapshot", "user", "user-group",
)  # fmt: skip


class PartOperations(Operations):
    """Parameter groups, subnet groups, and what is on offer."""

    def create_cache_parameter_group(self) -> ActionResult:
        names.required(self.params, "CacheParameterGroupName", "CacheParameterGroupFamily", "Description")
        arns.read(self.params.get("Tags"))
        group = parameters.create(
            self.books, self.params["CacheParameterGroupName"], self.params["CacheParameterGroupFamily"],
            self.params["Description"],
        )  # fmt: skip
        self._tag("parametergroup", group.name)
        return ActionResult({"CacheParameterGroup": self._parameter_group(group)})

    def describe_cache_parameter_groups(self) -> ActionResult:
        name = self.params.get("CacheParameterGroupName")
        found = [parameters.find(self.books, name)] if name else list(self.books.parameter_groups.values())
        return self._page("CacheParameterGroups", [self._parameter_group(group) for group in found])

    def _parameter_group(self, group: ParameterGroup) -> dict[str, Any]:
        return {
            "CacheParameterGroupName": group.name,
            "CacheParameterGroupFamily": group.family,
            "Description": group.description,
            "IsGlobal": False,
            "ARN": self.books.arn("parametergroup", group.name),
        }

    def delete_cache_parameter_group(self) -> ActionResult:
        name = self.params["CacheParameterGroupName"]
        parameters.delete(self.books, name)
        self.books.tags.pop(self.books.arn("parametergroup", name.lower()), None)
        return EmptyResult()

    def modify_cache_parameter_group(self) -> ActionResult:
        group = parameters.find(self.books, self.params["CacheParameterGroupName"])
        asked: dict[str, str | None] = {
            entry.get("ParameterName", ""): entry.get("ParameterValue") or ""
            for entry in self.params.get("ParameterNameValues") or []
        }
        parameters.check_change(self.books, group, asked)
        group.values.update({name: value for name, value in asked.items() if value is not None})
        return self._changed(group, set(asked))

    def reset_cache_parameter_group(self) -> ActionResult:
        group = parameters.find(self.books, self.params["CacheParameterGroupName"])
        named = [entry.get("ParameterName", "") for entry in self.params.get("ParameterNameValues") or []]
        if bool(named) == bool(self.params.get("ResetAllParameters")):
            raise names.clash("Name the parameters to reset, or set ResetAllParameters: one of the two.")
        chosen = list(named or group.values)
        for start in range(0, max(len(chosen), 1), 20):
            parameters.check_change(self.books, group, dict.fromkeys(chosen[start : start + 20]) or {"timeout": None})
        for name in chosen:
            group.values.pop(name, None)
        return self._changed(group, set(chosen))

    def _changed(self, group: ParameterGroup, names_of: set[str]) -> ActionResult:
        self.books.event("cache-parameter-group", group.name, f"Updated parameter group {group.name}")
        self.life.parameters_changed(self.books, group, names_of)
        return ActionResult({"CacheParameterGroupName": group.name})

    def describe_cache_parameters(self) -> ActionResult:
        group = parameters.find(self.books, self.params["CacheParameterGroupName"])
        known = parameters.catalogue_of(group.family)
        chosen = {} if group.builtin else group.values
        rows = []
        for name, parameter in known.items():
            row = parameter.describe(chosen.get(name))
            if group.builtin:
                row["ParameterValue"] = parameters.value_of(group, name)
            rows.append(row)
        source = self.params.get("Source")
        rows = [row for row in rows if source in (None, row["Source"])]
        some, marker = names.page(self.params, rows)
        return ActionResult({"Parameters": some, "CacheNodeTypeSpecificParameters": [], "Marker": marker})

    def describe_engine_default_parameters(self) -> ActionResult:
        family = self.params["CacheParameterGroupFamily"]
        parameters.check_family(family)
        rows = [entry.describe(None) for entry in parameters.catalogue_of(family).values()]
        some, marker = names.page(self.params, rows)
        defaults = {"CacheParameterGroupFamily": family, "Parameters": some, "Marker": marker}
        return ActionResult({"EngineDefaults": {**defaults, "CacheNodeTypeSpecificParameters": []}})

    def describe_cache_engine_versions(self) -> ActionResult:
        wanted = {key: self.params.get(key) for key in ("Engine", "EngineVersion", "CacheParameterGroupFamily")}
        rows = []
        for engine in catalogue.ENGINES:
            for version, entry in catalogue.versions_of(engine).items():
                row = {"Engine": engine, "EngineVersion": version, "CacheParameterGroupFamily": entry["family"],
                       "CacheEngineDescription": engine.capitalize(),
                       "CacheEngineVersionDescription": f"{engine.capitalize()} {version}"}  # fmt: skip
                default = version == catalogue.default_version(engine)
                fits = all(value in (None, row[key]) for key, value in wanted.items())
                if fits and (default or not self.params.get("DefaultOnly")):
                    rows.append(row)
        return self._page("CacheEngineVersions", rows)

    def describe_reserved_cache_nodes_offerings(self) -> ActionResult:
        """One offer per node type: nothing else tells which node types a region has. The prices are made up."""
        wanted = self.params.get("CacheNodeType")
        rows = [
            {"ReservedCacheNodesOfferingId": f"offer-{number}", "CacheNodeType": node_type, "Duration": 31536000,
             "FixedPrice": 0.0, "UsagePrice": 0.0, "ProductDescription": "valkey", "OfferingType": "No Upfront",
             "RecurringCharges": [{"RecurringChargeAmount": 0.01, "RecurringChargeFrequency": "Hourly"}]}
            for number, node_type in enumerate(catalogue.node_types()) if wanted in (None, node_type)
        ]  # fmt: skip
        return self._page("ReservedCacheNodesOfferings", rows)

    def create_cache_subnet_group(self) -> ActionResult:
        names.required(self.params, "CacheSubnetGroupName", "CacheSubnetGroupDescription", "SubnetIds")
        arns.read(self.params.get("Tags"))
        group = subnets.create(
            self.books, self.params["CacheSubnetGroupName"], self.params["CacheSubnetGroupDescription"],
            list(self.params["SubnetIds"]),
        )  # fmt: skip
        self._tag("subnetgroup", group.name)
        return ActionResult({"CacheSubnetGroup": self._subnet_group(group)})

    def modify_cache_subnet_group(self) -> ActionResult:
        group = subnets.find(self.books, self.params["CacheSubnetGroupName"])
        subnets.modify(self.books, group, self.params.get("CacheSubnetGroupDescription"), self.params.get("SubnetIds"))
        return ActionResult({"CacheSubnetGroup": self._subnet_group(group)})

    def delete_cache_subnet_group(self) -> ActionResult:
        name = self.params["CacheSubnetGroupName"]
        subnets.delete(self.books, name)
        self.books.tags.pop(self.books.arn("subnetgroup", name.lower()), None)
        return EmptyResult()

    def describe_cache_subnet_groups(self) -> ActionResult:
        name = self.params.get("CacheSubnetGroupName")
        found = [subnets.find(self.books, name)] if name else list(self.books.subnet_groups.values())
        return self._page("CacheSubnetGroups", [self._subnet_group(group) for group in found])

    def _subnet_group(self, group: SubnetGroup) -> dict[str, Any]:
        return {
            "CacheSubnetGroupName": group.name,
            "CacheSubnetGroupDescription": group.description,
            "VpcId": group.vpc,
            "Subnets": [
                {"SubnetIdentifier": subnet, "SubnetAvailabilityZone": {"Name": zone},
                 "SupportedNetworkTypes": ["ipv4"]}
                for subnet, zone in group.subnets
            ],
            "SupportedNetworkTypes": ["ipv4"],
            "ARN": self.books.arn("subnetgroup", group.name),
        }  # fmt: skip

    def describe_events(self) -> ActionResult:
        source, kind = self.params.get("SourceIdentifier"), self.params.get("SourceType")
        if kind is not None and kind not in SOURCES:
            raise names.invalid(f"Invalid SourceType {kind}: one of {', '.join(SOURCES)}.")
        if source and not kind:
            raise names.clash("SourceType must be specified together with SourceIdentifier.")
        end = _moment(self.params.get("EndTime")) or now()
        begin = _moment(self.params.get("StartTime")) or end - timedelta(minutes=self.params.get("Duration") or 60)
        if begin > end:
            raise names.clash("StartTime must be before EndTime.")
        found = [
            event for event in self.books.events
            if source in (None, event["SourceIdentifier"]) and kind in (None, event["SourceType"])
            and begin <= event["Date"] <= end
        ]  # fmt: skip
        return self._page("Events", found)

    def describe_service_updates(self) -> ActionResult:
        return self._page("ServiceUpdates", [])


def _moment(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
