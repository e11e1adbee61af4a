"""Applications for the tests: BahnVision as group_vars describe it, and others of that shape."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.bahnvision.aws.plugins.filter.app_manifests import app_manifests
from ansible_collections.bahnvision.aws.plugins.module_utils._application.refused import Refused

ROOT = Path(__file__).resolve().parents[5]
DIGEST = "sha256:" + "0123456789abcdef" * 4
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
RESOURCES = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
IMAGES = ("bahnvision-backend", "bahnvision-frontend", "bahnvision-migrations", "web", "worker", "tool")


@cache
def _read() -> dict[str, Any]:
    text = (ROOT / "group_vars/all/app.yml").read_text().replace("{{ app_domain }}", "bahnvision.com")
    return yaml.safe_load(text)


def bahnvision() -> dict[str, Any]:
    return copy.deepcopy(_read())


def context(**changes: Any) -> dict[str, Any]:
    """A stage that has everything. Dictionaries of changes are merged into it."""
    whole: dict[str, Any] = {
        "app": "bahnvision", "stage": "production", "kubernetes_version": "1.35", "registry": REGISTRY, "serving": True,
        "images": dict.fromkeys(IMAGES, DIGEST), "environment": bahnvision()["app_environment"],
        "database": {"host": "proxy.rds.amazonaws.com", "cidrs": ["10.0.64.0/22"], "ca_file": "/etc/ssl/certs/all.pem"},
        "cache": {"host": "master.cache.amazonaws.com", "cidrs": ["10.0.64.0/22"]},
        "telemetry": {"endpoint": "http://collector.observability:4317", "namespace": "observability"},
        "ingress": {"certificate_arns": [CERTIFICATE], "cidrs": ["10.0.0.0/20"]},
        "network": {}, "storage": {}, "secrets": {},
    }  # fmt: skip
    for key, value in copy.deepcopy(changes).items():
        whole[key] = {**whole.get(key, {}), **value} if isinstance(value, dict) and key != "images" else value
    return whole


def web(**changes: Any) -> dict[str, Any]:
    return {"name": "web", "image": "web", "port": 8080, "resources": RESOURCES, "health": {"path": "/ok"}, **changes}


def worker(**changes: Any) -> dict[str, Any]:
    return {"name": "worker", "type": "worker", "image": "worker", "resources": RESOURCES, **changes}


def schedule(**changes: Any) -> dict[str, Any]:
    own = {"name": "nightly", "type": "schedule", "image": "tool", "schedule": "0 2 * * *", "resources": RESOURCES}
    return {**own, **changes}


def job(**changes: Any) -> dict[str, Any]:
    return {"name": "schema", "type": "job", "image": "tool", "resources": RESOURCES, **changes}


def render(components: list[Any] | None = None, **changes: Any) -> list[dict[str, Any]]:
    return app_manifests(bahnvision()["app_components"] if components is None else components, context(**changes))


def found(objects: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    one, *others = [one for one in objects if one["kind"] == kind and name in ("", one["metadata"]["name"])]
    assert not others, f"more than one {kind}"
    return one


def kinds(objects: list[dict[str, Any]]) -> list[str]:
    return [one["kind"] for one in objects]


def pod_of(one: dict[str, Any]) -> dict[str, Any]:
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    return spec["template"]["spec"]


def container_of(one: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod_of(one)["containers"]
    return container


# Lists that together reach every branch of the planners.
LISTS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "bahnvision": (bahnvision()["app_components"], {}),
    "staged": (bahnvision()["app_components"], {"serving": False}),
    "bare": ([web(), worker(), schedule(), job()], {"network": {"policies": False}}),
    "external": (
        [web(calls=["database", "cache"], secrets=["DATABASE_URL", "VALKEY_URL"])],
        {
            "secrets": {"source": "external", "region": "eu-central-1", "database_secret": "a", "cache_secret": "b",
                        "service_account": "bahnvision-web"},
            "database": {"name": "bahnvision", "authorities": "PEM"}, "cache": {"authorities": "PEM"},
        },
    ),
    "storage": (
        [
            web(replicas=1, spread="required", volumes=[
                {"path": "/data", "type": "claim", "size": "10Gi"}, {"path": "/run/x", "type": "memory", "size": "1Mi"},
                {"path": "/tmp", "size": "1Gi"},
            ]),
        ],
        {"storage": {"kms_key_arn": "arn:aws:kms:eu-central-1:1:key/a"}},
    ),
    "rich": (
        [
            web(routes=[{"path": "/"}, {"host": "a.example.com", "path": "/x", "match": "Exact"}],
                metrics={"port": 9090}, private_paths=["/admin"], private_by_rule=True,
                calls=["api", "aws", "internet"], role_arn="arn:aws:iam::1:role/x",
                autoscaling={"max": 4, "cpu": 0, "memory": 80}, node_selector={"kubernetes.io/arch": "arm64"},
                tolerations=[{"key": "a", "operator": "Exists"}], priority_class="high", disruption="25%",
                overrides={"Deployment": {"spec": {"paused": False}},
                           "Service": {"metadata": {"annotations": {"a": "b"}}}}),
            web(name="api", port=80, user=0, pod_security="baseline", read_only_root=False, kubernetes_token=True),
            worker(health={"command": ["true"]}, environment={"A": True, "B": [1], "C": None}, drain_seconds=0),
            schedule(command=["run"], args=["now"]),
            job(name="other", enabled=False),
        ],
        {
            "ingress": {"waf_arn": "arn:aws:wafv2:eu-central-1:1:regional/webacl/a/b", "access_logs_bucket": "logs",
                        "group": "shared", "inbound_cidrs": ["0.0.0.0/0"], "prefix_lists": ["pl-1"],
                        "subnets": ["a", "b"], "tags": {"team": "x"}, "annotations": {"x.example.com/y": 1}},
            "network": {"metrics_namespaces": ["observability"], "metrics_cidrs": ["10.0.1.0/24"],
                        "dns_cidrs": ["169.254.20.10/32"], "aws_cidrs": ["10.0.0.0/16"]},
            "labels": {"team": "transit"},
        },
    ),
}  # fmt: skip

__all__ = ["LISTS", "Refused", "bahnvision", "context", "found", "job", "kinds", "render", "schedule", "web", "worker"]
