"""From the books to the servers and back: what follows from an operation, beside the API."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bahnvision_lab.aws.elasticache import arns, creation, snapshots, user_groups, users
from bahnvision_lab.aws.elasticache.books import Books, Group, ParameterGroup, Snapshot, User, UserGroup
from bahnvision_lab.aws.elasticache.fleet import Fleet
from bahnvision_lab.aws.elasticache.parameters import awaiting_reboot, users_of
from bahnvision_lab.aws.elasticache.real import RealGroup
from bahnvision_lab.aws.refusals import AwsError


def find(books: Books, identifier: str) -> Group:
    group = books.groups.get(identifier.lower())
    if group is None:
        raise AwsError("ReplicationGroupNotFoundFault", f"ReplicationGroup {identifier.lower()} not found.")
    return group


def require_available(group: Group, purpose: str = "modification") -> None:
    if group.status != "available":
        message = f"Replication group {group.identifier} has status {group.status} which is not valid for {purpose}."
        raise AwsError("InvalidReplicationGroupState", message)


class Lifecycle:
    """What happens to the real servers. Status changes are made by the work itself."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def create(self, books: Books, params: dict[str, Any]) -> Group:
        tags = arns.read(params.get("Tags"))
        snapshot = snapshots.find(books, params["SnapshotName"]) if params.get("SnapshotName") else None
        if snapshot is not None:
            snapshots.check_restorable(snapshot, params)
        group = creation.prepare(books, params, snapshot)
        books.groups[group.identifier] = group
        books.tags[books.arn("replicationgroup", group.identifier)] = tags
        real = self.fleet.add(books, group)
        self.fleet.work(real, "creating", lambda: self._build(real, snapshot), "elasticache_group")
        return group

    def _build(self, real: RealGroup, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            snapshots.restore(real, snapshot)
        else:
            real.build()
        with real.books.lock:
            for member in real.group.members:
                added = f"Added cache node 0001 in availability zone {member.zone}"
                real.books.event("cache-cluster", member.identifier, added)
                real.books.event("cache-cluster", member.identifier, "Cache cluster created")
            name = real.group.identifier
            real.books.event("replication-group", name, f"Replication group {name} created")

    def delete(self, books: Books, group: Group, final: str | None) -> None:
        if group.status not in ("available", "create-failed"):
            require_available(group, "deletion")
        snapshot = snapshots.begin(books, self.fleet, group, final, "manual", None, None) if final else None
        real = self.fleet.find(books, group)

        def work() -> None:
            if snapshot is not None:
                snapshots.take(real, snapshot)
            real.destroy()
            with books.lock:
                snapshots.remove_automatic(books, group)
                del books.groups[group.identifier]
                books.tags.pop(books.arn("replicationgroup", group.identifier), None)
                books.event("replication-group", group.identifier, f"Replication group {group.identifier} deleted")
            self.fleet.discard(books, group)

        self.fleet.work(real, "deleting", work, "elasticache_delete", then=None)

    # Users

    def user_created(self, user: User) -> None:
        self._settle(lambda: None, user, [])

    def user_changed(self, books: Books, user: User) -> None:
        user.status = "modifying"
        groups = users.groups_of(books, user)
        self._settle(lambda: self._apply(books, groups), user, groups)

    def delete_user(self, books: Books, user: User) -> None:
        user.status = "deleting"
        groups = users.groups_of(books, user)

        def work() -> None:
            with books.lock:
                for group in groups:
                    group.users.remove(user.identifier)
            self._apply(books, groups)
            with books.lock:
                books.users.pop(user.identifier)
                books.tags.pop(books.arn("user", user.identifier), None)

        self._settle(work, user, groups, then="deleting")

    def _settle(self, work: Callable[[], None], user: User, groups: list[UserGroup], then: str = "active") -> None:
        for group in groups:
            group.status = "modifying"

        def go() -> None:
            work()
            user.status = then
            for group in groups:
                group.status = "active"

        self.fleet.in_background(f"cache user {user.identifier}", go)

    def user_group_changed(self, books: Books, group: UserGroup, status: str) -> None:
        group.status = status

        def go() -> None:
            with books.lock:
                user_groups.settle(group)
            self._apply(books, [group])
            group.status = "active"

        self.fleet.in_background(f"cache user group {group.identifier}", go)

    def delete_user_group(self, books: Books, group: UserGroup) -> None:
        group.status = "deleting"

        def go() -> None:
            with books.lock:
                books.user_groups.pop(group.identifier)
                books.tags.pop(books.arn("usergroup", group.identifier), None)

        self.fleet.in_background(f"cache user group {group.identifier}", go)

    def _apply(self, books: Books, groups: list[UserGroup]) -> None:
        """Let the servers know. A group that is being made or changed learns it at the end of that."""
        caches = [cache for group in groups for cache in user_groups.caches_of(books, group)]
        for cache in caches:
            real = self.fleet.known(books, cache)
            if real is None:
                continue
            with real.lock:
                if cache.status not in ("deleting", "create-failed"):
                    real.apply_acl()

    # Parameters

    def parameters_changed(self, books: Books, group: ParameterGroup, changed: set[str]) -> None:
        """Most take effect at once; a node tells of those that wait for its reboot."""
        waits = awaiting_reboot(group, changed)
        for cache in users_of(books, group.name):
            for member in cache.members:
                member.awaits_reboot = member.awaits_reboot or waits
            real = self.fleet.find(books, cache)
            self.fleet.in_background(f"cache {cache.identifier} parameters", partial(_set, real))


def _set(real: RealGroup) -> None:
    with real.lock:
        if real.group.status not in ("deleting", "create-failed"):
            real.apply_settings()
