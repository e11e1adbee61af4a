"""Manifests as files: the same objects give the same text, every reader reads the same, and no secret gets in."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.bahnvision.aws.plugins.module_utils._git.render import (
    KUSTOMIZATION,
    MARK,
    files_of,
    with_waves,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError


def manifest(kind, name, api="v1", **members):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "orders"}, **members}


CONFIG = manifest("ConfigMap", "orders", data={"b": "1e3", "a": "on", "script": "line one\nline two\n", "o": "0o7"})
JOB = manifest("Job", "migrate", "batch/v1", spec={"template": {"spec": {"restartPolicy": "Never"}}})
WEB = manifest("Deployment", "web", "apps/v1", spec={"replicas": 2, "paused": False})


def test_the_same_objects_give_the_same_files_whatever_their_order_of_keys():
    turned = [json.loads(json.dumps(one, sort_keys=True)) for one in (CONFIG, WEB)]
    files = files_of([CONFIG, WEB])
    assert files == files_of(turned)
    assert list(files) == ["configmap-orders.yaml", "deployment-web.yaml", KUSTOMIZATION]
    assert yaml.safe_load(files[KUSTOMIZATION])["resources"] == ["configmap-orders.yaml", "deployment-web.yaml"]
    assert all(text.startswith(MARK) for text in files.values())


def test_every_reader_reads_what_was_meant():
    text = files_of([CONFIG])["configmap-orders.yaml"]
    assert yaml.safe_load(text) == CONFIG
    # YAML 1.2 and Go read these as numbers and booleans when they are not quoted.
    assert 'b: "1e3"' in text
    assert 'a: "on"' in text
    assert 'o: "0o7"' in text
    assert "script: |\n" in text


@pytest.mark.parametrize(
    "text", ["", " a", "a ", "a\n", "a \nb", "\ttab", "null", "~", "yes", "1", "é: #", "x: y", "\r\n"]
)
def test_no_text_changes_on_its_way(text):
    read = yaml.safe_load(files_of([manifest("ConfigMap", "x", data={"k": text})])["configmap-x.yaml"])
    assert read["data"]["k"] == text


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (manifest("Secret", "orders", data={"a": "eA=="}), "Secret orders/orders must not be in Git"),
        (
            manifest("ConfigMap", "c", data={"u": "postgresql://a:hunter2@db/x"}),
            "data.u: looks like a URI with a password",
        ),
        (manifest("ConfigMap", "c", data={"k": "AKIAABCDEFGHIJKLMNOP"}), "looks like an AWS access key"),
        (manifest("SecretList", "c", items=[]), "is a list"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}}, "object 2 has no"),
        (CONFIG, "ConfigMap orders/orders is there twice"),
    ],
)
def test_what_must_not_be_in_git_is_refused_and_not_told(one, told):
    with pytest.raises(ResourceError) as refused:
        files_of([CONFIG, one])
    assert told in refused.value.message
    assert "hunter2" not in refused.value.message


def test_objects_of_one_short_name_do_not_share_a_file():
    other = {**CONFIG, "metadata": {"name": "orders", "namespace": "other"}}
    assert list(files_of([CONFIG, other]))[:2] == ["orders-configmap-orders.yaml", "other-configmap-orders.yaml"]


def test_a_job_stands_between_waves_and_what_was_given_stays_as_it_is():
    marks = [one["metadata"].get("annotations", {}) for one in with_waves([CONFIG, JOB, WEB])]
    wave, hook = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook"
    assert [(mark.get(wave, "0"), mark.get(hook)) for mark in marks] == [("0", None), ("1", "Sync"), ("2", None)]
    assert "annotations" not in JOB["metadata"]


def test_what_holds_others_is_never_pruned():
    (space,) = with_waves([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "o"}}])
    assert space["metadata"]["annotations"] == {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
