"""ModifyReplicationGroup, the part about who comes in: user groups, AUTH tokens, encryption."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bahnvision_lab.aws.elasticache import checks, user_groups, users
from bahnvision_lab.aws.elasticache.books import Books, Group, now
from bahnvision_lab.aws.elasticache.names import clash, invalid
from bahnvision_lab.aws.elasticache.real import RealGroup
from bahnvision_lab.aws.refusals import AwsError, LabLacks

STRATEGIES = ("ROTATE", "SET", "DELETE")
Steps = list[Callable[[RealGroup], None]]


def change(books: Books, group: Group, after: Group, asked: dict[str, Any], steps: Steps) -> None:
    _encryption(group, asked)
    _user_groups(books, group, after, asked)
    _token(group, after, asked)
    if (after.user_groups, after.tokens) != (group.user_groups, group.tokens):
        steps.append(RealGroup.apply_acl)


def _encryption(group: Group, asked: dict[str, Any]) -> None:
    wanted, mode = asked.get("TransitEncryptionEnabled"), asked.get("TransitEncryptionMode")
    if wanted is None and mode is None:
        return
    if group.user_groups:  # AWS says so even when nothing would change
        raise clash("Modification of transit encryption is not supported for access control enabled clusters.")
    if (group.transit if wanted is None else wanted, mode or group.transit_mode) == (group.transit, group.transit_mode):
        return
    if not group.transit and mode != "preferred":
        raise clash("To enable encryption in transit, TransitEncryptionMode must be set to preferred first.")
    if group.transit and wanted is False and group.transit_mode == "required":
        raise clash("To disable encryption in transit, TransitEncryptionMode must be set to preferred first.")
    raise LabLacks("servers that take encrypted and plain connections at one port (TransitEncryptionMode preferred)")


def _user_groups(books: Books, group: Group, after: Group, asked: dict[str, Any]) -> None:
    add = [name.lower() for name in asked.get("UserGroupIdsToAdd") or []]
    remove = [name.lower() for name in asked.get("UserGroupIdsToRemove") or []]
    if asked.get("RemoveUserGroups"):
        if remove:
            raise clash("RemoveUserGroups and UserGroupIdsToRemove cannot be specified together.")
        remove = list(group.user_groups)
    for name in remove:
        if name not in group.user_groups:
            raise AwsError("UserGroupNotFound", f"User group {name} is not associated with {group.identifier}.")
    for name in add:
        if name in group.user_groups:
            raise invalid(f"User group {name} is already associated with {group.identifier}.")
    wanted = [name for name in group.user_groups if name not in remove] + add
    if wanted and not group.transit:
        raise clash(
            "User group based access control requires encryption-in-transit to be enabled on the replication group."
        )
    if add or after.engine != group.engine:
        user_groups.check_usable(books, wanted, after.engine)
    after.user_groups = wanted
    if add:
        after.tokens = []  # from AUTH to users: the token opens no more


def _token(group: Group, after: Group, asked: dict[str, Any]) -> None:
    token, strategy = asked.get("AuthToken"), asked.get("AuthTokenUpdateStrategy")
    if token is None and strategy is None:
        return
    strategy = strategy or "ROTATE"
    if strategy not in STRATEGIES:
        raise invalid(f"Invalid AuthTokenUpdateStrategy {strategy}: one of {', '.join(STRATEGIES)}.")
    if strategy == "DELETE":
        if not asked.get("UserGroupIdsToAdd"):
            raise clash("The AUTH token can only be deleted when changing to user group based access control.")
        return
    if token is None:
        raise clash("AuthTokenUpdateStrategy must be specified with AuthToken.")
    if after.user_groups:
        raise clash("AuthToken cannot be used with user group based access control.")
    checks.auth_token(token, group.transit)
    fresh = users.digest(token)
    if strategy == "SET":
        if not group.tokens:
            raise clash("AuthTokenUpdateStrategy SET is only allowed after ROTATE.")
        after.tokens = [fresh]
    else:
        after.tokens = [*[entry for entry in group.tokens if entry != fresh][-1:], fresh]
    after.token_changed = now()
