"""Defaults of Pods and of what holds a Pod's template."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def fill(one: Object, **values: Any) -> Object:
    """Give what is absent; a default never wins over a value."""
    for key, value in values.items():
        if one.get(key) is None:
            one[key] = value
    return one


def template(spec: Object) -> None:
    """The Pod template of a workload."""
    told = fill(spec, template={})["template"]
    fill(told, metadata={})
    if told["metadata"].get("creationTimestamp") is None:
        told["metadata"].pop("creationTimestamp", None)
    pod(fill(told, spec={})["spec"])


def pod(spec: Object) -> None:
    fill(
        spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst", securityContext={},
        schedulerName="default-scheduler",
    )  # fmt: skip
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _container(container)
    for volume in spec.get("volumes") or ():
        _volume(volume)
    for constraint in spec.get("topologySpreadConstraints") or ():
        fill(constraint)
    if spec.get("hostNetwork"):
        for container in spec.get("containers") or ():
            for port in container.get("ports") or ():
                fill(port, hostPort=port.get("containerPort"))


def requests(spec: Object) -> None:
    """Of a Pod itself: what it may use at most, it asks for where it does not say what it asks for."""
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        for key, value in (container["resources"].get("limits") or {}).items():
            fill(container["resources"], requests={})["requests"].setdefault(key, value)


def always_pulls(image: str) -> bool:
    """Whether an image without a policy is pulled each time: it has no tag, or the tag latest."""
    name, digest, _sum = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and tag in ("", "latest")


def _container(container: Object) -> None:
    pulls = "Always" if always_pulls(container.get("image") or "") else "IfNotPresent"
    fill(
        container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File", resources={},
        imagePullPolicy=pulls,
    )  # fmt: skip
    for port in container.get("ports") or ():
        fill(port, protocol="TCP")
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            fill(reference, apiVersion="v1")
        amount = (variable.get("valueFrom") or {}).get("resourceFieldRef")
        if amount:
            fill(amount, divisor="0")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and hook.get("httpGet"):
            _http_get(hook["httpGet"])


def _probe(probe: Object) -> None:
    fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    for key in ("timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        probe[key] = probe[key] or {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1}.get(key, 3)
    if probe.get("httpGet"):
        _http_get(probe["httpGet"])
    if probe.get("grpc"):
        fill(probe["grpc"], service="")


def _http_get(action: Object) -> None:
    fill(action, path="/", scheme="HTTP")


def _volume(volume: Object) -> None:
    sources = [key for key in volume if key != "name"]
    if not sources:
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(name) is not None:
            fill(volume[name], defaultMode=420)
    for source in (volume.get("projected") or {}).get("sources") or ():
        if source.get("serviceAccountToken"):
            fill(source["serviceAccountToken"], expirationSeconds=3600)
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            if item.get("fieldRef"):
                fill(item["fieldRef"], apiVersion="v1")
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        if item.get("fieldRef"):
            fill(item["fieldRef"], apiVersion="v1")
    if volume.get("hostPath") is not None:
        fill(volume["hostPath"], type="")
    claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if claim:
        fill(fill(claim, spec={})["spec"], volumeMode="Filesystem")


def quality(pod: Object) -> str:
    """The Pod's class of service."""
    told = [one.get("resources") or {} for one in pod["spec"]["containers"]]
    if not any(one.get("requests") or one.get("limits") for one in told):
        return "BestEffort"
    whole = all(
        {"cpu", "memory"} <= (one.get("limits") or {}).keys() and one.get("requests", one["limits"]) == one["limits"]
        for one in told
    )
    return "Guaranteed" if whole else "Burstable"
