"""What a run applies, waits for, returns to and removes, from what is wanted and what is there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bahnvision.aws.plugins.filter.app_release import app_release
from ansible_collections.bahnvision.aws.plugins.module_utils._application.release import ROOM

Object = dict[str, Any]
OURS = {"app.kubernetes.io/managed-by": "bahnvision.aws", "app.kubernetes.io/part-of": "shop"}


def one(kind: str, name: str, labels: dict[str, str] | None = None, **rest: Any) -> Object:
    metadata = {"name": name, "namespace": "shop", "labels": OURS if labels is None else labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, **rest.pop("metadata", {})}, **rest}


SPACE = one("Namespace", "shop")


def release(version: str) -> list[Object]:
    return [SPACE, one("ConfigMap", "shop-config", data={"V": version}), one("Job", f"shop-schema-{version}"),
            one("Service", "shop-web"), one("Deployment", "shop-web", spec={"version": version})]  # fmt: skip


class Space:
    """A namespace into which releases are rolled out, or not, as the plans say."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.namespace: Object = {}

    @property
    def found(self) -> dict[str, Any]:
        return {"namespace": self.namespace, "objects": list(self.objects.values())}

    def plan(self, manifests: list[Object], serving: bool = True, **wish: Any) -> dict[str, Any]:
        return app_release(manifests, self.found, app="shop", namespace="shop", serving=serving, **wish)

    def roll_out(self, manifests: list[Object], good: bool = True, **wish: Any) -> dict[str, Any]:
        told = self.plan(manifests, **wish)
        done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
        self.put(*told["ground"], *({**job, **done} for job in told["jobs"]), *told["rest"])
        if good:
            self.put(*told["finish"])
            for stub in told["prune"]:
                del self.objects[f"{stub['kind']}/{stub['metadata']['name']}"]
        return told

    def put(self, *objects: Object) -> None:
        for told in objects:
            if told["kind"] == "Namespace":
                self.namespace = told
            else:
                self.objects[f"{told['kind']}/{told['metadata']['name']}"] = told

    @property
    def version(self) -> tuple[str, str]:
        config, web = self.objects["ConfigMap/shop-config"], self.objects["Deployment/shop-web"]
        return config["data"]["V"], web["spec"]["version"]


@pytest.fixture
def space() -> Space:
    return Space()


def names(objects: list[Object]) -> list[str]:
    return [f"{told['kind']}/{told['metadata']['name']}" for told in objects]


def test_pods_come_after_the_job_and_the_job_after_what_it_stands_on(space: Space) -> None:
    told = space.plan(release("1"))
    assert names(told["ground"]) == ["Namespace/shop", "ConfigMap/shop-config", "ConfigMap/shop-releases"]
    assert names(told["jobs"]) == ["Job/shop-schema-1"]
    assert (names(told["rest"]), told["deployments"]) == (["Service/shop-web", "Deployment/shop-web"], ["shop-web"])


def test_a_second_run_has_nothing_to_write_but_the_same(space: Space) -> None:
    space.roll_out(release("1"))
    before = json.dumps(space.found)
    told = space.roll_out(release("1"))
    assert (told["jobs"], told["finish"], told["prune"]) == ([], [], [])
    assert json.loads(json.dumps(space.found)) == json.loads(before)


def test_what_is_ours_and_wanted_no_more_goes(space: Space) -> None:
    space.roll_out(release("1"))
    space.put(
        one("ConfigMap", "theirs", {}), one("Secret", "shop-secrets"), one("Service", "shop-old"),
        one("Job", "shop-daily-1", metadata={"ownerReferences": [{"uid": "a CronJob"}]}),
        one("PersistentVolumeClaim", "shop-data"),
        one("Deployment", "other", {**OURS, "app.kubernetes.io/part-of": "x"}),
    )  # fmt: skip
    told = space.plan(release("2"), others=["Secret/shop-secrets"])
    assert names(told["prune"]) == ["Job/shop-schema-1", "Service/shop-old"]
    told = space.plan(release("2"), delete_data=True)
    assert {"Secret/shop-secrets", "PersistentVolumeClaim/shop-data"} <= set(names(told["prune"]))


