"""What the API server refuses of a Pod's spec, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bahnvision_lab.kubernetes.objects import names
from bahnvision_lab.kubernetes.objects.container_rules import RESTARTS, container, security
from bahnvision_lab.kubernetes.status import Problem, absent, duplicate, forbidden, invalid, required, unsupported

Object = dict[str, Any]
DNS = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")
UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
# The sources of a volume that the schema names and everybody may use; exactly one must be there.
NEED = {"secret": "secretName", "persistentVolumeClaim": "claimName", "hostPath": "path", "csi": "driver",
        "configMap": "name"}  # fmt: skip


def pod_spec(spec: Object, at: str) -> Iterator[Problem]:
    """Problems in the order of the fields."""
    volumes = {one.get("name"): one for one in spec.get("volumes") or ()}
    yield from _volumes(spec, at)
    if not spec.get("containers"):
        yield required(f"{at}.containers")
    yield from _containers(spec, at, volumes)
    if spec.get("restartPolicy") not in RESTARTS:
        yield unsupported(f"{at}.restartPolicy", spec.get("restartPolicy"), RESTARTS)
    if spec.get("dnsPolicy") not in DNS:
        yield unsupported(f"{at}.dnsPolicy", spec.get("dnsPolicy"), DNS)
    elif spec["dnsPolicy"] == "None" and not spec.get("dnsConfig"):
        yield required(f"{at}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2147483647:
        yield invalid(f"{at}.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive")
    if spec.get("serviceAccountName"):
        yield from names.subdomain(f"{at}.serviceAccountName", spec["serviceAccountName"])
    yield from names.labels(f"{at}.nodeSelector", spec.get("nodeSelector"))
    yield from _tolerations(spec, at)
    yield from _spread(spec, at)
    yield from _affinity(spec.get("affinity") or {}, f"{at}.affinity")
    yield from security(spec.get("securityContext") or {}, f"{at}.securityContext")
    if spec.get("nodeName"):
        yield from names.subdomain(f"{at}.nodeName", spec["nodeName"])
    for number, alias in enumerate(spec.get("hostAliases") or ()):
        yield from names.address(f"{at}.hostAliases[{number}].ip", alias.get("ip", ""))
    if spec.get("hostname"):
        yield from names.label(f"{at}.hostname", spec["hostname"])


def _containers(spec: Object, at: str, volumes: dict[Any, Object]) -> Iterator[Problem]:
    seen: set[str] = set()
    for field in ("containers", "initContainers"):
        for number, one in enumerate(spec.get(field) or ()):
            here = f"{at}.{field}[{number}]"
            if one.get("name") in seen:
                yield duplicate(f"{here}.name", one["name"])
            seen.add(one.get("name", ""))
            yield from container(one, here, volumes, is_init=field == "initContainers")
            for place, port in enumerate(one.get("ports") or () if spec.get("hostNetwork") else ()):
                if port.get("hostPort") != port.get("containerPort"):
                    yield invalid(f"{here}.ports[{place}].hostPort", port.get("hostPort"),
                                  "must match `containerPort` when `hostNetwork` is true")  # fmt: skip


def _volumes(spec: Object, at: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, one in enumerate(spec.get("volumes") or ()):
        here, name = f"{at}.volumes[{number}]", one.get("name", "")
        if not name:
            yield required(f"{here}.name")
        else:
            yield from names.label(f"{here}.name", name)
        if name in seen:
            yield duplicate(f"{here}.name", name)
        seen.add(name)
        sources = [key for key in one if key != "name"]
        if len(sources) > 1:
            yield forbidden(f"{here}.{sources[1]}", "may not specify more than 1 volume type")
        for source in sources[:1]:
            wanted = NEED.get(source)
            if wanted and not one[source].get(wanted):
                yield required(f"{here}.{source}.{wanted}")
            yield from _files(one[source], f"{here}.{source}")


def _files(source: Object, at: str) -> Iterator[Problem]:
    """Of Secrets and ConfigMaps as volumes."""
    if not isinstance(source, dict):
        return
    mode = source.get("defaultMode")
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(f"{at}.defaultMode", mode, "must be a number between 0 and 0777 (octal), both inclusive")
    for number, item in enumerate(source.get("items") or ()):
        here, path = f"{at}.items[{number}]", item.get("path", "")
        if "key" in item and not item["key"]:
            yield required(f"{here}.key")
        if not path:
            yield required(f"{here}.path")
        elif path.startswith("/"):
            yield invalid(f"{here}.path", path, "must be a relative path")
        elif ".." in path.split("/"):
            yield invalid(f"{here}.path", path, "must not contain '..'")


def _tolerations(spec: Object, at: str) -> Iterator[Problem]:
    for number, one in enumerate(spec.get("tolerations") or ()):
        here, operator = f"{at}.tolerations[{number}]", one.get("operator", "Equal")
        if one.get("key"):
            yield from names.qualified_name(f"{here}.key", one["key"])
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield invalid(f"{here}.operator", one.get("operator", ""), why)
        if operator not in ("Equal", "Exists"):
            yield unsupported(f"{here}.operator", operator, ("Equal", "Exists"))
        if operator == "Exists" and one.get("value"):
            yield invalid(f"{here}.operator", one["value"], "value must be empty when `operator` is 'Exists'")
        if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute":
            yield invalid(f"{here}.effect", one.get("effect", ""),
                          "effect must be 'NoExecute' when `tolerationSeconds` is set")  # fmt: skip
        if one.get("effect") and one["effect"] not in EFFECTS:
            yield unsupported(f"{here}.effect", one["effect"], EFFECTS)


def _spread(spec: Object, at: str) -> Iterator[Problem]:
    first: dict[tuple[str, str], str] = {}
    for number, one in enumerate(spec.get("topologySpreadConstraints") or ()):
        here = f"{at}.topologySpreadConstraints[{number}]"
        skew, key, when = one.get("maxSkew", 0), one.get("topologyKey", ""), one.get("whenUnsatisfiable", "")
        if skew <= 0:
            yield invalid(f"{here}.maxSkew", skew, "must be greater than zero")
        if not key:
            yield required(f"{here}.topologyKey", "can not be empty")
        else:
            yield from names.qualified_name(f"{here}.topologyKey", key)
        if when not in UNSATISFIABLE:
            yield unsupported(f"{here}.whenUnsatisfiable", when, UNSATISFIABLE)
        if (key, when) in first:
            yield duplicate(f"{first[(key, when)]}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {when}}}")
        first.setdefault((key, when), here)
        domains = one.get("minDomains")
        if domains is not None and domains <= 0:
            yield invalid(f"{here}.minDomains", domains, "must be greater than zero")
        if domains is not None and when != "DoNotSchedule":
            words = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"
            yield invalid(f"{here}.minDomains", domains, words)
        yield from selector(one.get("labelSelector"), f"{here}.labelSelector")


OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


def selector(one: Object | None, at: str) -> Iterator[Problem]:
    """A LabelSelector."""
    if one is None:
        return
    yield from names.labels(f"{at}.matchLabels", one.get("matchLabels"))
    for number, rule in enumerate(one.get("matchExpressions") or ()):
        here, operator = f"{at}.matchExpressions[{number}]", rule.get("operator", "")
        yield from names.qualified_name(f"{here}.key", rule.get("key", ""))
        if operator not in OPERATORS:
            yield invalid(f"{here}.operator", operator, "not a valid selector operator")
        elif operator in ("In", "NotIn") and not rule.get("values"):
            yield required(f"{here}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and rule.get("values"):
            yield forbidden(f"{here}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")


def _nodes(one: Object, at: str) -> Iterator[Problem]:
    """Of an affinity to nodes, what must hold."""
    here = f"{at}.requiredDuringSchedulingIgnoredDuringExecution"
    told = one.get("requiredDuringSchedulingIgnoredDuringExecution")
    if told is None:
        return
    here += ".nodeSelectorTerms"
    if not told.get("nodeSelectorTerms"):
        yield required(here, "must have at least one node selector term")
    for number, term in enumerate(told.get("nodeSelectorTerms") or ()):
        for place, rule in enumerate(term.get("matchExpressions") or ()):
            operator, there = rule.get("operator", ""), f"{here}[{number}].matchExpressions[{place}]"
            if operator not in (*OPERATORS, "Gt", "Lt"):
                yield invalid(f"{there}.operator", operator, "not a valid selector operator")
            elif operator in ("In", "NotIn") and not rule.get("values"):
                yield required(f"{there}.values", "must be specified when `operator` is 'In' or 'NotIn'")
            elif operator in ("Exists", "DoesNotExist") and rule.get("values"):
                yield forbidden(f"{there}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
            yield from names.qualified_name(f"{there}.key", rule.get("key", ""))


def _affinity(one: Object, at: str) -> Iterator[Problem]:
    yield from _nodes(one.get("nodeAffinity") or {}, f"{at}.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = one.get(kind) or {}
        hard, soft = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
        for number, term in enumerate(rules.get(hard) or ()):
            yield from _affinity_term(term, f"{at}.{kind}.{hard}[{number}]")
        for number, weighted in enumerate(rules.get(soft) or ()):
            here = f"{at}.{kind}.{soft}[{number}]"
            if not 1 <= weighted.get("weight", 0) <= 100:
                yield invalid(f"{here}.weight", weighted.get("weight", 0), "must be in the range 1-100")
            yield from _affinity_term(weighted.get("podAffinityTerm") or {}, f"{here}.podAffinityTerm")


def _affinity_term(term: Object, at: str) -> Iterator[Problem]:
    if not term.get("topologyKey"):
        yield required(f"{at}.topologyKey", "can not be empty")
    yield from names.qualified_name(f"{at}.topologyKey", term.get("topologyKey", ""))
    yield from selector(term.get("labelSelector"), f"{at}.labelSelector")


def changed_pod(before: Object, now: Object) -> Iterator[Problem]:
    """Of a Pod that exists, little may change."""

    def fixed(spec: Object) -> Object:
        told = {key: value for key, value in spec.items() if key not in ("activeDeadlineSeconds", "tolerations")}
        for field in ("containers", "initContainers"):
            if field in told:
                told[field] = [{**one, "image": ""} for one in told[field]]
        return told

    if fixed(before["spec"]) != fixed(now["spec"]):
        yield forbidden("spec", "pod updates may not change fields other than `spec.containers[*].image`,"
                                "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
                                "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to "
                                "be set to 1 if it was previously negative)")  # fmt: skip


def volume_known(name: str, volumes: dict[Any, Object], at: str) -> Iterator[Problem]:
    if name not in volumes:
        yield absent(at, name)
