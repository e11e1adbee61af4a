"""How a cluster is reached: a kubeconfig that kubernetes.core may hide, string by string, without harm to results."""

from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._eks.cluster_info import kubeconfig

CLUSTER = {"name": "app-lab", "endpoint": "https://127.0.0.1:1", "certificate_authority_data": "LS0t"}
RESULT = "apiVersion: apps/v1, kind: Config, image: app-lab/web:v1.2, namespace: default, user: eks, cluster: app-lab"


def strings(value):
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [str(value)]


def test_no_string_of_it_comes_up_in_results():
    assert [text for text in strings(kubeconfig(CLUSTER)) if text in RESULT] == []


def test_before_there_is_an_endpoint_it_is_empty():
    assert kubeconfig({}) == kubeconfig({**CLUSTER, "endpoint": ""}) == {}
