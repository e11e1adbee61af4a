"""The role application on a stage with a real database and a real cache: staged, started, broken, returned, removed.

The tests share one stage and follow each other. What a Pod would see is resolved from the API as its kubelet would.
"""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from application_world import SPACE, Kube, can_i, ci_of, kube_of, make_data, pod_of
from bahnvision_lab.kubernetes.kubelet import Container
from bahnvision_lab.testing import Lab, running_lab
from cluster_world import ClusterWorld
from stage import ROOT, Outcome, Stage, relatives

IMAGES = {
    "bahnvision-backend": f"sha256:{'1' * 64}", "bahnvision-frontend": f"sha256:{'2' * 64}",
    "bahnvision-migrations": f"sha256:{'3' * 64}",
}  # fmt: skip
BROKEN = {**IMAGES, "bahnvision-backend": f"registry.invalid/bahnvision-backend@sha256:{'4' * 64}"}
SETTINGS = {"DATABASE_POOL_SIZE": 5, "GTFS_STORAGE_PATH": "/data/gtfs"}
TABLE = re.compile(r"^\| (\w+) \| ([\w./]+) \| (yes|no) \| (yes|no) \|$", re.MULTILINE)


class Watch(threading.Thread):
    """What a run and all that it starts show in their arguments and environments, looked at again and again."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.seen, self.over = pid, set[str](), threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.3):
            for pid in relatives(self.pid):
                for part in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):  # it ended meanwhile
                        self.seen.add(Path(f"/proc/{pid}/{part}").read_text(errors="replace"))

    def end(self) -> set[str]:
        self.over.set()
        self.join()
        return self.seen


class World:
    """The stage, and who looks at it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        make_data(lab)
        self.cluster = ClusterWorld(lab, folder)
        self.cluster.settle()
        self.stage = Stage(lab, "application", "application.yml", app_images=IMAGES, application_environment=SETTINGS)
        self.kube: Kube = kube_of(lab)
        self.secrets = lab.client("secretsmanager")
        self.used: set[str] = set()  # actions of AWS, for the list in the README
        self.foreseen: list[str] = []

    def run(self, *options: str, **inputs: Any) -> Outcome:
        outcome = self.stage.run(*options, timeout=900, **inputs)
        self.used |= {f"{entry['service']}:{entry['operation']}" for entry in outcome.requests}
        return outcome

    def deployment(self, name: str) -> dict[str, Any]:
        return self.kube.one("Deployment", f"bahnvision-{name}")

    def container(self, kind: str, name: str) -> Container:
        return Container(self.kube, SPACE, self.kube.one(kind, name)["spec"]["template"], self.folder)

    def canaries(self) -> list[str]:
        """What must not show anywhere: the passwords, and the two URLs as they stand in the Secret."""
        names = ("bahnvision-lab-rds-app", "bahnvision-lab-elasticache-app")
        found = [self.secrets.get_secret_value(SecretId=name)["SecretString"] for name in names]
        passwords = [re.search(r'"password": ?"([^"]+)"', text)[1] for text in found]
        encoded = (self.kube.one("Secret", "bahnvision-secrets").get("data") or {}).values()
        return [*passwords, *encoded, *(base64.b64decode(one).decode() for one in encoded)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_lab(tmp_path_factory.mktemp("application")) as lab:
        world = World(lab, tmp_path_factory.mktemp("pod"))
        yield world


def test_without_images_nothing_is_deployed_and_that_is_no_failure(world: World) -> None:
    waiting = world.run(app_images={})
    assert (waiting.code, waiting.changed, waiting.writes) == (0, [], []), waiting.errors
    message = waiting.tasks["waiting | Say which images are missing"]["msg"]
    assert [name for name in (*IMAGES, "app_images", "playbooks/application.yml") if name not in message] == []
    assert world.kube.ask(f"/api/v1/namespaces/{SPACE}") == {}


@pytest.mark.full
def test_without_images_check_and_preflight_succeed_too(world: World) -> None:
    for options, playbook in ((["--check", "--diff"], "application.yml"), ([], "preflight.yml")):
        waiting = world.run(*options, playbook=playbook, app_images={})
        assert (waiting.code, waiting.changed, waiting.writes) == (0, [], []), waiting.errors
        assert "app_images" in waiting.tasks["waiting | Say which images are missing"]["msg"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"app_images": {}, "application_serving": "yes"}, "bahnvision-backend"),
        ({"app_images": {"bahnvision-backend": IMAGES["bahnvision-backend"]}}, "bahnvision-frontend"),
    ],
    ids=["to be started", "one image alone"],
)
def test_missing_images_are_an_error_for_who_wants_them(world: World, inputs: dict[str, Any], words: str) -> None:
    refused = world.run(**inputs)
    assert (refused.code, refused.writes) == (2, [])
    assert words in refused.errors[0]
    assert world.kube.ask(f"/api/v1/namespaces/{SPACE}") == {}


