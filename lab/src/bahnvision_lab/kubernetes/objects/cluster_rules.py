"""What the API server refuses of roles, autoscalers, claims, classes and definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects import names, quantity
from bahnvision_lab.kubernetes.objects.pod_rules import selector
from bahnvision_lab.kubernetes.objects.workload_rules import FIXED
from bahnvision_lab.kubernetes.status import Problem, absent, duplicate, forbidden, invalid, required, unsupported

Object = dict[str, Any]
MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
GROUP = "rbac.authorization.k8s.io"
SYSTEM = ("system-cluster-critical", "system-node-critical")
METRICS = ("ContainerResource", "External", "Object", "Pods", "Resource")
SOURCES = {"ContainerResource": "containerResource", "External": "external", "Object": "object", "Pods": "pods",
           "Resource": "resource"}  # fmt: skip


def autoscaler(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
        if least == 0 and not any(metric.get("type") in ("Object", "External") for metric in spec.get("metrics") or ()):
            words = "must specify at least one Object or External metric to support scaling to zero replicas"
            yield forbidden("spec.metrics", words)
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    reference = spec.get("scaleTargetRef") or {}
    for key in ("kind", "name"):
        if not reference.get(key):
            yield required(f"spec.scaleTargetRef.{key}")
    if reference.get("kind") not in ("", None, "ReplicationController") and not reference.get("apiVersion"):
        yield invalid("spec.scaleTargetRef.apiVersion", "", "apiVersion must specify API group")
    for number, metric in enumerate(spec.get("metrics") or ()):
        yield from _metric(metric, f"spec.metrics[{number}]")
    yield from _behaviour(spec)


def _behaviour(spec: Object) -> Iterator[Problem]:
    for direction in ("scaleUp", "scaleDown"):
        rules, at = (spec.get("behavior") or {}).get(direction), f"spec.behavior.{direction}"
        if rules is None:
            continue
        window = rules.get("stabilizationWindowSeconds")
        if window is not None and window < 0:
            yield invalid(f"{at}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
        elif window is not None and window > 3600:
            yield invalid(f"{at}.stabilizationWindowSeconds", window, "must be less than or equal to 3600")
        if rules.get("selectPolicy") not in (None, "Disabled", "Max", "Min"):
            yield unsupported(f"{at}.selectPolicy", rules["selectPolicy"], ("Disabled", "Max", "Min"))
        for number, policy in enumerate(rules.get("policies") or ()):
            here = f"{at}.policies[{number}]"
            if policy.get("type") not in ("Percent", "Pods"):
                yield unsupported(f"{here}.type", policy.get("type", ""), ("Percent", "Pods"))
            for key in ("value", "periodSeconds"):
                if policy.get(key, 0) <= 0:
                    yield invalid(f"{here}.{key}", policy.get(key, 0), "must be greater than zero")
            if policy.get("periodSeconds", 0) > 1800:
                yield invalid(f"{here}.periodSeconds", policy["periodSeconds"], "must be less than or equal to 1800")


def _metric(metric: Object, at: str) -> Iterator[Problem]:
    kind = metric.get("type", "")
    if kind not in METRICS:
        yield unsupported(f"{at}.type", kind, METRICS)
        told = [source for source in SOURCES.values() if metric.get(source) is not None]
        yield unsupported(f"{at}.type", kind, METRICS) if told else required(f"{at}.type")
        return
    source = metric.get(SOURCES[kind])
    if source is None:
        yield required(f"{at}.{SOURCES[kind]}", "must populate information for the given metric source")
        return
    if kind in ("Resource", "ContainerResource") and not source.get("name"):
        yield required(f"{at}.{SOURCES[kind]}.name", "must specify a resource name")
    target, here = source.get("target") or {}, f"{at}.{SOURCES[kind]}.target"
    if not target.get("type"):
        yield required(f"{here}.type", "must specify a metric target type")
    if target.get("type") not in ("AverageValue", "Utilization", "Value"):
        yield Problem(
            f"{here}.type",
            "FieldValueInvalid",
            f'Invalid value: "{target.get("type", "")}": must be either Utilization, Value, or AverageValue',
        )
    use = target.get("averageUtilization")
    if use is not None and use < 1:
        yield invalid(f"{here}.averageUtilization", use, "must be greater than 0")
    if kind == "Resource" and use is not None and target.get("averageValue") is not None:
        yield forbidden(f"{here}.averageValue", "may not set both a target raw value and a target utilization")
    if kind == "Resource" and use is None and target.get("averageValue") is None:
        yield required(f"{here}.averageUtilization", "must set either a target raw value or a target utilization")


def role(one: Object, before: Object | None) -> Iterator[Problem]:
    for number, rule in enumerate(one.get("rules") or ()):
        at = f"rules[{number}]"
        if not rule.get("verbs"):
            yield required(f"{at}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            if one["kind"] == "Role":
                yield invalid(f"{at}.nonResourceURLs", rule["nonResourceURLs"],
                              "namespaced rules cannot apply to non-resource URLs")  # fmt: skip
            if rule.get("apiGroups") or rule.get("resources"):
                yield invalid(f"{at}.nonResourceURLs", rule["nonResourceURLs"],
                              "rules cannot apply to both regular resources and non-resource URLs")  # fmt: skip
            continue
        if not rule.get("apiGroups"):
            yield required(f"{at}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{at}.resources", "resource rules must supply at least one resource")


def binding(one: Object, before: Object | None) -> Iterator[Problem]:
    reference = one.get("roleRef") or {}
    kinds = ("ClusterRole",) if one["kind"] == "ClusterRoleBinding" else ("ClusterRole", "Role")
    if reference.get("apiGroup") != "rbac.authorization.k8s.io":
        yield unsupported("roleRef.apiGroup", reference.get("apiGroup", ""), ("rbac.authorization.k8s.io",))
    if reference.get("kind") not in kinds:
        yield unsupported("roleRef.kind", reference.get("kind", ""), kinds)
    if not reference.get("name"):
        yield required("roleRef.name")
    for number, subject in enumerate(one.get("subjects") or ()):
        at = f"subjects[{number}]"
        if not subject.get("name"):
            yield required(f"{at}.name")
        if subject.get("kind") not in ("Group", "ServiceAccount", "User"):
            yield unsupported(f"{at}.kind", subject.get("kind"), ("Group", "ServiceAccount", "User"))
        elif (
            subject["kind"] == "ServiceAccount"
            and not subject.get("namespace")
            and not one["metadata"].get("namespace")
        ):
            yield required(f"{at}.namespace")
        elif subject["kind"] != "ServiceAccount" and subject.get("apiGroup") != GROUP:
            yield unsupported(f"{at}.apiGroup", subject.get("apiGroup", ""), (GROUP,))
    if before is not None and before.get("roleRef") != reference:
        yield invalid("roleRef", reference, "cannot change roleRef")


def claim(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    modes = spec.get("accessModes") or ()
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes")
    if spec.get("volumeMode") not in (None, "Block", "Filesystem"):
        yield unsupported("spec.volumeMode", spec["volumeMode"], ("Block", "Filesystem"))
    if spec.get("storageClassName"):
        yield from names.subdomain("spec.storageClassName", spec["storageClassName"])
    yield from selector(spec.get("selector"), "spec.selector")
    if not modes:
        yield required("spec.accessModes", "at least 1 access mode is required")
    for mode in modes:
        if mode not in MODES:
            yield unsupported("spec.accessModes", mode, MODES)
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        yield required("spec.resources[storage]")
    elif quantity.amount(size) <= 0:
        yield invalid("spec.resources[storage]", size, "must be greater than zero")
    if before is not None:
        free = {"volumeName": None}
        if (before.get("status") or {}).get("phase") == "Bound":
            free["resources"] = None
        old, new = ({**told["spec"], **free} for told in (before, one))
        if old != new:
            yield forbidden("spec", "spec is immutable after creation except resources.requests and "
                                    "volumeAttributesClassName for bound claims")  # fmt: skip
        had = before["spec"]["resources"]["requests"]["storage"]
        if size is not None and quantity.amount(size) < quantity.amount(had):
            yield forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")


def priority(one: Object, before: Object | None) -> Iterator[Problem]:
    name = one["metadata"]["name"]
    if name.startswith("system-") and name not in SYSTEM:
        words = "priority class names with 'system-' prefix are reserved for system use only. error: "
        yield forbidden("metadata.name", f"{words}{name} is not a known system priority class")
    if one.get("preemptionPolicy") not in ("Never", "PreemptLowerPriority"):
        yield unsupported("preemptionPolicy", one.get("preemptionPolicy"), ("Never", "PreemptLowerPriority"))
    if one.get("value", 0) > 1000000000 and not one["metadata"]["name"].startswith("system-"):
        yield forbidden("value", "maximum allowed value of a user defined priority is 1000000000")
    if before is not None and before.get("value") != one.get("value"):
        yield forbidden("value", "may not be changed in an update.")


def definition(one: Object, before: Object | None) -> Iterator[Problem]:
    spec = one["spec"]
    group, told = spec.get("group", ""), spec.get("names") or {}
    if one["metadata"]["name"] != f"{told.get('plural', '')}.{group}":
        yield invalid("metadata.name", one["metadata"]["name"], 'must be spec.names.plural+"."+spec.group')
    if not group or "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        yield unsupported("spec.scope", spec.get("scope", ""), ("Cluster", "Namespaced"))
    for key in ("plural", "singular", "kind", "listKind"):
        if not told.get(key):
            yield required(f"spec.names.{key}")
    versions = spec.get("versions") or ()
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid("spec.versions", versions, "must have exactly one version marked as storage version")
        if before is None:
            yield invalid("status.storedVersions", None, "must have at least one stored version")
    seen = set()
    for number, version in enumerate(versions):
        at = f"spec.versions[{number}]"
        if version.get("name") in seen:
            yield duplicate(f"{at}.name", version.get("name"))
        seen.add(version.get("name"))
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            yield required(f"{at}.schema.openAPIV3Schema")
            continue
        # What is the same for all versions, the real server keeps and checks in one place.
        place = "spec.validation.openAPIV3Schema" if len(versions) == 1 else f"{at}.schema.openAPIV3Schema"
        if schema.get("type") not in (None, "", "object"):
            yield invalid(f"{place}.type", schema["type"], "must be object at the root")
        yield from _structural(schema, place)
        columns = "spec" if len(versions) == 1 else at
        for place_, column in enumerate(version.get("additionalPrinterColumns") or ()):
            if column.get("type") not in COLUMNS:
                yield invalid(f"{columns}.additionalPrinterColumns[{place_}].type", column.get("type", ""),
                              f"must be one of {','.join(COLUMNS)}")  # fmt: skip
    if before is not None:
        for path, old, new in (("spec.scope", before["spec"]["scope"], spec["scope"]),
                               ("spec.group", before["spec"]["group"], group)):  # fmt: skip
            if old != new:
                yield invalid(path, new, FIXED)


COLUMNS = ("boolean", "date", "integer", "number", "string")
TYPES = ("array", "boolean", "integer", "number", "object", "string")


def _structural(schema: Object, at: str) -> Iterator[Problem]:
    """Each node has a type, unless it is free by word."""
    free = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if not schema.get("type") and not free:
        yield required(f"{at}.type", "must not be empty for specified object fields")
    elif schema.get("type") and schema["type"] not in TYPES:
        yield unsupported(f"{at}.type", schema["type"], TYPES)
    for key, inner in (schema.get("properties") or {}).items():
        yield from _structural(inner, f"{at}.properties[{key}]")
    if isinstance(schema.get("items"), dict):
        yield from _structural(schema["items"], f"{at}.items")
    elif schema.get("type") == "array":
        yield required(f"{at}.items", "must be specified")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _structural(schema["additionalProperties"], f"{at}.additionalProperties")


def endpoint_slice(one: Object, before: Object | None) -> Iterator[Problem]:
    kind = one.get("addressType")
    if before is not None and before.get("addressType") != kind:
        yield invalid("addressType", kind, FIXED)
    if kind not in ("FQDN", "IPv4", "IPv6"):
        yield unsupported("addressType", kind, ("FQDN", "IPv4", "IPv6"))
    for number, endpoint in enumerate(one.get("endpoints") or ()):
        if not endpoint.get("addresses"):
            yield required(f"endpoints[{number}].addresses", "must contain at least 1 address")
        for place, address in enumerate(endpoint.get("addresses") or () if kind in ("IPv4", "IPv6") else ()):
            yield from names.address(f"endpoints[{number}].addresses[{place}]", address)


def event(one: Object, before: Object | None) -> Iterator[Problem]:
    space = (one.get("involvedObject") or {}).get("namespace", "")
    if space and space != one["metadata"].get("namespace"):
        yield invalid("involvedObject.namespace", space, "does not match event.namespace")


def ingress_class(one: Object, before: Object | None) -> Iterator[Problem]:
    controller = (one.get("spec") or {}).get("controller", "")
    if not controller:
        yield required("spec.controller")
    elif "/" not in controller:
        yield invalid("spec.controller", controller, 'must be a domain-prefixed path (such as "acme.io/foo")')
    parameters = (one.get("spec") or {}).get("parameters")
    if parameters and parameters.get("scope") not in ("Cluster", "Namespace"):
        yield unsupported("spec.parameters.scope", parameters.get("scope", ""), ("Cluster", "Namespace"))
    if before is not None and (before.get("spec") or {}).get("controller") != controller:
        yield invalid("spec.controller", controller, FIXED)


def service_account(one: Object, before: Object | None) -> Iterator[Problem]:
    for number, entry in enumerate(one.get("imagePullSecrets") or ()):
        if not entry.get("name"):
            yield absent(f"imagePullSecrets[{number}].name", "")
        else:
            yield from names.subdomain(f"imagePullSecrets[{number}].name", entry["name"])
