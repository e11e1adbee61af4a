"""Cluster mode: shards that know each other, and slots that move between them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import redis

from bahnvision_lab.aws.elasticache.books import Member, Shard
from bahnvision_lab.aws.elasticache.servers import ADMIN, CacheServer, wait_until

if TYPE_CHECKING:
    from bahnvision_lab.aws.elasticache.real import RealGroup

SLOTS = 16384
PATIENCE = 180


def even_slots(count: int) -> list[str]:
    """Return the slots of each of `count` shards: ['0-8191', '8192-16383']."""
    borders = [SLOTS * number // count for number in range(count + 1)]
    return [f"{low}-{high - 1}" for low, high in pairwise(borders)]


def numbers(slots: str | None) -> set[int]:
    """Read '0-99,200' into the set of its slots."""
    found: set[int] = set()
    for part in (slots or "").split(","):
        if part:
            low, _dash, high = part.partition("-")
            found |= set(range(int(low), int(high or low) + 1))
    return found


def ranges(slots: Iterable[int]) -> str:
    """Write a set of slots as '0-99,200'."""
    parts: list[list[int]] = []
    for slot in sorted(slots):
        if parts and parts[-1][1] == slot - 1:
            parts[-1][1] = slot
        else:
            parts.append([slot, slot])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)


def node_id(server: CacheServer) -> str:
    return server.run("CLUSTER", "MYID")


def form(real: RealGroup) -> None:
    """Make one cluster of the nodes that have just been started."""
    group = real.group
    for epoch, shard in enumerate(group.shards, 1):
        primary = real.primary(shard.identifier)
        primary.run("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        # A server that was started with a snapshot has taken the slots of its keys already.
        missing = numbers(shard.slots) - _own_slots(primary)
        if missing:
            primary.run("CLUSTER", "ADDSLOTS", *sorted(missing))
    join(real, [real.server(member) for member in group.members])
    attach(real, group.members)
    settle(real)


def settle(real: RealGroup) -> None:
    """Wait until every node knows who has which slots, and that somebody has each of them."""
    wait_until(lambda: all(_whole(server) for server in real.servers.values()), PATIENCE,
               f"the shards of {real.group.identifier} do not agree")  # fmt: skip


def _own_slots(server: CacheServer) -> set[int]:
    return _slots_of(next(line for line in server.run("CLUSTER", "NODES").splitlines() if "myself" in line))


def _slots_of(line: str) -> set[int]:
    """Read one line of CLUSTER NODES; in brackets are slots on the move."""
    return numbers(",".join(part for part in line.split()[8:] if not part.startswith("[")))


def _sees(server: CacheServer, owners: dict[str, str]) -> bool:
    """Does the server think that these nodes have these slots?"""
    lines = {line.split()[0]: line for line in server.run("CLUSTER", "NODES").splitlines()}
    return all(name in lines and ranges(_slots_of(lines[name])) == slots for name, slots in owners.items())


def _whole(server: CacheServer) -> bool:
    state = dict(line.split(":", 1) for line in server.run("CLUSTER", "INFO").splitlines() if ":" in line)
    return state["cluster_state"] == "ok" and state["cluster_slots_ok"] == str(SLOTS)


def join(real: RealGroup, servers: list[CacheServer]) -> None:
    """Let the servers meet the group's first primary, and wait until everybody knows everybody."""
    first = real.primary(real.group.shards[0].identifier)
    for server in servers:
        if server is not first:
            server.run("CLUSTER", "MEET", *first.address, first.cluster_port)
    everybody = list(real.servers.values())
    wait_until(lambda: all(_knows(server, len(everybody)) for server in everybody), PATIENCE,
               f"the nodes of {real.group.identifier} do not know each other")  # fmt: skip


def _knows(server: CacheServer, count: int) -> bool:
    nodes = [line.split() for line in server.run("CLUSTER", "NODES").splitlines()]
    return len(nodes) == count and all("handshake" not in node[2] and "noaddr" not in node[2] for node in nodes)


def attach(real: RealGroup, members: list[Member]) -> None:
    """Let each replica among them follow the primary of its shard."""
    followers = []
    for member in members:
        if member.role == "replica":
            primary = node_id(real.primary(member.shard))
            real.server(member).run("CLUSTER", "REPLICATE", primary)
            followers.append(real.server(member))
    for server in followers:
        server.wait_for_link()