def test_what_will_be_made_is_foreseen_before_there_is_a_namespace(world: World) -> None:
    foreseen = world.run("--check", "--diff", application_serving="yes")
    assert (foreseen.code, foreseen.writes) == (0, []), foreseen.errors
    assert world.kube.ask(f"/api/v1/namespaces/{SPACE}") == {}
    world.foreseen = foreseen.tasks["present | Say what a cluster or namespace that is yet to be made will hold"]["msg"]
    assert "Deployment bahnvision-backend" in world.foreseen


def test_it_is_made_started_and_says_no_secret(world: World) -> None:
    with world.stage.start("-vvv", "--diff", application_serving="yes", output=subprocess.PIPE) as child:
        watch = Watch(child.pid)
        output, errors = child.communicate(timeout=900)
        shown = watch.end()
    assert child.returncode == 0, output[-4000:] + errors
    there = {*world.kube.versions(), f"Namespace {SPACE}"}
    assert set(world.foreseen) <= there, set(world.foreseen) - there
    for name in ("backend", "frontend"):
        told = world.deployment(name)["status"]["conditions"]
        assert ("Available", "True") in [(one["type"], one["status"]) for one in told]
    canaries = world.canaries()
    assert len(canaries) == 6
    assert any("ansible-playbook" in place for place in shown)
    assert [place for place in (output, errors, *shown) for one in canaries if one in place] == []
    logs = [path.read_text(errors="replace") for path in world.lab.state.folder.glob("*.jsonl")]
    assert [text for text in logs for one in canaries if one in text] == []


def test_the_environment_of_a_pod_leads_to_the_database_and_the_cache(world: World) -> None:
    backend = world.container("Deployment", "bahnvision-backend")
    with backend.database() as connection:
        told = connection.execute("SELECT current_database(), session_user").fetchone()
    assert told == ("bahnvision", "bahnvision_app")
    with backend.cache() as cache:
        assert cache.set("seen", "by the test")
        assert cache.get("seen") == b"by the test"
        assert cache.execute_command("ACL", "WHOAMI") == b"bahnvision-lab-app"
    job = next(one["metadata"]["name"] for one in world.kube.all("Job"))
    with world.container("Job", job).database() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_second_run_changes_nothing(world: World) -> None:
    before = world.kube.versions()
    again = world.run("--diff")
    assert (again.code, again.changed, again.writes) == (0, [], []), again.errors
    # Statuses and the autoscaler's numbers are the controllers' own.
    own = ("HorizontalPodAutoscaler", "Deployment", "PodDisruptionBudget", "CronJob", "Ingress")
    after = world.kube.versions()
    assert {key: one for key, one in after.items() if not key.startswith(own)} == {
        key: one for key, one in before.items() if not key.startswith(own)
    }


def test_a_broken_image_fails_early_with_the_pods_reason_while_the_old_version_serves(world: World) -> None:
    good = world.deployment("backend")["spec"]["template"]["spec"]["containers"][0]["image"]
    broken = world.run(app_images=BROKEN, application_environment={**SETTINGS, "DATABASE_POOL_SIZE": 9})
    assert broken.code == 2
    (message,) = broken.errors
    why = ("Deployment bahnvision-backend", "registry.invalid", "not found")
    for words in (*why, "former version still serves", "application_roll_back=true"):
        assert words in message, message
    serving = [one for one in world.kube.all("ReplicaSet") if (one["status"].get("availableReplicas") or 0) >= 2]
    assert good in [one["spec"]["template"]["spec"]["containers"][0]["image"] for one in serving]
    assert world.container("Deployment", "bahnvision-backend").environment["DATABASE_POOL_SIZE"] == "9"


def test_a_return_brings_back_images_and_settings(world: World) -> None:
    back = world.run(app_images=BROKEN, application_roll_back=True)
    assert back.code == 0, back.errors
    deployment = world.deployment("backend")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith("1" * 64)
    assert deployment["status"]["updatedReplicas"] == deployment["status"]["availableReplicas"] >= 2
    assert world.container("Deployment", "bahnvision-backend").environment["DATABASE_POOL_SIZE"] == "5"


def test_everybody_may_do_what_the_documentation_says(world: World) -> None:
    rows = TABLE.findall((ROOT / "docs" / "application_access.md").read_text())
    assert len(rows) >= 20
    people = {"ci": ci_of(world.lab, world.cluster), "pod": pod_of(world.lab, world.kube, "bahnvision-backend")}
    ci, pod = (one.config(world.folder / f"{name}.json") for name, one in people.items())
    told = [(verb, kind, can_i(ci, verb, kind), can_i(pod, verb, kind)) for verb, kind, *_rest in rows]
    assert told == rows


