"""One cluster in a kubeconfig file: added, changed, removed, and never at the cost of another's entries."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml
from ansible_collections.bahnvision.aws.plugins.module_utils._eks.kubeconfig_file import ensure_kubeconfig
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

REACHED = {"clusters": [{"cluster": {"server": "https://c.example", "certificate-authority-data": "Q0E="}}]}
COMMAND = ["aws", "--region", "eu-central-1", "eks", "get-token", "--cluster-name", "orders-lab"]
THEIRS = {
    "apiVersion": "v1", "kind": "Config", "current-context": "minikube", "preferences": {"colors": True},
    "clusters": [{"name": "minikube", "cluster": {"server": "https://192.0.2.1:8443"}}],
    "users": [{"name": "minikube", "user": {"token": "secret-of-theirs"}}],
    "contexts": [{"name": "minikube", "context": {"cluster": "minikube", "user": "minikube"}}],
}  # fmt: skip


@pytest.fixture
def place(tmp_path):
    return tmp_path / "kubeconfig" / "orders-lab.yaml"


def ensure(path, check_mode=False, **wish):
    params = {
        "path": str(path), "name": "orders-lab", "state": "present", "kubeconfig": REACHED, "command": COMMAND,
        "env": {}, "current": False, **wish,
    }  # fmt: skip

    def backup(name):
        copy = f"{name}.before"
        path.with_name(copy.rpartition("/")[2]).write_bytes(path.read_bytes())
        return copy

    return ensure_kubeconfig(params, check_mode, backup)


def load(path):
    return yaml.safe_load(path.read_text())


def test_the_four_runs(place):
    foreseen = ensure(place, check_mode=True)
    assert not place.parent.exists()
    made = ensure(place)
    assert (made["changed"], made["diff"]) == (True, foreseen["diff"])
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    content = load(place)
    assert content["current-context"] == "orders-lab"
    assert content["users"][0]["user"]["exec"]["args"] == COMMAND[1:]
    for check_mode in (True, False):
        assert not ensure(place, check_mode=check_mode)["changed"]


def test_a_new_address_and_a_profile_are_changes(place):
    ensure(place)
    moved = {"clusters": [{"cluster": {"server": "https://d.example", "certificate-authority-data": "Q0E="}}]}
    assert ensure(place, kubeconfig=moved)["diff"]["after"]["clusters"]["server"] == "https://d.example"
    assert ensure(place, kubeconfig=moved, env={"AWS_PROFILE": "prod"})["changed"]
    assert load(place)["users"][0]["user"]["exec"]["env"] == [{"name": "AWS_PROFILE", "value": "prod"}]


def test_others_entries_and_the_current_context_stay_and_a_copy_is_kept(place):
    place.parent.mkdir()
    place.write_text(yaml.safe_dump(THEIRS))
    place.chmod(0o644)

    made = ensure(place)

    content = load(place)
    assert content["current-context"] == "minikube"
    for section in ("clusters", "users", "contexts"):
        assert content[section][0] == THEIRS[section][0]
    assert (content["preferences"], stat.S_IMODE(place.stat().st_mode)) == ({"colors": True}, 0o644)
    assert "secret-of-theirs" not in str(made["diff"])
    assert load(Path(made["backup_file"])) == THEIRS
    assert ensure(place, current=True)["changed"]
    assert load(place)["current-context"] == "orders-lab"

    gone = ensure(place, state="absent")
    assert gone["changed"]
    assert load(place) == {**THEIRS, "current-context": ""}
    assert not ensure(place, state="absent")["changed"]


def test_a_namespace_that_somebody_chose_stays(place):
    ensure(place)
    content = load(place)
    content["contexts"][0]["context"]["namespace"] = "orders"
    place.write_text(yaml.safe_dump(content))
    assert not ensure(place)["changed"]


def test_a_file_of_ours_alone_goes_with_its_entries(place):
    ensure(place)
    assert ensure(place, check_mode=True, state="absent")["changed"]
    assert place.exists()
    ensure(place, state="absent")
    assert not place.exists()


def test_a_file_of_ours_that_others_may_read_is_closed(place):
    ensure(place)
    place.chmod(0o644)
    assert ensure(place)["changed"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_link_to_a_kubeconfig_stays_a_link(place, tmp_path):
    place.parent.mkdir()
    real = tmp_path / "real.yaml"
    real.write_text(yaml.safe_dump(THEIRS))
    place.symlink_to(real)
    ensure(place)
    assert place.is_symlink()
    assert len(load(real)["contexts"]) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1, 2]", "is no kubeconfig"),
        ("kind: Pod", "is no kubeconfig"),
        ("a: [", "cannot be read"),
        ("users: [{name: orders-lab, user: {token: x}}]", "does not log in to the cluster"),
    ],
)
def test_what_is_not_ours_is_refused_and_kept(place, content, words):
    place.parent.mkdir()
    place.write_text(content)
    with pytest.raises(ResourceError, match=words):
        ensure(place)
    assert place.read_text() == content


def test_a_command_for_another_cluster_is_refused(place):
    with pytest.raises(ResourceError, match="is the cluster's name"):
        ensure(place, command=["aws", "eks", "get-token", "--cluster-name", "other"])


def test_a_cluster_that_is_yet_to_be_made(place):
    assert ensure(place, check_mode=True, kubeconfig={})["changed"]
    with pytest.raises(ResourceError, match="has no endpoint yet"):
        ensure(place, kubeconfig={})
