"""Endpoints of Services, load balancers, Ingresses and volumes."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.kubernetes.api.selectors import selects
from bahnvision_lab.kubernetes.api.store import Place
from bahnvision_lab.kubernetes.controllers.hands import PODS, Hands, digest, is_going, is_ready, phase, reference

Object = dict[str, Any]
SERVICES, SLICES, ENDPOINTS = ("", "services"), ("discovery.k8s.io", "endpointslices"), ("", "endpoints")
INGRESSES, CLASSES = ("networking.k8s.io", "ingresses"), ("networking.k8s.io", "ingressclasses")
CLAIMS, VOLUMES, STORAGE = (
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("storage.k8s.io", "storageclasses"),
)
DRIVERS = ("storage.k8s.io", "csidrivers")
AUTO_MODE = ("eks.amazonaws.com/alb", "eks.amazonaws.com/nlb")
CONTROLLER = {"app.kubernetes.io/name": "aws-load-balancer-controller"}


def step(hands: Hands) -> None:
    for one in hands.every(SERVICES):
        if not is_going(one):
            _endpoints(hands, one)
            if one["spec"]["type"] == "LoadBalancer":
                _balanced(hands, SERVICES, one)
    for one in hands.every(INGRESSES):
        if not is_going(one):
            _ingress(hands, one)
    for one in hands.every(CLAIMS):
        if not is_going(one) and phase(one) != "Bound":
            _claim(hands, one)


def _endpoints(hands: Hands, one: Object) -> None:
    selector, told = one["spec"].get("selector"), one["metadata"]
    if not selector or one["spec"]["type"] == "ExternalName":
        return
    pods = [
        pod for pod in hands.every(PODS, told["namespace"])
        if selects({"matchLabels": selector}, pod["metadata"].get("labels") or {})
        and (pod.get("status") or {}).get("podIP") and phase(pod) in ("Pending", "Running")
    ]  # fmt: skip
    endpoints = [
        {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": is_ready(pod), "serving": is_ready(pod), "terminating": is_going(pod)},
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": {
                "kind": "Pod",
                "namespace": told["namespace"],
                "name": pod["metadata"]["name"],
                "uid": pod["metadata"]["uid"],
            },
        }
        for pod in pods
    ]
    ports = [
        {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
        for port in one["spec"].get("ports") or ()
        if (number := _target(port, pods)) is not None
    ]
    _slice(hands, one, endpoints, ports)


def _target(port: Object, pods: list[Object]) -> int | None:
    """The number behind a port's name, as the Pods tell it."""
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for told in container.get("ports") or ():
                if told.get("name") == wanted:
                    return int(told["containerPort"])
    return None


def _slice(hands: Hands, one: Object, endpoints: list[Object], ports: list[Object]) -> None:
    told = one["metadata"]
    name = f"{told['name']}-{digest(told['uid'], 5)}"
    found = hands.store.find(SLICES, told["namespace"], name)
    if found is None:
        labels = {**(told.get("labels") or {}), "kubernetes.io/service-name": told["name"],
                  "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}  # fmt: skip
        hands.make(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "addressType": "IPv4",
                "metadata": {
                    "name": name,
                    "namespace": told["namespace"],
                    "labels": labels,
                    "ownerReferences": [reference(one)],
                },
                "endpoints": endpoints,
                "ports": ports,
            }
        )
    elif found.get("endpoints", []) != endpoints or found.get("ports", []) != ports:
        hands.change(SLICES, found, lambda fresh: fresh.update(endpoints=endpoints, ports=ports))


def host_name(one: Object, region: str) -> str:
    """The address that a load balancer of AWS would have. It leads nowhere: no balancer stands behind it."""
    told = one["metadata"]
    mark = digest(told["uid"])
    return f"k8s-{told['namespace'][:8]}-{told['name'][:8]}-{mark}-{int(mark, 16) % 10**9}.{region}.elb.amazonaws.com"