@pytest.mark.parametrize(
    "theirs", [one("Service", "shop-web", {}), one("Namespace", "shop", {})], ids=lambda it: it["kind"]
)
def test_what_is_somebody_elses_is_named(space: Space, theirs: Object) -> None:
    space.put(theirs)
    assert space.plan(release("1"))["foreign"] == names([theirs])


def test_after_a_failed_roll_out_the_one_that_still_serves_comes_back(space: Space) -> None:
    space.roll_out(release("1"))
    space.roll_out(release("2"), good=False)
    space.roll_out(release("3"), good=False)
    assert space.version == ("3", "3")
    told = space.roll_out([], roll_back=True)
    assert (space.version, told["jobs"]) == (("1", "1"), [])
    with pytest.raises(AnsibleFilterError, match="nothing to go back to"):
        space.plan([], roll_back=True)


def test_after_a_good_roll_out_the_one_before_comes_back_step_by_step(space: Space) -> None:
    for version in "1234":
        space.roll_out(release(version))
    seen = []
    for _step in range(2):
        space.roll_out([], roll_back=True)
        seen.append(space.version)
    assert seen == [("3", "3"), ("2", "2")]
    with pytest.raises(AnsibleFilterError, match="names no former release"):  # the fourth was too many to keep
        space.plan([], roll_back=True)


def test_a_return_that_was_killed_is_completed(space: Space) -> None:
    space.roll_out(release("1"))
    space.roll_out(release("2"))
    for _try in range(2):
        space.put(*space.plan([], roll_back=True)["ground"])
        assert space.version == ("1", "2")
    space.roll_out([], roll_back=True)
    assert space.version == ("1", "1")
    with pytest.raises(AnsibleFilterError, match="nothing to go back to"):
        space.plan([], roll_back=True)


def test_a_return_that_was_given_up_is_forgotten(space: Space) -> None:
    space.roll_out(release("1"))
    space.roll_out(release("2"))
    space.put(*space.plan([], roll_back=True)["ground"])
    space.roll_out(release("2"))
    assert space.version == ("2", "2")
    space.roll_out([], roll_back=True)
    assert space.version == ("1", "1")


def test_a_staged_application_is_no_release(space: Space) -> None:
    told = space.roll_out(release("1"), serving=False)
    assert told["finish"] == []
    with pytest.raises(AnsibleFilterError, match="does not serve"):
        space.plan([], serving=False, roll_back=True)


def test_a_job_that_failed_is_made_anew_and_one_that_is_done_is_not(space: Space) -> None:
    failed = {"conditions": [{"type": "Failed", "status": "True"}]}
    space.put(one("Job", "shop-schema-1", status=failed))
    told = space.plan(release("1"))
    assert (names(told["failed_jobs"]), names(told["jobs"])) == (["Job/shop-schema-1"], ["Job/shop-schema-1"])
    space.put(one("Job", "shop-schema-1", status={}))
    told = space.plan(release("1"))
    assert (told["failed_jobs"], names(told["jobs"])) == ([], ["Job/shop-schema-1"])


def test_the_record_stays_below_what_an_object_may_hold(space: Space) -> None:
    for version in "123":
        space.roll_out([*release(version), one("ConfigMap", "large", data={"x": version * (ROOM // 2)})])
    record = space.objects["ConfigMap/shop-releases"]["data"]
    assert sum(len(text) for text in record.values()) < 1 << 20
    assert len(record["history"].split(",")) == 1


@pytest.mark.parametrize(("stays", "goes"), [
    ([], True), ([one("ServiceAccount", "default", {})], True), ([one("StatefulSet", "theirs", {})], False),
    ([one("PersistentVolumeClaim", "shop-data")], False),
])  # fmt: skip
def test_the_namespace_goes_when_it_holds_nothing_else(space: Space, stays: list[Object], goes: bool) -> None:
    space.roll_out(release("1"))
    space.put(*stays)
    told = app_release([], space.found, remove=True, app="shop", namespace="shop", serving=True)
    assert (told["namespace"], "Deployment/shop-web" in names(told["prune"])) == (goes, True)