def forget(real: RealGroup, gone: list[str]) -> None:
    """Let all nodes forget those that have left, by their ids."""
    for server in real.servers.values():
        for identifier in gone:
            if identifier in server.run("CLUSTER", "NODES"):
                server.run("CLUSTER", "FORGET", identifier)


def move_slots(real: RealGroup, slots: list[int], source: CacheServer, target: CacheServer) -> None:
    """Move slots with their keys while clients go on: they are told where a key is (ASK, MOVED)."""
    if not slots:
        return
    here, there = node_id(source), node_id(target)
    counts = source.pipeline([("CLUSTER", "COUNTKEYSINSLOT", slot) for slot in slots])
    full = [slot for slot, count in zip(slots, counts, strict=True) if count]
    target.pipeline([("CLUSTER", "SETSLOT", slot, "IMPORTING", here) for slot in full])
    source.pipeline([("CLUSTER", "SETSLOT", slot, "MIGRATING", there) for slot in full])
    _move_keys(full, source, target)
    owner = [("CLUSTER", "SETSLOT", slot, "NODE", there) for slot in slots]
    # Among two who claim a slot, the nodes believe the one with the greater epoch.
    target.run("CLUSTER", "BUMPEPOCH")
    # The new owner first: between the two, nobody answers that it has the slot.
    target.pipeline(owner)
    answers = source.pipeline(owner, patient=True)
    # A slot that was empty may have got a key just before: the old owner keeps it until that has gone too.
    # The new owner's news may have come first: then there is nothing left to give away.
    refused = [slot for slot, answer in zip(slots, answers, strict=True) if isinstance(answer, redis.ResponseError)]
    late = sorted(set(refused) & _own_slots(source)) if refused else []
    if late:
        source.pipeline([("CLUSTER", "SETSLOT", slot, "MIGRATING", there) for slot in late])
        _move_keys(late, source, target)
        source.pipeline([("CLUSTER", "SETSLOT", slot, "NODE", there) for slot in late])
    for server in real.primaries():
        if server not in (source, target):
            server.pipeline(owner)


def _move_keys(slots: list[int], source: CacheServer, target: CacheServer) -> None:
    """Move the keys of these slots, a hundred of each at a time, until there are none."""
    while slots:
        found = source.pipeline([("CLUSTER", "GETKEYSINSLOT", slot, 100) for slot in slots])
        slots = [slot for slot, keys in zip(slots, found, strict=True) if keys]
        how = (*target.address, "", 0, 10000, "REPLACE", "AUTH2", ADMIN, source.secret, "KEYS")
        source.pipeline([("MIGRATE", *how, *keys) for keys in found if keys])


def spread(real: RealGroup, wanted: dict[str, set[int]]) -> None:
    """Move slots until each shard (by its id) has the wanted ones."""
    settle(real)
    has = {shard.identifier: numbers(shard.slots) for shard in real.group.shards}
    for target, slots in wanted.items():
        for source, present in has.items():
            moving = slots & present if source != target else set()
            if moving:
                move_slots(real, sorted(moving), real.primary(source), real.primary(target))
    owners = {node_id(real.primary(name)): ranges(slots) for name, slots in wanted.items()}
    wait_until(lambda: all(_sees(server, owners) for server in real.servers.values()), PATIENCE,
               f"the shards of {real.group.identifier} do not agree on who has which slots")  # fmt: skip
    for shard in real.group.shards:
        shard.slots = ranges(wanted.get(shard.identifier, set())) or None


def balanced(shards: list[Shard], gone: list[str]) -> dict[str, set[int]]:
    """Return which slots each shard should have: evenly many, as few moved as can be."""
    has = {shard.identifier: numbers(shard.slots) for shard in shards}
    stay = [name for name in has if name not in gone]
    quota = {name: SLOTS // len(stay) + (position < SLOTS % len(stay)) for position, name in enumerate(stay)}
    free = sorted(slot for name in gone for slot in has[name])
    kept = {}
    for name in stay:
        slots = sorted(has[name])
        kept[name] = set(slots[: quota[name]])
        free += slots[quota[name] :]
    for name in stay:
        missing = quota[name] - len(kept[name])
        kept[name] |= set(free[:missing])
        free = free[missing:]
    return {**kept, **{name: set() for name in gone}}
