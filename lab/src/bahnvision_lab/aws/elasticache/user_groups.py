"""User groups: who may use the caches they are attached to."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.aws.elasticache import access, users
from bahnvision_lab.aws.elasticache.books import Books, Group, UserGroup
from bahnvision_lab.aws.elasticache.names import clash, identifier, invalid
from bahnvision_lab.aws.refusals import AwsError

MOST, MOST_USERS = 100, 100


def find(books: Books, group_id: str) -> UserGroup:
    group = books.user_groups.get(group_id.lower())
    if group is None:
        raise AwsError("UserGroupNotFound", f"User group {group_id} not found.")
    return group


def caches_of(books: Books, group: UserGroup) -> list[Group]:
    return books.groups_where(lambda cache: group.identifier in cache.user_groups)


def create(books: Books, group_id: str, engine: str, user_ids: list[str]) -> UserGroup:
    group_id, engine = identifier("UserGroupId", group_id, 40), users.check_engine(engine)
    if group_id in books.user_groups:
        raise AwsError("UserGroupAlreadyExists", f"User group {group_id} already exists.")
    if len(books.user_groups) >= MOST:
        raise AwsError("UserGroupQuotaExceeded", f"You have reached the quota of {MOST} user groups.")
    wanted = [name.lower() for name in user_ids]
    _check_members(books, engine, wanted)
    books.user_groups[group_id] = UserGroup(group_id, engine, wanted)
    return books.user_groups[group_id]


def modify(books: Books, group: UserGroup, engine: str | None, add: list[str], remove: list[str]) -> None:
    """Check the change and note it as pending; `settle` makes it."""
    if group.status != "active":
        raise AwsError("InvalidUserGroupState", f"User group {group.identifier} is in {group.status} state.")
    add, remove = [name.lower() for name in add], [name.lower() for name in remove]
    if not add and not remove and engine is None:
        raise invalid("At least one of UserIdsToAdd, UserIdsToRemove and Engine must be specified.")
    if set(add) & set(remove):
        raise clash("A user cannot be added and removed in one request.")
    for name in add:
        if name in group.users:
            raise invalid(f"User {name} is already a member of user group {group.identifier}.")
    for name in remove:
        if name not in group.users:
            raise AwsError("UserNotFound", f"User {name} is not a member of user group {group.identifier}.")
    _change_engine(books, group, engine, [name for name in group.users if name not in remove] + add)
    group.adding, group.removing = add, remove


def _change_engine(books: Books, group: UserGroup, engine: str | None, wanted: list[str]) -> None:
    new = users.check_engine(engine) if engine else group.engine
    if new == "redis" and group.engine == "valkey":
        raise clash("The engine of a user group cannot be changed from valkey to redis.")
    _check_members(books, new, wanted)
    if new != group.engine and any(cache.engine == "redis" for cache in caches_of(books, group)):
        raise clash(f"User group {group.identifier} is used by a cache of engine redis.")
    group.engine = new


def settle(group: UserGroup) -> None:
    group.users = [name for name in group.users if name not in group.removing] + group.adding
    group.adding, group.removing = [], []


def _check_members(books: Books, engine: str, user_ids: list[str]) -> None:
    found = [users.find(books, name) for name in user_ids]
    if len(found) > MOST_USERS:
        raise invalid(f"A user group can have {MOST_USERS} users at most.")
    if len(set(user_ids)) != len(user_ids):
        raise invalid("The list of users names one of them twice.")
    for user in found:
        if user.status == "deleting":
            raise AwsError("InvalidUserState", f"User {user.identifier} is being deleted.")
        if engine == "redis" and user.engine == "valkey":
            raise clash(f"User {user.identifier} of engine valkey cannot be in a user group of engine redis.")
        if engine == "valkey" and user.authentication == "no-password":
            raise clash(
                f"User {user.identifier} needs no password: a user group of engine valkey can only contain users that "
                "authenticate with a password or IAM."
            )
    names = [user.name for user in found]
    for name in names:
        if names.count(name) > 1:
            raise AwsError("DuplicateUserName", f"A user with the username {name} already exists in the user group.")
    if engine == "redis" and "default" not in names:
        raise AwsError("DefaultUserRequired", "A user group must contain a user with the user name default.")


def delete(books: Books, group_id: str) -> UserGroup:
    group = find(books, group_id)
    used = caches_of(books, group)
    if used:
        raise AwsError(
            "InvalidUserGroupState",
            f"User group {group.identifier} is associated with replication group(s): "
            f"{', '.join(cache.identifier for cache in used)}.",
        )
    if group.status != "active":
        raise AwsError("InvalidUserGroupState", f"User group {group.identifier} is in {group.status} state.")
    return group


def check_usable(books: Books, group_ids: list[str], engine: str) -> None:
    """May a cache of this engine use these user groups?"""
    if len(group_ids) > 1:
        raise invalid("Only one user group can be associated with a replication group.")
    for group_id in group_ids:
        group = find(books, group_id)
        if group.status != "active":
            raise AwsError("InvalidUserGroupState", f"User group {group_id} is in {group.status} state.")
        if engine == "redis" and group.engine == "valkey":
            raise clash(f"User group {group_id} of engine valkey cannot be used with a cache of engine redis.")


def acl_of(books: Books, group: Group) -> dict[str, list[str]]:
    """Return who may do what on the group's servers. The default user is off unless something opens it."""
    if not group.user_groups:
        return {"default": access.server_rules("on ~* &* +@all", group.tokens, nopass=not group.tokens)}
    acl: dict[str, list[str]] = {"default": ["off"]}
    with books.lock:
        for group_id in group.user_groups:
            for user in (books.users[name] for name in books.user_groups[group_id].users):
                nopass = user.authentication == "no-password"
                acl[user.name] = access.server_rules(user.access, user.passwords, nopass)
    return acl


def describe(books: Books, group: UserGroup) -> dict[str, Any]:
    described: dict[str, Any] = {
        "UserGroupId": group.identifier,
        "Status": group.status,
        "Engine": group.engine,
        "UserIds": list(group.users),
        "MinimumEngineVersion": "7.2" if group.engine == "valkey" else "6.0",
        "ReplicationGroups": [cache.identifier for cache in caches_of(books, group)],
        "ARN": books.arn("usergroup", group.identifier),
    }
    if group.adding or group.removing:
        described["PendingChanges"] = {"UserIdsToAdd": list(group.adding), "UserIdsToRemove": list(group.removing)}
    return described
