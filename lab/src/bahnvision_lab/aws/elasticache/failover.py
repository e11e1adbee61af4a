"""TestFailover: the primary dies for real, a replica takes over, the old one comes back as a replica."""

from __future__ import annotations

import time
from datetime import timedelta

from bahnvision_lab.aws.elasticache.books import Books, Group, Member, now
from bahnvision_lab.aws.elasticache.fleet import Fleet
from bahnvision_lab.aws.elasticache.real import RealGroup
from bahnvision_lab.aws.elasticache.servers import REPLICATION, wait_until
from bahnvision_lab.aws.refusals import AwsError

MOST_PER_DAY = 15  # shards, of one account, in any 24 hours
CUT = 0.5  # seconds in which an asynchronous primary still acknowledges what its replicas never get
PAUSE = 30  # seconds at most in which a durable primary takes no writes before it goes


def begin(books: Books, fleet: Fleet, group: Group, shard: str) -> None:
    if shard not in {entry.identifier for entry in group.shards}:
        raise AwsError("NodeGroupNotFoundFault", f"Node group {shard} not found in {group.identifier}.")
    if group.status != "available":
        message = f"Replication group {group.identifier} has status {group.status} which is not valid for a failover."
        raise AwsError("InvalidReplicationGroupState", message)
    if not group.automatic_failover or len(group.of_shard(shard)) < 2:
        raise AwsError(
            "TestFailoverNotAvailableFault",
            f"Test failover is not available for {group.identifier}: it needs automatic failover and a replica.",
        )
    books.failovers = [moment for moment in books.failovers if now() - moment < timedelta(hours=24)]
    if len(books.failovers) >= MOST_PER_DAY:
        message = f"The customer has exceeded the allowed rate of {MOST_PER_DAY} failover tests in 24 hours."
        raise AwsError("APICallRateForCustomerExceeded", message)
    books.failovers.append(now())
    books.event("replication-group", group.identifier, f"Test Failover API called for node group {shard}")
    real = fleet.find(books, group)
    fleet.work(real, "modifying", lambda: _fail_over(real, shard), "elasticache_modify")


def _fail_over(real: RealGroup, shard: str) -> None:
    fleet, group = real.fleet, real.group
    name = group.identifier
    if fleet.faults.does_nothing(name):
        fleet.journal.write("failover.nothing", name, shard=shard)
        time.sleep(fleet.faults.flip_seconds(name))
        return
    old, new = group.primary_of(shard), _best_replica(real, shard)
    fleet.journal.write("failover.begin", name, shard=shard, primary=old.identifier, replica=new.identifier)
    _before_death(real, old)
    fleet.journal.write("primary.kill", name, node=old.identifier)
    real.server(old).kill()
    dead = time.monotonic()
    fleet.journal.write("primary.dead", name, node=old.identifier)
    old.status = "rebooting"
    _promote(real, old, new, dead + fleet.faults.flip_seconds(name))
    _tell(real.books, group, old, new)
    fleet.on_change()
    _rebuild(real, old, new)


def _best_replica(real: RealGroup, shard: str) -> Member:
    """The one that has received most."""
    replicas = [member for member in real.group.of_shard(shard) if member.role == "replica"]
    return max(replicas, key=lambda member: int(real.server(member).info("replication")["slave_repl_offset"]))


def _before_death(real: RealGroup, old: Member) -> None:
    """Durable writes are never lost; others may be, and are when the fault asks for it."""
    server = real.server(old)
    if real.group.effective_durability == "sync":
        offset = server.hold_writes(PAUSE)
        for member in real.group.of_shard(old.shard):
            if member is not old:
                real.server(member).wait_for_offset(offset, PAUSE)
    elif real.fleet.faults.is_asynchronous(real.group.identifier):
        server.run("ACL", "SETUSER", REPLICATION, "off")
        server.run("CLIENT", "KILL", "TYPE", "replica")
        real.fleet.journal.write("replication.cut", real.group.identifier, node=old.identifier)
        time.sleep(CUT)


def _promote(real: RealGroup, old: Member, new: Member, flip_at: float) -> None:
    group, server = real.group, real.server(new)
    journal = real.fleet.journal
    if group.clustered:  # no endpoint to flip: the clients ask the nodes, which know when the replica takes over
        time.sleep(max(0.0, flip_at - time.monotonic()))
    if group.sharded:
        server.run("CLUSTER", "FAILOVER", "TAKEOVER")
        wait_until(lambda: server.info("replication")["role"] == "master", 120, f"{new.identifier} does not take over")
    else:
        server.run("REPLICAOF", "NO", "ONE")
    journal.write("replica.promoted", group.identifier, node=new.identifier)
    with real.books.lock:  # nobody may see a shard without a primary
        old.role, new.role = "replica", "primary"
    if not group.sharded:
        for member in group.of_shard(old.shard):
            if member not in (old, new):
                real.server(member).run("REPLICAOF", *server.address)
    time.sleep(max(0.0, flip_at - time.monotonic()))
    real.open_endpoints()
    journal.write("endpoint.flipped", group.identifier, node=new.identifier)


def _tell(books: Books, group: Group, old: Member, new: Member) -> None:
    """AWS's events, in AWS's order."""
    done = f"Failover from primary node {old.identifier} to replica node {new.identifier} completed"
    with books.lock:
        books.event("cache-cluster", new.identifier, done)
        books.event("replication-group", group.identifier, done)
        books.event("cache-cluster", old.identifier, "Recovering cache nodes 0001")


def _rebuild(real: RealGroup, old: Member, new: Member) -> None:
    server = real.server(old)
    server.dump.unlink(missing_ok=True)  # its slots and its cluster (nodes.conf) it keeps, its data it gets anew
    real.start(old)
    if real.group.sharded:
        wait_until(lambda: server.info("replication")["role"] == "slave", 120, f"{old.identifier} stays a primary")
    else:
        server.run("REPLICAOF", *real.server(new).address)
    server.wait_for_link()
    real.open_endpoints()
    real.fleet.journal.write("replica.rebuilt", real.group.identifier, node=old.identifier)
    with real.books.lock:
        real.books.event("cache-cluster", old.identifier, "Finished recovery for cache nodes 0001")
