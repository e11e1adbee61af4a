"""A failover: the primary dies, the standby takes over, the endpoint follows."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bahnvision_lab import processes
from bahnvision_lab.aws.rds.cluster import Cluster
from bahnvision_lab.aws.rds.nodes import Node, until
from bahnvision_lab.errors import LabError

# How long before its death an asynchronous primary loses its standby: what it acknowledges meanwhile is lost.
CUT_SECONDS = 0.5


@dataclass(frozen=True)
class Conditions:
    """What a drill asked for."""

    asynchronous: bool = False
    flip_seconds: float = 0.5  # how long the endpoint's name still leads to the dead host


def fail_over(cluster: Cluster, conditions: Conditions, with_new_parameters: bool) -> None:
    """Kill the primary and let the standby take its place. The journal tells each step, with its moment."""
    old, new = cluster.require_primary(), cluster.standby
    if new is None:
        raise LabError(f"{cluster.name} has no standby to fail over to")
    if conditions.asynchronous:
        _cut_standby_off(cluster)
    dead = _kill(cluster, old)
    _promote(cluster, new)
    cluster.primary, cluster.standby, cluster.former = new, None, old
    cluster.synchronous = False  # nobody is there to wait for: else no commit would ever end
    if with_new_parameters:
        cluster.restart()
    else:
        cluster.reload()
        cluster.lead_link_to(new)
    left = conditions.flip_seconds - (time.monotonic_ns() - dead) / 1e9
    time.sleep(max(0.0, left))
    cluster.site.journal.write("flipped", cluster.identifier, at=cluster.open())


def _cut_standby_off(cluster: Cluster) -> None:
    """Acknowledge without the standby, and let nothing reach it any more."""
    cluster.set_synchronous(False)
    cut = cluster.site.router.freeze(cluster.link)
    cluster.site.journal.write("replication cut", cluster.identifier, at=cut)
    time.sleep(CUT_SECONDS)


def _kill(cluster: Cluster, node: Node) -> int:
    """Return the moment at which no process of it was left (ns)."""
    journal, router = cluster.site.journal, cluster.site.router
    journal.write("kill", cluster.identifier)
    assert node.server.process is not None
    processes.kill_tree(node.server.process)
    dead = journal.write("dead", cluster.identifier)
    cluster.site.registry.discard(node.record)
    # What was under way dies with the host, on either side.
    router.cut(cluster.endpoint)
    router.cut(cluster.link)
    return dead


def _promote(cluster: Cluster, node: Node) -> None:
    node.ask("SELECT pg_promote(false)")
    until(f"the standby of {cluster.name} is not promoted", lambda: node.ask("SELECT NOT pg_is_in_recovery()"))
    cluster.site.journal.write("promoted", cluster.identifier)
