"""All conversations, held with one server."""

from __future__ import annotations

from collections.abc import Iterator

from kube_compare import Said, Talk
from kube_flows import FLOWS as READING
from kube_flows_more import FLOWS as ACCESS
from kube_objects import PLACES
from kube_probes_more import PROBES
from kube_workloads import FLOWS as WORKING
from kube_world import Client

BROKEN = "broke off"
FLOWS = {**READING, **ACCESS, **WORKING}


def judged(client: Client, name: str) -> dict[str, Said]:
    """One manifest, sent as a trial."""
    manifest = PROBES[name]
    kind = str(manifest["kind"]).replace("Deploymnt", "Deployment")
    place = PLACES["Deployment" if name == "kind of another group" else kind]
    talk = Talk(client, "default")
    talk("judged", "POST", place, manifest, dryRun="All", fieldManager="probe")
    return talk.said


def flowed(client: Client, name: str) -> dict[str, Said]:
    """One flow, in a namespace of its own."""
    space = "flow-" + "".join(letter if letter.isalnum() else "-" for letter in name.lower())
    talk = Talk(client, client.namespace(space))
    try:
        FLOWS[name](talk)
    except (AssertionError, LookupError, TypeError, ValueError) as problem:
        talk.remember(BROKEN, {"fact": f"{type(problem).__name__}: {problem}"[:300]})
    return talk.said


def names() -> list[str]:
    return [*(f"probe {name}" for name in PROBES), *(f"flow {name}" for name in FLOWS)]


def every(client: Client) -> Iterator[tuple[str, dict[str, Said]]]:
    for called in names():
        kind, _blank, name = called.partition(" ")
        yield called, (judged if kind == "probe" else flowed)(client, name)