def test_the_readme_names_every_action_that_is_used(world: World) -> None:
    text = (ROOT / "roles" / "application" / "README.md").read_text()
    assert world.used
    assert {action for action in world.used if f"`{action}`" not in text} == set()


@pytest.mark.full
def test_there_is_nothing_to_return_to_after_the_first_release(world: World) -> None:
    before = world.kube.versions()
    back = world.run(application_roll_back=True)
    assert back.code == 2
    assert "there is nothing to go back to" in back.errors[0]
    assert {key: one for key, one in world.kube.versions().items() if key.startswith("ConfigMap")} == {
        key: one for key, one in before.items() if key.startswith("ConfigMap")
    }


@pytest.mark.full
@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"app_images": {**IMAGES, "bahnvision-backend": "latest"}}, "bahnvision-backend"),
        ({"application_environment": {**SETTINGS, "API_PASSWORD": "hunter2-hunter2"}}, "API_PASSWORD"),
        ({"application_database": "missing"}, "the RDS instance missing"),
        ({"application_namespace": "kube-system"}, "not ours"),
    ],
    ids=["mutable tag", "secret in a ConfigMap", "no database", "somebody else's namespace"],
)
def test_what_cannot_work_is_refused_before_the_first_write(world: World, inputs: dict[str, Any], words: str) -> None:
    before = world.kube.versions()
    refused = world.run(**inputs)
    assert (refused.code, refused.writes) == (2, [])
    assert words in " ".join(refused.errors)
    own = ("HorizontalPodAutoscaler", "Deployment", "PodDisruptionBudget", "CronJob", "Ingress")
    for key, version in world.kube.versions().items():
        assert key.startswith(own) or before[key] == version, key


@pytest.mark.full
def test_a_password_in_a_setting_is_recognized(world: World) -> None:
    refused = world.run(application_environment={**SETTINGS, "GREETING": world.canaries()[0]})
    assert (refused.code, refused.writes) == (2, [])
    assert "GREETING" in " ".join(refused.errors)
    assert world.canaries()[0] not in " ".join(refused.errors)


@pytest.mark.full
def test_a_job_that_fails_keeps_the_old_version_and_is_made_anew(world: World) -> None:
    good = world.deployment("backend")["spec"]
    newer = {**IMAGES, "bahnvision-migrations": f"sha256:{'5' * 64}", "bahnvision-backend": f"sha256:{'6' * 64}"}
    with world.lab.faults(images={f"*{'5' * 64}": "CrashLoopBackOff"}):
        failed = world.run(app_images=newer)
    assert failed.code == 2
    assert "No Deployment was changed" in failed.errors[0]
    assert world.deployment("backend")["spec"] == good
    mended = world.run(app_images=newer)
    assert mended.code == 0, mended.errors
    assert world.deployment("backend")["spec"]["template"]["spec"]["containers"][0]["image"].endswith("6" * 64)
    assert [one["status"].get("succeeded") for one in world.kube.all("Job")] == [1]


@pytest.mark.full
def test_it_is_stopped_and_what_is_wanted_no_more_goes(world: World) -> None:
    stranger = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"a": "b"}}
    world.kube.ask(f"/api/v1/namespaces/{SPACE}/configmaps", stranger)
    parts = [{"name": "backend", "image": "bahnvision-backend", "port": 8000, "health": {"path": "/"},
              "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
              "secrets": ["DATABASE_URL"]}]  # fmt: skip
    stopped = world.run(application_serving="no", application_components=parts)
    assert stopped.code == 0, stopped.errors
    assert [one["metadata"]["name"] for one in world.kube.all("Deployment")] == ["bahnvision-backend"]
    assert world.deployment("backend")["spec"]["replicas"] == 0
    assert (world.kube.all("CronJob"), world.kube.all("HorizontalPodAutoscaler")) == ([], [])
    kept = world.run(application_components=parts)
    assert (kept.code, kept.changed) == (0, []), kept.errors
    assert world.kube.one("ConfigMap", "theirs")


@pytest.mark.full
def test_what_is_ours_is_removed_and_nothing_else(world: World) -> None:
    refused = world.run(application_state="absent")
    assert (refused.code, bool(world.kube.all("Deployment"))) == (2, True)
    gone = world.run(application_state="absent", application_confirm_absent="lab")
    assert gone.code == 0, gone.errors
    left = {key for key in world.kube.versions() if "kube-root-ca" not in key and key != "ServiceAccount default"}
    assert left == {"ConfigMap theirs"}
    again = world.run(application_state="absent", application_confirm_absent="lab")
    assert (again.code, again.changed) == (0, [])
