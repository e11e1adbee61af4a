"""The real servers of one replication group, and the endpoints in front of them."""

from __future__ import annotations

import secrets
import shutil
import threading
from functools import partial
from typing import TYPE_CHECKING

from bahnvision_lab import processes
from bahnvision_lab.aws.elasticache import parameters, sharding, snapshots, user_groups
from bahnvision_lab.aws.elasticache.books import Books, Group, Member, Snapshot
from bahnvision_lab.aws.elasticache.servers import Acl, CacheServer
from bahnvision_lab.errors import LabError
from bahnvision_lab.postgres import free_port

if TYPE_CHECKING:
    from bahnvision_lab.aws.elasticache.fleet import Fleet


class RealGroup:
    """Without cluster mode, a primary and a reader endpoint; with it, nodes that announce themselves.

    `lock` is held by whoever changes the servers: work on one group is done one after the other.
    """

    def __init__(self, fleet: Fleet, books: Books, group: Group) -> None:
        self.fleet, self.books, self.group = fleet, books, group
        self.lock = threading.RLock()
        self.servers: dict[str, CacheServer] = {}
        self._secret = secrets.token_hex(24)
        self._targets: dict[str, str] = {}  # endpoint -> member it leads to

    def server(self, member: Member) -> CacheServer:
        return self.servers[member.identifier]

    def primary(self, shard: str) -> CacheServer:
        return self.server(self.group.primary_of(shard))

    def primaries(self) -> list[CacheServer]:
        return [self.primary(shard.identifier) for shard in self.group.shards]

    def build(self, snapshot: Snapshot | None = None) -> None:
        for member in self.group.members:
            self.make(member)
            if snapshot is not None and member.role == "primary":
                self._place(snapshot, member)
        self.start(*self.group.members)
        if self.group.sharded:
            sharding.form(self)
        else:
            self.follow(self.group.shards[0].identifier)
        self.open_endpoints()
        for shard in self.group.shards:
            shard.status = "available"

    def _place(self, snapshot: Snapshot, member: Member) -> None:
        server, saved = self.server(member), snapshot.folder / f"{member.shard}.rdb"
        if not saved.exists():
            return  # the snapshot had fewer shards: this one gets its slots afterwards
        shutil.copyfile(saved, server.dump)
        processes.give_to_servers(server.dump)

    def make(self, member: Member) -> CacheServer:
        """Prepare the folder of a node: its certificate, its port, who may come in."""
        name = f"{self.books.account}-{self.books.region}-{member.identifier}"
        folder = self.fleet.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        self.fleet.authority.issue(folder)
        processes.give_to_servers(folder)
        server = CacheServer(
            name, folder, free_port(), self._secret, self.fleet.authority.bundle, self.group.transit,
            free_port() if self.group.sharded else None, self.settings(), self.acl(),
        )  # fmt: skip
        self.servers[member.identifier] = server
        return server

    def start(self, *members: Member) -> None:
        """Start the nodes side by side."""
        for member in members:
            if self.fleet.closing:
                raise LabError("the lab is going down")
            server = self.server(member)
            server.launch(partial(self.fleet.registry.add, f"cache:{server.name}"))
        for member in members:
            server = self.server(member)
            server.wait()
            member.port = server.port
            member.status = "available"
            member.awaits_reboot = False

    def remove(self, member: Member) -> None:
        server = self.servers.pop(member.identifier)
        server.remove()
        self.fleet.registry.discard(f"cache:{server.name}")

    def follow(self, shard: str) -> None:
        """Let all replicas of the shard follow its primary (without cluster mode)."""
        primary = self.primary(shard)
        replicas = [self.server(member) for member in self.group.of_shard(shard) if member.role == "replica"]
        for replica in replicas:
            replica.run("REPLICAOF", *primary.address)
        for replica in replicas:
            replica.wait_for_link()

    # Endpoints

    def open_endpoints(self) -> None:
        """Give the endpoints their ports, which they keep, and lead them to where they belong."""
        wanted = self._wanted_targets()
        for name in set(self._targets) - set(wanted):
            self.fleet.router.drop(self._route(name))
            del self._targets[name], self.group.endpoints[name]
        for name, member in wanted.items():
            route = self._route(name)
            if name not in self._targets:
                self.group.endpoints[name] = self.fleet.router.add(route, self.server(member).address)
            elif self._targets[name] != member.identifier:
                self.fleet.router.flip(route, self.server(member).address)
            self._targets[name] = member.identifier

    def _wanted_targets(self) -> dict[str, Member]:
        group = self.group
        first = group.shards[0].identifier
        configuration = {"configuration": group.primary_of(first)} if group.sharded else {}
        if group.clustered:
            return configuration
        members = [member for member in group.of_shard(first) if member.status == "available"]
        replicas = [member for member in members if member.role == "replica"]
        # As on AWS, who reads without a replica reads from the primary.
        reader = (replicas or [group.primary_of(first)])[0]
        return {"primary": group.primary_of(first), "reader": reader, **configuration}

    def _route(self, endpoint: str) -> str:
        return f"cache:{self.books.account}-{self.books.region}-{self.group.identifier}:{endpoint}"

    def close_endpoints(self) -> None:
        for name in self._targets:
            self.fleet.router.drop(self._route(name))
        self._targets.clear()
        self.group.endpoints.clear()

    # What may change while the servers run

    def settings(self) -> dict[str, str]:
        group = parameters.find(self.books, self.group.parameter_group)
        return parameters.server_settings(group, self.group.node_type)

    def acl(self) -> Acl:
        return user_groups.acl_of(self.books, self.group)

    def apply_settings(self) -> None:
        for server in self.servers.values():
            server.settings = self.settings()
            server.apply_settings()

    def apply_acl(self) -> None:
        acl = self.acl()
        for server in self.servers.values():
            server.apply_acl(acl)

    def interrupt_clients(self) -> None:
        """What a replacement of the nodes means to a client: its connections are gone, the data are not."""
        for server in self.servers.values():
            server.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def reboot(self, member: Member) -> None:
        """Restart one node. Its memory is empty afterwards; a replica fills it from its primary."""
        server = self.server(member)
        server.stop()
        server.settings = self.settings()
        server.forget()
        self.start(member)
        if not self.group.sharded:
            self.follow(member.shard)

    def make_primary(self, member: Member) -> None:
        """Change roles without a failure: no write is lost."""
        old = self.group.primary_of(member.shard)
        new = self.server(member)
        new.wait_for_offset(self.server(old).hold_writes(60), 60)
        new.run("REPLICAOF", "NO", "ONE")
        with self.books.lock:
            old.role, member.role = "replica", "primary"
        self.open_endpoints()
        self.server(old).run("CLIENT", "UNPAUSE")
        self.follow(member.shard)

    def restart_in_mode(self, members: list[Member]) -> None:
        """Start the servers anew with or without cluster mode, as the books tell; the first one has the data."""
        first = self.server(members[0])
        snapshots.save(first)
        data = first.dump.read_bytes()
        for member in members:
            server = self.server(member)
            server.stop()
            server.forget()
            server.cluster_port = free_port() if self.group.sharded else None
            if server is first:
                server.dump.write_bytes(data)
                processes.give_to_servers(server.dump)
        self.start(*members)

    def destroy(self) -> None:
        self.close_endpoints()
        for member in self.group.members:
            if member.identifier in self.servers:
                self.remove(member)
