"""What is checked and filled in besides the object itself: its namespace, accounts, classes, security levels."""

from __future__ import annotations

import copy
import hashlib
import ipaddress
import re
import secrets
from typing import Any

from bahnvision_lab.kubernetes.api import shares
from bahnvision_lab.kubernetes.api.identity import ACCOUNTS, User
from bahnvision_lab.kubernetes.api.permission import RBAC, Attempt, Permission
from bahnvision_lab.kubernetes.api.resources import Resource
from bahnvision_lab.kubernetes.api.store import Object, Store
from bahnvision_lab.kubernetes.objects import names, pod_security
from bahnvision_lab.kubernetes.objects.pod_defaults import quality
from bahnvision_lab.kubernetes.status import ApiError, invalid, not_found, refused

NAMESPACES = ("", "namespaces")
CLASSES = ("storage.k8s.io", "storageclasses")
PRIORITIES = ("scheduling.k8s.io", "priorityclasses")
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
PERMANENT = ("default", "kube-system", "kube-public", "kube-node-lease")
SYSTEM_PRIORITIES = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
SECONDS = 300
TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
CHARACTERS = "bcdfghjklmnpqrstvwxz2456789"  # as Kubernetes makes names: no vowels, no bad words


class Admission:
    """Everything but the object's own form."""

    def __init__(self, store: Store, permission: Permission, service_range: str = "10.100.0.0/16") -> None:
        self._store = store
        self._permission = permission
        self._range = ipaddress.ip_network(service_range)

    def require_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        """New content needs a namespace that is there and stays."""
        found = self._store.find(NAMESPACES, "", namespace)
        if found is None:
            raise not_found("namespaces", "", namespace)
        if found["metadata"].get("deletionTimestamp"):
            cause = {"reason": "NamespaceTerminating", "field": "metadata.namespace",
                     "message": f"namespace {namespace} is being terminated"}  # fmt: skip
            raise ApiError(403, f'{resource.plural} "{name}" is forbidden: unable to create new content in namespace '
                                f"{namespace} because it is being terminated", details={"causes": [cause]})  # fmt: skip

    def mutate(self, resource: Resource, one: Object, before: Object | None, warnings: list[str]) -> None:
        """Fill in what depends on the cluster; the object may be changed."""
        kind = one["kind"]
        if kind == "Pod" and before is None:
            shares.limit(self._store, one)
            self._pod(one)
        elif kind == "Service" and resource.group == "":
            self._service(one, before)
        elif kind == "PersistentVolumeClaim" and before is None:
            self._claim(one)
        elif kind == "ClusterRole" and one.get("aggregationRule"):
            one["rules"] = self.aggregated(one) or None
        warnings += _doubts(resource, one)
        self._security(resource, one, before, warnings)

    def _pod(self, one: Object) -> None:
        spec, space = one["spec"], one["metadata"]["namespace"]
        name = spec.get("serviceAccountName") or "default"
        if self._store.find(ACCOUNTS, space, name) is None:
            raise ApiError(403, f'pods "{one["metadata"]["name"]}" is forbidden: error looking up service account '
                                f'{space}/{name}: serviceaccount "{name}" not found')  # fmt: skip
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        tolerations = spec.setdefault("tolerations", [])
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
            if not any(told.get("key") in (key, None, "") for told in tolerations):
                tolerations.append(
                    {"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": SECONDS}
                )
        self._token(one)
        priority = spec.get("priorityClassName")
        found = self._store.find(PRIORITIES, "", priority) if priority else None
        if priority and found is None and priority not in SYSTEM_PRIORITIES:
            raise ApiError(403, f'pods "{one["metadata"]["name"]}" is forbidden: no PriorityClass with name {priority} '
                                "was found")  # fmt: skip
        value = int(found["value"]) if found else SYSTEM_PRIORITIES.get(priority or "", 0)
        if spec.get("priority") not in (None, value):
            raise ApiError(403, f'pods "{one["metadata"]["name"]}" is forbidden: the integer value of priority '
                                f"({spec['priority']}) must not be provided in pod spec; priority admission controller "
                                f"computed {value} from the given PriorityClass name")  # fmt: skip
        spec["priority"] = value
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
        one["status"] = {**one.get("status", {}), "qosClass": quality(one)}

    def _token(self, one: Object) -> None:
        """The account's token, the CA and the namespace, in a folder of each container."""
        spec = one["spec"]
        account = self._store.find(ACCOUNTS, one["metadata"]["namespace"], spec["serviceAccountName"]) or {}
        wanted = spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True))
        if not wanted or any(told["name"].startswith("kube-api-access-") for told in spec.get("volumes") or ()):
            return
        name = "kube-api-access-" + "".join(secrets.choice(CHARACTERS) for _count in range(5))
        space = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
        sources = [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [space]}},
        ]
        spec.setdefault("volumes", []).append({"name": name, "projected": {"sources": sources, "defaultMode": 420}})
        for container in [*(spec.get("initContainers") or ()), *spec["containers"]]:
            mounts = container.setdefault("volumeMounts", [])
            if not any(told.get("mountPath") == TOKENS for told in mounts):
                mounts.append({"name": name, "readOnly": True, "mountPath": TOKENS})

    def _service(self, one: Object, before: Object | None) -> None:
        spec, old = one["spec"], (before or {}).get("spec", {})
        if spec["type"] == "ExternalName":
            return
        if not spec.get("clusterIP"):
            spec["clusterIP"] = old.get("clusterIP") or self._free_address(one)
        spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        if spec["clusterIP"] != "None" and before is None and not names.address("", spec["clusterIP"]):
            self._check_address(one)
        if any(family != "IPv4" for family in spec["ipFamilies"]):
            wrong = invalid("spec.ipFamilies[0]", spec["ipFamilies"][0], "not configured on this cluster")
            raise refused("Service", "", one["metadata"]["name"], [wrong])
        if spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
            spec.setdefault("healthCheckNodePort", old.get("healthCheckNodePort") or 30000 + _number(one, "h") % 2768)
        if spec["type"] in ("NodePort", "LoadBalancer"):
            had = {(port["port"], port.get("protocol")): port.get("nodePort") for port in old.get("ports") or ()}
            for port in spec.get("ports") or ():
                if not port.get("nodePort"):
                    known = had.get((port["port"], port.get("protocol")))
                    port["nodePort"] = known or 30000 + _number(one, str(port["port"])) % 2768

    def _free_address(self, one: Object) -> str:
        taken = {told["spec"].get("clusterIP") for told in self._store.every(("", "services"))}
        first = int(self._range.network_address) + 10
        room = self._range.num_addresses - 20
        at = _number(one, "")
        while (address := str(ipaddress.ip_address(first + at % room))) in taken:
            at += 1
        return address

    def _check_address(self, one: Object) -> None:
        address, told = one["spec"]["clusterIP"], one["metadata"]
        try:
            inside = ipaddress.ip_address(address) in self._range
        except ValueError:
            inside = False
        for other in self._store.every(("", "services")) if inside else ():
            if other["spec"].get("clusterIP") == address:
                problem = invalid(
                    "spec.clusterIPs",
                    [address],
                    "failed to allocate IP " + address + ": provided IP is already allocated",
                )
                raise refused("Service", "", told["name"], [problem])
        if not inside:
            problem = invalid(
                "spec.clusterIPs",
                [address],
                f"failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. "
                f"The range of valid IPs is {self._range}",
            )
            raise refused("Service", "", told["name"], [problem])

    def _claim(self, one: Object) -> None:
        if one["spec"].get("storageClassName") is None:
            for told in self._store.every(CLASSES):
                if (told["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true":
                    one["spec"]["storageClassName"] = told["metadata"]["name"]

    def aggregated(self, role: Object) -> list[Any]:
        """The rules of all roles that an aggregation selects."""
        from bahnvision_lab.kubernetes.api.selectors import selects

        found: list[Any] = []
        for other in self._store.every((RBAC, "clusterroles")):
            labels = other["metadata"].get("labels") or {}
            chosen = any(selects(one, labels) for one in role["aggregationRule"].get("clusterRoleSelectors") or ())
            if chosen and other["metadata"]["name"] != role["metadata"]["name"]:
                found += [rule for rule in other.get("rules") or () if rule not in found]
        return found

    def _security(self, resource: Resource, one: Object, before: Object | None, warnings: list[str]) -> None:
        spec = pod_security.template_of(one) if resource.group in ("", "apps", "batch") else None
        space = self._store.find(NAMESPACES, "", one["metadata"].get("namespace", "")) if spec else None
        if space is None or spec is None or (before is not None and pod_security.template_of(before) == spec):
            return
        labels = space["metadata"].get("labels") or {}
        for mode in ("enforce", "warn") if one["kind"] == "Pod" else ("warn",):
            level = labels.get(f"{pod_security.PREFIX}{mode}", "privileged")
            found = pod_security.violations(spec, level)
            if not found:
                continue
            told = f'violate{"s" if mode == "enforce" else ""} PodSecurity "{level}:latest": {", ".join(found)}'
            if mode == "enforce":
                raise ApiError(403, f'pods "{one["metadata"]["name"]}" is forbidden: {told}')
            warnings.append(f"would {told}")

    def require_share(self, resource: Resource, one: Object, before: Object | None) -> None:
        """What its namespace lets it use."""
        if before is None and resource.place in ((("", "pods")), ("", "persistentvolumeclaims")):
            shares.require_range(self._store, resource, one)
        shares.require_room(self._store, resource, one, before)

    def guard(self, user: User, resource: Resource, one: Object, before: Object | None) -> None:
        """What this user may not give to themselves or to others."""
        if resource.group != RBAC:
            return
        space, name = one["metadata"].get("namespace", ""), one["metadata"]["name"]
        what = f'{resource.plural}.{RBAC} "{name}"'
        if resource.plural in ("roles", "clusterroles"):
            rules = one.get("rules") or []
            may = self._permission.allows(user, Attempt("escalate", RBAC, resource.plural, "", space, name))
            if not may and (before is None or before.get("rules") != rules):
                self._permission.require_covers(user, rules, space, what)
        elif before is None or before.get("subjects") != one.get("subjects"):
            reference = one["roleRef"]
            plural = "roles" if reference["kind"] == "Role" else "clusterroles"
            if self._permission.allows(user, Attempt("bind", RBAC, plural, "", space, reference["name"])):
                return
            place = (RBAC, plural)
            if self._store.find(place, space if plural == "roles" else "", reference["name"]) is None:
                raise not_found(resource.plural, RBAC, reference["name"])
            rules = self._permission.rules_of(reference, space)
            self._permission.require_covers(user, copy.deepcopy(rules), space, what)


def check_namespace_labels(one: Object) -> None:
    """A level that does not exist would protect nothing."""
    problems = []
    for key, value in (one["metadata"].get("labels") or {}).items():
        if key.startswith(pod_security.PREFIX) and key.endswith("-version"):
            if value != "latest" and not re.fullmatch(r"v1\.(0|[1-9][0-9]*)", value):
                problems.append(invalid(f"metadata.labels[{key}]", value, 'must be "latest" or "v1.x"'))
        elif key.startswith(pod_security.PREFIX) and value not in pod_security.LEVELS:
            problems.append(
                invalid(f"metadata.labels[{key}]", value, f"must be one of {', '.join(pod_security.LEVELS)}")
            )
    if problems:
        raise refused("Namespace", "", one["metadata"]["name"], problems)


def _number(one: Object, salt: str) -> int:
    told = one["metadata"]
    text = f"{told.get('namespace')}/{told['name']}/{told.get('uid')}/{salt}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def _doubts(resource: Resource, one: Object) -> list[str]:
    """What is taken of a Pod's spec, and not meant."""
    spec = pod_security.template_of(one) if resource.group in ("", "apps", "batch") else None
    grace = (spec or {}).get("terminationGracePeriodSeconds")
    if grace is None or grace >= 0:
        return []
    inner = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec"}.get(one["kind"], "spec.template.spec")
    words = "must be >= 0; negative values are invalid and will be treated as 1"
    return [f"{inner}.terminationGracePeriodSeconds: {words}"]
