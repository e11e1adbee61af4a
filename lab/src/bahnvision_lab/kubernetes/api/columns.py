"""The columns of the built-in kinds.

They are those of https://github.com/kubernetes/kubernetes/blob/master/pkg/printers/internalversion/printers.go
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bahnvision_lab.kubernetes.api.cells import (
    NONE,
    UNKNOWN,
    access,
    addresses,
    age,
    ago,
    bound_role,
    capacity,
    claim_state,
    completions,
    containers,
    created,
    endpoints,
    external,
    hosts,
    involved,
    job_state,
    last_seen,
    lasted,
    member,
    metrics,
    node_address,
    node_info,
    node_roles,
    node_state,
    pod_ready,
    pod_state,
    ready_of,
    restarts,
    scaled,
    selector,
    service_ports,
    slice_endpoints,
    spec,
    status,
    subjects,
)
from bahnvision_lab.kubernetes.api.store import Place

Object = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """`cell` makes a cell of an object. What has a priority is shown by `-o wide` only."""

    name: str
    cell: Callable[[Object], Any]
    kind: str = "string"
    priority: int = 0


AGE = Column("Age", age)
IMAGES = (Column("Containers", containers("name"), "string", 1), Column("Images", containers("image"), "string", 1))
SELECTED = Column("Selector", lambda one: selector(spec(one).get("selector")), "string", 1)


def _count(name: str, told: str) -> Column:
    return Column(name, member(status, told), "integer")


def _text(name: str, told: str, otherwise: Any = "", priority: int = 0) -> Column:
    return Column(name, member(spec, told, otherwise), "string", priority)


COLUMNS: dict[Place, list[Column]] = {
    ("", "pods"): [
        Column("Ready", pod_ready), Column("Status", pod_state), Column("Restarts", restarts), AGE,
        Column("IP", member(status, "podIP", NONE), "string", 1), _text("Node", "nodeName", NONE, 1),
        Column("Nominated Node", member(status, "nominatedNodeName", NONE), "string", 1),
        _text("Readiness Gates", "", NONE, 1),
    ],
    ("apps", "deployments"): [
        Column("Ready", ready_of), _count("Up-to-date", "updatedReplicas"), _count("Available", "availableReplicas"),
        AGE, *IMAGES, SELECTED,
    ],
    ("apps", "replicasets"): [
        Column("Desired", member(spec, "replicas"), "integer"), _count("Current", "replicas"),
        _count("Ready", "readyReplicas"), AGE, *IMAGES, SELECTED,
    ],
    ("apps", "statefulsets"): [Column("Ready", ready_of), AGE, *IMAGES],
    ("apps", "daemonsets"): [
        _count("Desired", "desiredNumberScheduled"), _count("Current", "currentNumberScheduled"),
        _count("Ready", "numberReady"), _count("Up-to-date", "updatedNumberScheduled"),
        _count("Available", "numberAvailable"),
        Column("Node Selector", lambda one: selector(spec(one)["template"]["spec"].get("nodeSelector"))),
        AGE, *IMAGES, SELECTED,
    ],
    ("batch", "jobs"): [
        Column("Status", job_state), Column("Completions", completions), Column("Duration", lasted), AGE, *IMAGES,
        SELECTED,
    ],
    ("batch", "cronjobs"): [
        _text("Schedule", "schedule"), _text("Timezone", "timeZone", NONE),
        Column("Suspend", lambda one: str(spec(one).get("suspend", False))),
        Column("Active", lambda one: len(status(one).get("active") or ()), "integer"),
        Column("Last Schedule", lambda one: ago(status(one).get("lastScheduleTime")).replace(UNKNOWN, NONE)), AGE,
        *IMAGES,
    ],
    ("", "services"): [
        _text("Type", "type"), _text("Cluster-IP", "clusterIP", NONE), Column("External-IP", external),
        Column("Port(s)", service_ports), AGE, SELECTED,
    ],
    ("networking.k8s.io", "ingresses"): [
        _text("Class", "ingressClassName", NONE), Column("Hosts", hosts), Column("Address", addresses),
        Column("Ports", lambda one: "80, 443" if spec(one).get("tls") else "80"), AGE,
    ],
    ("networking.k8s.io", "ingressclasses"): [
        _text("Controller", "controller"),
        Column("Parameters", lambda one: "{kind}.{apiGroup}/{name}".format_map(
            {"apiGroup": "", **spec(one)["parameters"]}) if spec(one).get("parameters") else NONE),
        AGE,
    ],
    ("networking.k8s.io", "networkpolicies"): [
        Column("Pod-Selector", lambda one: selector(spec(one).get("podSelector"))), AGE],
    ("", "nodes"): [
        Column("Status", node_state), Column("Roles", node_roles), AGE, Column("Version", node_info("kubeletVersion")),
        Column("Internal-IP", node_address("InternalIP"), "string", 1),
        Column("External-IP", node_address("ExternalIP"), "string", 1),
        Column("OS-Image", node_info("osImage"), "string", 1),
        Column("Kernel-Version", node_info("kernelVersion"), "string", 1),
        Column("Container-Runtime", node_info("containerRuntimeVersion"), "string", 1),
    ],
    ("", "namespaces"): [Column("Status", member(status, "phase", "")), AGE],
    ("", "secrets"): [
        Column("Type", lambda one: one.get("type", "")),
        Column("Data", lambda one: len(one.get("data") or ()), "integer"), AGE,
    ],
    ("", "configmaps"): [
        Column("Data", lambda one: len(one.get("data") or ()) + len(one.get("binaryData") or ()), "integer"), AGE],
    ("", "serviceaccounts"): [Column("Secrets", lambda one: len(one.get("secrets") or ()), "integer"), AGE],
    ("", "persistentvolumeclaims"): [
        Column("Status", claim_state), _text("Volume", "volumeName"), Column("Capacity", capacity),
        Column("Access Modes", access), _text("StorageClass", "storageClassName"),
        _text("VolumeAttributesClass", "volumeAttributesClassName", "<unset>"), AGE,
        _text("VolumeMode", "volumeMode", "<unset>", 1),
    ],
    ("", "persistentvolumes"): [
        Column("Capacity", capacity), Column("Access Modes", access),
        _text("Reclaim Policy", "persistentVolumeReclaimPolicy"), Column("Status", claim_state),
        Column("Claim", lambda one: "/".join(
            (spec(one).get("claimRef") or {}).get(key, "") for key in ("namespace", "name")).strip("/")),
        _text("StorageClass", "storageClassName"),
        _text("VolumeAttributesClass", "volumeAttributesClassName", "<unset>"),
        Column("Reason", member(status, "reason", "")), AGE, _text("VolumeMode", "volumeMode", "<unset>", 1),
    ],
    ("storage.k8s.io", "storageclasses"): [
        Column("Provisioner", lambda one: one["provisioner"]),
        Column("ReclaimPolicy", lambda one: one.get("reclaimPolicy", "Delete")),
        Column("VolumeBindingMode", lambda one: one.get("volumeBindingMode", "Immediate")),
        Column("AllowVolumeExpansion", lambda one: one.get("allowVolumeExpansion", False), "boolean"), AGE,
    ],
    ("autoscaling", "horizontalpodautoscalers"): [
        Column("Reference", scaled), Column("Targets", metrics), _text("MinPods", "minReplicas", "<unset>"),
        Column("MaxPods", member(spec, "maxReplicas"), "integer"), _count("Replicas", "currentReplicas"), AGE,
    ],
    ("policy", "poddisruptionbudgets"): [
        Column("Min Available", lambda one: str(spec(one).get("minAvailable", "N/A"))),
        Column("Max Unavailable", lambda one: str(spec(one).get("maxUnavailable", "N/A"))),
        _count("Allowed Disruptions", "disruptionsAllowed"), AGE,
    ],
    ("", "endpoints"): [Column("Endpoints", endpoints), AGE],
    ("discovery.k8s.io", "endpointslices"): [
        Column("AddressType", lambda one: one["addressType"]),
        Column("Ports", lambda one: ",".join(str(row.get("port")) for row in one.get("ports") or ()) or "<unset>"),
        Column("Endpoints", slice_endpoints), AGE,
    ],
    ("", "events"): [
        Column("Last Seen", last_seen), Column("Type", lambda one: one.get("type", "")),
        Column("Reason", lambda one: one.get("reason", "")), Column("Object", involved),
        Column("Message", lambda one: str(one.get("message") or one.get("note") or "").strip()),
        Column("Count", lambda one: one.get("count", 1), "integer", 1),
    ],
    ("rbac.authorization.k8s.io", "roles"): [Column("Created At", created)],
    ("rbac.authorization.k8s.io", "clusterroles"): [Column("Created At", created)],
    **{("rbac.authorization.k8s.io", kind): [
        Column("Role", bound_role), AGE, Column("Users", subjects("User"), "string", 1),
        Column("Groups", subjects("Group"), "string", 1),
        Column("ServiceAccounts", subjects("ServiceAccount"), "string", 1),
    ] for kind in ("rolebindings", "clusterrolebindings")},
    ("apiextensions.k8s.io", "customresourcedefinitions"): [Column("Created At", created)],
    ("scheduling.k8s.io", "priorityclasses"): [
        Column("Value", lambda one: one["value"], "integer"),
        Column("Global-Default", lambda one: one.get("globalDefault", False), "boolean"), AGE,
        Column("PreemptionPolicy", lambda one: one.get("preemptionPolicy", ""), "string", 1),
    ],
}  # fmt: skip
COLUMNS["events.k8s.io", "events"] = COLUMNS["", "events"]
