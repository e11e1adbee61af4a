"""Every rendered object fits what every Kubernetes that EKS offers accepts: no unknown field, no broken rule."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import bahnvision_lab
import pytest
import yaml
from app_shapes import LISTS, render, web
from bahnvision_lab.charts.archives import definition
from bahnvision_lab.kubernetes.objects import crds, decoding, pod_security, rules
from bahnvision_lab.kubernetes.objects.defaults import apply_defaults
from bahnvision_lab.kubernetes.objects.shapes import Release, release, versions

CUSTOM = "external-secrets.io"
SOURCES = Path(bahnvision_lab.__file__).parent / "charts/sources"


@cache
def custom() -> dict[str, dict[str, Any]]:
    """The kinds of the External Secrets Operator, as its chart in the lab brings them."""
    told = yaml.safe_load((SOURCES / "external-secrets/crds.yaml").read_text())
    written = [definition(one, kept=False)["spec"] for one in told]
    return {one["names"]["kind"]: one["versions"][0]["schema"]["openAPIV3Schema"] for one in written}


def custom_problems(one: dict[str, Any], of: Release) -> list[str]:
    shape, strictness = crds.structural(custom()[one["kind"]], of), decoding.Strictness()
    read = crds.defaulted(shape, decoding.decode(shape, copy.deepcopy(one), strictness))
    return strictness.told() + [f"{problem.field}: {problem.message}" for problem in crds.problems(shape, read)]


def problems(one: dict[str, Any], of: Release) -> list[str]:
    """As a strict API server tells them."""
    group, _slash, version = one["apiVersion"].rpartition("/")
    if group == CUSTOM:
        return custom_problems(one, of)
    shape = of.shape(group, version, one["kind"])
    assert shape is not None, f"{of.minor} has no {one['kind']} in {one['apiVersion']}"
    strictness = decoding.Strictness()
    read = decoding.decode(shape, copy.deepcopy(one), strictness)
    apply_defaults(read, group)
    found = rules.metadata_problems(read, "namespace" in one["metadata"], False)
    found += rules.problems(read, None, group, shape)
    return strictness.told() + [f"{problem.field}: {problem.message}" for problem in found]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("minor", versions())
def test_objects_are_valid(minor, name):
    components, changes = LISTS[name]
    objects = render(components, **{**changes, "kubernetes_version": minor})

    assert {f"{one['kind']} {one['metadata']['name']}": problems(one, release(minor)) for one in objects} == {
        f"{one['kind']} {one['metadata']['name']}": [] for one in objects
    }


@pytest.mark.parametrize("name", LISTS)
def test_pods_fit_the_level_that_their_namespace_enforces(name):
    components, changes = LISTS[name]
    namespace, *objects = render(components, **changes)
    level = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    pods = [pod_security.template_of(one) for one in objects if one["kind"] in ("Deployment", "CronJob", "Job")]

    assert pods
    assert [pod_security.violations(pod, level) for pod in pods] == [[] for _pod in pods]
    assert level == ("baseline" if name == "rich" else "restricted")


def test_a_field_that_does_not_exist_would_be_seen():
    objects = render([web(overrides={"Deployment": {"spec": {"template": {"spec": {"nodeSelektor": {}}}}}})])
    told = [problem for one in objects for problem in problems(one, release(versions()[-1]))]

    assert told == ['unknown field "spec.template.spec.nodeSelektor"']


def test_a_field_that_external_secrets_does_not_know_would_be_seen():
    store = next(one for one in render(LISTS["external"][0], **LISTS["external"][1]) if one["kind"] == "SecretStore")
    store["spec"]["provider"]["aws"]["regions"] = store["spec"]["provider"]["aws"].pop("region")

    assert problems(store, release(versions()[-1])) == [
        'unknown field "spec.provider.aws.regions"', "spec.provider.aws.region: Required value",
    ]  # fmt: skip


def test_all_kinds_are_among_the_lists():
    kinds = {one["kind"] for components, changes in LISTS.values() for one in render(components, **changes)}

    assert kinds == {
        "ConfigMap", "CronJob", "Deployment", "ExternalSecret", "HorizontalPodAutoscaler", "Ingress", "Job",
        "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "SecretStore", "Service",
        "ServiceAccount", "StorageClass",
    }  # fmt: skip
