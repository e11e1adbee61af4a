"""The operations on proxies, a part of the lab's RDS. moto's own books on proxies stay empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.rds.responses import RDSResponse

from bahnvision_lab.aws.rds.instances import Fleet
from bahnvision_lab.aws.rds.paging import page
from bahnvision_lab.aws.rds_proxy import checks
from bahnvision_lab.aws.rds_proxy.books import DEFAULT, Proxy, Target, now
from bahnvision_lab.aws.rds_proxy.proxies import Proxies
from bahnvision_lab.aws.rds_proxy.real import RealProxy
from bahnvision_lab.aws.refusals import AwsError, LabLacks


def install(fleet: Fleet) -> Proxies:
    """Before the first request. The poolers' folders lie with those of the instances and go with them."""
    ProxyOperations.proxies = Proxies(fleet, fleet.folder / "proxies")
    fleet.observers.append(ProxyOperations.proxies)
    return ProxyOperations.proxies


class ProxyOperations(RDSResponse):
    """moto's RDS with the lab's proxies."""

    proxies: Proxies

    def create_db_proxy(self) -> ActionResult:
        params, name = self.params, self.params["DBProxyName"]
        checks.check_kind(params)
        checks.check_default_scheme(params)
        known = [real.proxy.name for real in self._all()]
        if name.lower() in known:
            raise AwsError("DBProxyAlreadyExistsFault", f"DBProxy {name} already exists.")
        if len(known) >= checks.QUOTA:
            raise AwsError("DBProxyQuotaExceededFault", f"You can't have more than {checks.QUOTA} proxies.")
        auth = checks.checked_auth(self.backend, _plain(params.get("Auth", [])))
        checks.check_role(self.backend, params["RoleArn"])
        checks.check_idle_timeout(params.get("IdleClientTimeout"))
        vpc_id = checks.checked_subnets(self.backend, list(params["VpcSubnetIds"]))
        groups = checks.checked_groups(self.backend, params.get("VpcSecurityGroupIds", []), vpc_id)
        tags = checks.checked_tags(params.get("Tags", []))
        proxy = self.proxies.create(lambda address: Proxy(
            self.backend.account_id, self.region, self.backend.partition, name.lower(), auth, params["RoleArn"], vpc_id,
            list(params["VpcSubnetIds"]), groups, address, bool(params.get("RequireTLS")),
            params.get("IdleClientTimeout") or 1800, bool(params.get("DebugLogging")), tags,
        ))  # fmt: skip
        return ActionResult({"DBProxy": proxy.describe()})

    def describe_db_proxies(self) -> ActionResult:
        name = self.params.get("DBProxyName")
        found = [self._real(name)] if name else self._all()
        return self._list("DBProxies", [real.proxy.describe() for real in found])

    def modify_db_proxy(self) -> ActionResult:
        params, real = self.params, self._real()
        proxy = real.proxy
        checks.require_available(proxy)
        checks.check_default_scheme(params)
        name = (params.get("NewDBProxyName") or proxy.name).lower()
        auth = checks.checked_auth(self.backend, _plain(params["Auth"])) if params.get("Auth") else proxy.auth
        if params.get("RoleArn"):
            checks.check_role(self.backend, params["RoleArn"])
        checks.check_idle_timeout(params.get("IdleClientTimeout"))
        asked = params.get("SecurityGroups") or proxy.group_ids
        groups = checks.checked_groups(self.backend, asked, proxy.vpc_id)
        proxy.auth, proxy.group_ids = auth, groups
        proxy.role_arn = params.get("RoleArn") or proxy.role_arn
        proxy.idle_client_timeout = params.get("IdleClientTimeout") or proxy.idle_client_timeout
        proxy.require_tls = bool(params.get("RequireTLS", proxy.require_tls))
        proxy.debug_logging = bool(params.get("DebugLogging", proxy.debug_logging))
        self.proxies.modify(real, name)
        return ActionResult({"DBProxy": proxy.describe()})

    def delete_db_proxy(self) -> ActionResult:
        real = self._real()
        if real.proxy.status in ("creating", "modifying", "deleting"):
            checks.require_available(real.proxy)
        self.proxies.delete(real)
        return ActionResult({"DBProxy": real.proxy.describe()})

    def describe_db_proxy_target_groups(self) -> ActionResult:
        real = self._real_of_group()
        return self._list("TargetGroups", [real.proxy.describe_group()])

    def modify_db_proxy_target_group(self) -> ActionResult:
        real = self._real_of_group()
        if self.params.get("NewName") not in (None, DEFAULT):
            raise LabLacks("target groups under a name of the client's choice (NewName)")
        checks.require_available(real.proxy)
        config = self.params.get("ConnectionPoolConfig")
        real.proxy.pool = checks.checked_pool(real.proxy.pool, config.original_dict() if config else {})
        real.proxy.pool_updated = now()
        real.look()
        return ActionResult({"DBProxyTargetGroup": real.proxy.describe_group()})

    def register_db_proxy_targets(self) -> ActionResult:
        real = self._real_of_group()
        checks.require_available(real.proxy)
        database = self.backend.databases.get(self._one_instance())
        if database is None:
            raise AwsError("DBInstanceNotFound", f"DBInstance {self._one_instance()} not found.")
        checks.check_registration(real.proxy, database, self.backend)
        target = Target(database)
        self.proxies.register(real, target)
        return ActionResult({"DBProxyTargets": [self._described(target)]})

    def deregister_db_proxy_targets(self) -> ActionResult:
        real, name = self._real_of_group(), self._one_instance()
        checks.require_available(real.proxy)
        target = real.proxy.target
        if target is None or target.database.db_instance_identifier != name:
            raise AwsError("DBProxyTargetNotFoundFault", f"DBProxy {real.proxy.name} has no target {name}.")
        self.proxies.deregister(real)
        return EmptyResult()

    def describe_db_proxy_targets(self) -> ActionResult:
        real = self._real_of_group()
        real.look()
        target = real.proxy.target
        return self._list("Targets", [self._described(target)] if target else [])

    def describe_db_proxy_endpoints(self) -> ActionResult:
        name, wanted = self.params.get("DBProxyName"), self.params.get("DBProxyEndpointName")
        found = [self._real(name)] if name else self._all()
        if wanted not in (None, DEFAULT):
            raise AwsError("DBProxyEndpointNotFoundFault", f"DBProxyEndpoint {wanted} doesn't exist.")
        return self._list("DBProxyEndpoints", [real.proxy.describe_endpoint() for real in found])

    def create_db_proxy_endpoint(self) -> ActionResult:
        raise LabLacks("proxy endpoints besides the default one; RDS for PostgreSQL has no readers to lead to")

    def add_tags_to_resource(self) -> ActionResult:
        proxy = self._tagged()
        if proxy is None:
            return super().add_tags_to_resource()
        proxy.tags.update(checks.checked_tags(self.params.get("Tags", [])))
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        proxy = self._tagged()
        if proxy is None:
            return super().list_tags_for_resource()
        return ActionResult({"TagList": [{"Key": key, "Value": value} for key, value in proxy.tags.items()]})

    def remove_tags_from_resource(self) -> ActionResult:
        proxy = self._tagged()
        if proxy is None:
            return super().remove_tags_from_resource()
        for key in self.params.get("TagKeys", []):
            proxy.tags.pop(key, None)
        return EmptyResult()

    def _all(self) -> list[RealProxy]:
        return self.proxies.all(self.backend.account_id, self.region)

    def _real(self, name: str = "") -> RealProxy:
        return self.proxies.find((self.backend.account_id, self.region, (name or self.params["DBProxyName"]).lower()))

    def _real_of_group(self) -> RealProxy:
        real = self._real()
        checks.check_group_name(self.params.get("TargetGroupName"))
        return real

    def _one_instance(self) -> str:
        """Return the one instance that the request names."""
        clusters, instances = self.params.get("DBClusterIdentifiers", []), self.params.get("DBInstanceIdentifiers", [])
        if clusters:
            raise AwsError("DBClusterNotFoundFault", f"DBCluster {clusters[0]} not found.")
        if len(instances) != 1:
            raise AwsError("InvalidParameterCombination", "Specify one DB instance: a target group has one target.")
        return str(instances[0]).lower()

    def _described(self, target: Target) -> dict[str, Any]:
        instance = self.proxies.fleet.find(target.key) if target.exists else None
        return target.describe(instance.endpoint if instance else None)

    def _tagged(self) -> Proxy | None:
        """Return the proxy that the ARN names; None when it names something else."""
        arn = str(self.params["ResourceName"])
        if ":db-proxy:" not in arn:
            return None
        for real in self._all():
            if real.proxy.arn == arn:
                return real.proxy
        raise AwsError("DBProxyNotFoundFault", f"{arn} doesn't correspond to a proxy in this account and Region.")

    def _list(self, key: str, rows: list[dict[str, Any]]) -> ActionResult:
        some, marker = page(self.params, rows)
        return ActionResult({key: some, "Marker": marker})


def _plain(entries: Any) -> list[Mapping[str, str]]:
    return [entry.original_dict() for entry in entries]
