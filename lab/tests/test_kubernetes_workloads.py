"""What stands in for nodes: rollouts, jobs, endpoints, volumes, autoscalers; a bad image never serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kube_world import APPS, BATCH, NET, Client, add_node, changed, deployment, running_cluster, wait_for

CORE = "/api/v1"
MERGE = "application/merge-patch+json"
NS = "/namespaces/app"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_cluster(tmp_path_factory.mktemp("work")) as found:
        found.namespace("app")
        yield found


def condition(one: Any, kind: str) -> dict[str, Any]:
    return next((told for told in (one.get("status") or {}).get("conditions") or () if told["type"] == kind), {})


def wait_condition(client: Client, at: str, kind: str, status: str = "True", reason: str = "") -> Any:
    def check() -> Any:
        one = client.good("GET", at)
        told = condition(one, kind)
        fits = told.get("status") == status and (not reason or told.get("reason") == reason)
        return (
            one
            if fits
            and one["status"].get("observedGeneration", one["metadata"]["generation"]) == one["metadata"]["generation"]
            else None
        )

    return wait_for(check, f"{at} to be {kind} {status} {reason}")


def pods(client: Client, app: str) -> list[Any]:
    return client.good("GET", f"{CORE}{NS}/pods", labelSelector=f"app={app}")["items"]


def waiting(pod: Any) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one["state"]["waiting"]["reason"] for one in statuses if "waiting" in one["state"]), "")


def test_a_bad_image_never_serves_and_the_old_one_goes_on(client: Client) -> None:
    at = f"{APPS}{NS}/deployments/web"
    client.good("POST", f"{APPS}{NS}/deployments", deployment(progressDeadlineSeconds=2))
    client.good(
        "POST",
        f"{CORE}{NS}/services",
        {
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
        },
    )
    one = wait_condition(client, at, "Progressing", reason="NewReplicaSetAvailable")
    assert one["status"]["availableReplicas"] == 2
    assert {pod["spec"]["nodeName"] for pod in pods(client, "web")} == {"node-0", "node-1"}
    template = changed(one["spec"]["template"], "spec.containers.0.image", "broken:2")
    client.good("PATCH", at, {"spec": {"template": template}}, MERGE)
    late = wait_condition(client, at, "Progressing", "False", "ProgressDeadlineExceeded")
    assert condition(late, "Available")["status"] == "True"
    bad = next(pod for pod in pods(client, "web") if pod["spec"]["containers"][0]["image"] == "broken:2")
    assert waiting(bad) in ("ErrImagePull", "ImagePullBackOff")
    client.refused(400, "waiting to start", "GET", f"{CORE}{NS}/pods/{bad['metadata']['name']}/log")
    slices = client.good(
        "GET", "/apis/discovery.k8s.io/v1/endpointslices", labelSelector="kubernetes.io/service-name=web"
    )["items"]
    ready = [end["targetRef"]["name"] for end in slices[0]["endpoints"] if end["conditions"]["ready"]]
    assert len(ready) == 2
    assert bad["metadata"]["name"] not in ready
    assert slices[0]["ports"] == [{"name": "", "port": 8000, "protocol": "TCP"}]
    client.good("PATCH", at, {"spec": {"template": one["spec"]["template"]}}, MERGE)
    back = wait_condition(client, at, "Progressing", reason="NewReplicaSetAvailable")
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


@pytest.mark.parametrize(("image", "reason"), [("crash:1", "CrashLoopBackOff"), ("unready:1", "")])
def test_what_crashes_or_is_not_ready_is_not_available(client: Client, image: str, reason: str) -> None:
    name = image.partition(":")[0]
    client.good("POST", f"{APPS}{NS}/deployments", deployment(name, image, 1))
    wait_for(
        lambda: [
            pod
            for pod in pods(client, name)
            if (pod.get("status") or {}).get("containerStatuses") and waiting(pod) == reason
        ],
        reason,
    )
    assert condition(client.good("GET", f"{APPS}{NS}/deployments/{name}"), "Available")["status"] == "False"


def test_a_pod_waits_for_its_configuration(client: Client) -> None:
    one = changed(
        deployment("configured", replicas=1),
        "spec.template.spec.containers.0.envFrom",
        [{"secretRef": {"name": "late"}}],
    )
    client.good("POST", f"{APPS}{NS}/deployments", one)
    wait_for(
        lambda: [waiting(pod) for pod in pods(client, "configured")] == ["CreateContainerConfigError"],
        "the missing secret",
    )
    client.good("POST", f"{CORE}{NS}/secrets", {"metadata": {"name": "late"}, "stringData": {"A": "1"}})
    wait_condition(client, f"{APPS}{NS}/deployments/configured", "Available")


def test_a_pod_that_fits_nowhere_says_why(client: Client) -> None:
    resources = {"requests": {"cpu": "64"}}
    one = changed(deployment("huge", replicas=1), "spec.template.spec.containers.0.resources", resources)
    client.good("POST", f"{APPS}{NS}/deployments", one)
    wait_for(
        lambda: any(
            "Insufficient cpu" in condition(pod, "PodScheduled").get("message", "") for pod in pods(client, "huge")
        ),
        "the reason",
    )
    add_node(client.cluster, "huge-node", "a", "96")
    wait_condition(client, f"{APPS}{NS}/deployments/huge", "Available")


def job(name: str, image: str = "good:1", **spec: Any) -> dict[str, Any]:
    inner = {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}
    return {
        "metadata": {"name": name},
        "spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": inner}, **spec},
    }


def test_jobs_end_well_or_with_a_reason(client: Client) -> None:
    at = f"{BATCH}{NS}/jobs"
    for body in (job("good"), job("bad", "crash:1", backoffLimit=1), job("stuck", "broken:1", activeDeadlineSeconds=1)):
        client.good("POST", at, body)
    assert wait_condition(client, f"{at}/good", "Complete")["status"]["succeeded"] == 1
    assert condition(wait_condition(client, f"{at}/bad", "Failed"), "Failed")["reason"] == "BackoffLimitExceeded"
    assert condition(wait_condition(client, f"{at}/stuck", "Failed"), "Failed")["reason"] == "DeadlineExceeded"
    client.refused(
        422,
        "field is immutable",
        "PATCH",
        f"{at}/good",
        {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}},
        MERGE,
    )


def test_a_cronjob_that_is_always_due_makes_one_job_a_minute(client: Client) -> None:
    body = {"metadata": {"name": "tick"}, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": job("x")["spec"]}}}
    made = client.good("POST", f"{BATCH}{NS}/cronjobs", body)["metadata"]["creationTimestamp"]
    # Due from the next full minute on; the test does not wait for it, and may be made right before it.
    ran = client.good("GET", f"{BATCH}{NS}/cronjobs/tick").get("status", {}).get("lastScheduleTime")
    assert ran is None or ran > made


def test_an_ingress_needs_its_controller_and_its_services(client: Client) -> None:
    client.good(
        "POST", f"{NET}/ingressclasses", {"metadata": {"name": "alb"}, "spec": {"controller": "ingress.k8s.aws/alb"}}
    )
    backend = {"service": {"name": "front", "port": {"number": 80}}}
    client.good(
        "POST",
        f"{NET}{NS}/ingresses",
        {
            "metadata": {"name": "in"},
            "spec": {
                "ingressClassName": "alb",
                "rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
            },
        },
    )
    controller = deployment("aws-load-balancer-controller", replicas=1)
    controller = changed(
        controller,
        "spec.template.metadata.labels",
        {"app": controller["metadata"]["name"], "app.kubernetes.io/name": controller["metadata"]["name"]},
    )
    client.good("POST", f"{APPS}/namespaces/kube-system/deployments", controller)
    wait_condition(client, f"{APPS}/namespaces/kube-system/deployments/aws-load-balancer-controller", "Available")
    assert not client.good("GET", f"{NET}{NS}/ingresses/in").get("status", {}).get("loadBalancer")
    client.good(
        "POST",
        f"{CORE}{NS}/services",
        {"metadata": {"name": "front"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}},
    )

    def address() -> str:
        told = client.good("GET", f"{NET}{NS}/ingresses/in").get("status", {}).get("loadBalancer", {}).get(
            "ingress"
        ) or [{}]
        return told[0].get("hostname", "")

    assert wait_for(address, "an address").endswith(".eu-central-1.elb.amazonaws.com")


def test_a_claim_is_bound_by_a_driver_when_a_pod_uses_it(client: Client) -> None:
    client.good(
        "POST",
        "/apis/storage.k8s.io/v1/storageclasses",
        {"metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"},
    )
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3", "resources": {"requests": {"storage": "1Gi"}}}
    client.good("POST", f"{CORE}{NS}/persistentvolumeclaims", {"metadata": {"name": "files"}, "spec": spec})
    one = deployment("filed", replicas=1)
    one = changed(one, "spec.template.spec.volumes", [{"name": "f", "persistentVolumeClaim": {"claimName": "files"}}])
    client.good("POST", f"{APPS}{NS}/deployments", one)
    wait_for(lambda: [waiting(pod) for pod in pods(client, "filed")] == ["ContainerCreating"], "the pod to wait")
    client.good("POST", "/apis/storage.k8s.io/v1/csidrivers", {"metadata": {"name": "ebs.csi.aws.com"}, "spec": {}})
    wait_condition(client, f"{APPS}{NS}/deployments/filed", "Available")
    assert client.good("GET", f"{CORE}{NS}/persistentvolumeclaims/files")["status"]["phase"] == "Bound"


def test_autoscaler_and_budget(client: Client) -> None:
    client.good("POST", f"{APPS}{NS}/deployments", deployment("scaled", replicas=1))
    client.good(
        "POST",
        f"/apis/autoscaling/v2{NS}/horizontalpodautoscalers",
        {
            "metadata": {"name": "scaled"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "scaled"},
                "minReplicas": 3,
                "maxReplicas": 5,
            },
        },
    )
    client.good("POST", f"/apis/policy/v1{NS}/poddisruptionbudgets", {"metadata": {"name": "scaled"}, "spec": {
        "minAvailable": 3, "selector": {"matchLabels": {"app": "scaled"}}}})  # fmt: skip
    at = f"/apis/policy/v1{NS}/poddisruptionbudgets/scaled"
    wait_for(lambda: client.good("GET", at).get("status", {}).get("currentHealthy") == 3, "three healthy pods")
    name = pods(client, "scaled")[0]["metadata"]["name"]
    client.refused(
        429,
        "would violate the pod's disruption budget",
        "POST",
        f"{CORE}{NS}/pods/{name}/eviction",
        {"metadata": {"name": name}},
    )
    told = client.good("GET", f"/apis/autoscaling/v2{NS}/horizontalpodautoscalers/scaled")
    assert condition(told, "ScalingActive")["reason"] == "FailedGetResourceMetric"


@pytest.mark.full
def test_a_stateful_set_goes_in_order_and_keeps_its_names(client: Client) -> None:
    one = changed(changed(deployment("state"), "kind", "StatefulSet"), "spec.serviceName", "state")
    client.good("POST", f"{APPS}{NS}/statefulsets", one)
    at = f"{APPS}{NS}/statefulsets/state"
    wait_for(lambda: client.good("GET", at).get("status", {}).get("readyReplicas") == 2, "both members")
    assert [pod["metadata"]["name"] for pod in pods(client, "state")] == ["state-0", "state-1"]
