"""The lab's API server judges, fills in and answers as a real one did: lab/conformance holds what that one said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kube_compare import disagreements, known, recorded
from kube_objects import PLACES
from kube_probes_more import PROBES
from kube_talks import BROKEN, FLOWS, flowed, judged
from kube_world import Client, running_cluster, wait_for


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_cluster(tmp_path_factory.mktemp("probes"), nodes=0) as found:
        wait_for(lambda: found.ask("GET", "/api/v1/namespaces/default/serviceaccounts/default").ok, "the account")
        yield found


@pytest.mark.parametrize("name", PROBES)
def test_a_manifest_is_judged_as_by_a_real_server(client: Client, name: str) -> None:
    real, key = recorded(), f"probe {name}"
    assert disagreements(key, real[key], judged(client, name), known()) == []


@pytest.mark.parametrize("name", FLOWS)
def test_a_conversation_goes_as_with_a_real_server(client: Client, name: str) -> None:
    real, key = recorded(), f"flow {name}"
    assert disagreements(key, real[key], flowed(client, name), known()) == []


def test_what_is_recorded_is_what_is_asked() -> None:
    real = recorded()
    assert set(real) == {f"probe {name}" for name in PROBES} | {f"flow {name}" for name in FLOWS}
    assert not [name for name, steps in real.items() if BROKEN in steps]
    assert len(PROBES) > 400
    refused = sum(steps["judged"]["code"] >= 400 for steps in real.values() if "judged" in steps)
    assert 250 < refused < len(PROBES)


def test_nothing_of_a_trial_stays(client: Client) -> None:
    for place in PLACES.values():
        names = [one["metadata"]["name"] for one in client.good("GET", place)["items"]]
        assert "x" not in names