def _balanced(hands: Hands, place: Place, one: Object) -> None:
    if not ((one.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        name = host_name(one, hands.cluster.setting.region)
        hands.status(place, one, {**(one.get("status") or {}), "loadBalancer": {"ingress": [{"hostname": name}]}})


def _ingress(hands: Hands, one: Object) -> None:
    """An Ingress is made true by the controller of its class, if that one runs; else it stays without an address."""
    name = one["spec"].get("ingressClassName")
    found = hands.store.find(CLASSES, "", name) if name else None
    controller = ((found or {}).get("spec") or {}).get("controller", "")
    if controller in AUTO_MODE or (controller == "ingress.k8s.aws/alb" and has_controller(hands)):
        missing = _missing_backend(hands, one)
        if missing:
            hands.event(one, "Warning", "FailedBuildModel", f"Failed build model due to {missing}")
        else:
            _balanced(hands, INGRESSES, one)


def _missing_backend(hands: Hands, one: Object) -> str:
    backends = [one["spec"].get("defaultBackend") or {}]
    for rule in one["spec"].get("rules") or ():
        backends += [path["backend"] for path in (rule.get("http") or {}).get("paths") or ()]
    for backend in backends:
        told = backend.get("service")
        # Names that an annotation explains (actions, as a redirect) are no Services.
        if told is None or (told.get("port") or {}).get("name") == "use-annotation":
            continue
        service = hands.store.find(SERVICES, one["metadata"]["namespace"], told["name"])
        if service is None:
            return (
                f'ingress: {one["metadata"]["namespace"]}/{one["metadata"]["name"]}: service "{told["name"]}" not found'
            )
    return ""


def has_controller(hands: Hands) -> bool:
    """Whether a Pod of the load balancer controller is ready."""
    return any(
        is_ready(pod)
        for pod in hands.every(PODS)
        if selects({"matchLabels": CONTROLLER}, pod["metadata"].get("labels") or {})
    )


def _claim(hands: Hands, one: Object) -> None:
    told, spec = one["metadata"], one["spec"]
    name = spec.get("storageClassName")
    found = hands.store.find(STORAGE, "", name) if name else None
    if found is None:
        hands.status(CLAIMS, one, {"phase": "Pending"})
        words = (
            f'storageclass.storage.k8s.io "{name}" not found'
            if name
            else "no storage class is set and none is the default"
        )
        hands.event(one, "Warning", "ProvisioningFailed", words)
        return
    waits = found["volumeBindingMode"] == "WaitForFirstConsumer" and not _used(hands, one)
    driver = hands.store.find(DRIVERS, "", found["provisioner"])
    if waits or driver is None:
        hands.status(CLAIMS, one, {"phase": "Pending"})
        reason = "WaitForFirstConsumer" if waits else "ExternalProvisioning"
        words = (
            "waiting for first consumer to be created before binding"
            if waits
            else (
                "Waiting for a volume to be created either by the external provisioner "
                f"'{found['provisioner']}' or manually"
            )
        )
        hands.event(one, "Normal", reason, words)
        return
    volume = f"pvc-{told['uid']}"
    size = {"storage": spec["resources"]["requests"]["storage"]}
    hands.make({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
        "spec": {"capacity": size, "accessModes": spec["accessModes"], "storageClassName": name,
                 "persistentVolumeReclaimPolicy": found["reclaimPolicy"], "volumeMode": spec["volumeMode"],
                 "csi": {"driver": found["provisioner"], "volumeHandle": f"vol-{digest(told['uid'], 17)}"},
                 "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": told["name"],
                              "namespace": told["namespace"], "uid": told["uid"]}},
    })  # fmt: skip
    bound = hands.change(CLAIMS, one, lambda fresh: fresh["spec"].update(volumeName=volume))
    hands.status(CLAIMS, bound, {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": size})


def _used(hands: Hands, one: Object) -> bool:
    name = one["metadata"]["name"]
    return any(
        (volume.get("persistentVolumeClaim") or {}).get("claimName") == name and pod["spec"].get("nodeName")
        for pod in hands.every(PODS, one["metadata"]["namespace"])
        for volume in pod["spec"].get("volumes") or ()
    )
