"""Operations on users, user groups and tags."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from bahnvision_lab.aws.elasticache import arns, lifecycle, names, user_groups, users
from bahnvision_lab.aws.elasticache.books import User
from bahnvision_lab.aws.elasticache.operations import Operations


class AccessOperations(Operations):
    """Who may use a cache."""

    def create_user(self) -> ActionResult:
        names.required(self.params, "UserId", "UserName", "Engine", "AccessString")
        arns.read(self.params.get("Tags"))
        user = users.create(self.books, self.params)
        self._tag("user", user.identifier)
        described = users.describe(self.books, user)
        self.life.user_created(user)
        return ActionResult(described)

    def modify_user(self) -> ActionResult:
        user = users.modify(self.books, self.params)
        self.life.user_changed(self.books, user)
        return ActionResult({**users.describe(self.books, user), "Status": "modifying"})

    def delete_user(self) -> ActionResult:
        user = users.delete(self.books, self.params["UserId"])
        described = {**users.describe(self.books, user), "Status": "deleting"}
        self.life.delete_user(self.books, user)
        return ActionResult(described)

    def describe_users(self) -> ActionResult:
        wanted, engine = self.params.get("UserId"), self.params.get("Engine")
        found = [users.find(self.books, wanted)] if wanted else list(self.books.users.values())
        found = [user for user in found if engine in (None, user.engine) and self._matches(user)]
        return self._page("Users", [users.describe(self.books, user) for user in found])

    def _matches(self, user: User) -> bool:
        groups = {group.identifier for group in users.groups_of(self.books, user)}
        values: dict[str, set[str]] = {
            "user-id": {user.identifier}, "user-name": {user.name}, "engine": {user.engine},
            "access-string": {user.access}, "status": {user.status}, "user-group-id": groups,
            "authentication": {user.authentication},
        }  # fmt: skip
        for entry in self.params.get("Filters") or []:
            if entry["Name"] not in values:
                raise names.invalid(f"Invalid filter {entry['Name']}: one of {', '.join(values)}.")
            if not values[entry["Name"]] & set(entry["Values"]):
                return False
        return True

    def create_user_group(self) -> ActionResult:
        names.required(self.params, "UserGroupId", "Engine")
        arns.read(self.params.get("Tags"))
        wanted = list(self.params.get("UserIds") or [])
        group = user_groups.create(self.books, self.params["UserGroupId"], self.params["Engine"], wanted)
        self._tag("usergroup", group.identifier)
        described = user_groups.describe(self.books, group)
        self.life.user_group_changed(self.books, group, "creating")
        return ActionResult(described)

    def modify_user_group(self) -> ActionResult:
        group = user_groups.find(self.books, self.params["UserGroupId"])
        add, remove = self.params.get("UserIdsToAdd") or [], self.params.get("UserIdsToRemove") or []
        user_groups.modify(self.books, group, self.params.get("Engine"), list(add), list(remove))
        described = {**user_groups.describe(self.books, group), "Status": "modifying"}
        self.life.user_group_changed(self.books, group, "modifying")
        return ActionResult(described)

    def delete_user_group(self) -> ActionResult:
        group = user_groups.delete(self.books, self.params["UserGroupId"])
        described = {**user_groups.describe(self.books, group), "Status": "deleting"}
        self.life.delete_user_group(self.books, group)
        return ActionResult(described)

    def describe_user_groups(self) -> ActionResult:
        wanted = self.params.get("UserGroupId")
        found = [user_groups.find(self.books, wanted)] if wanted else list(self.books.user_groups.values())
        return self._page("UserGroups", [user_groups.describe(self.books, group) for group in found])

    def add_tags_to_resource(self) -> ActionResult:
        arns.put(self.books, self._tagged(), self.params.get("Tags"))
        return self._tags()

    def remove_tags_from_resource(self) -> ActionResult:
        arns.remove(self.books, self._tagged(), list(self.params.get("TagKeys") or []))
        return self._tags()

    def list_tags_for_resource(self) -> ActionResult:
        self._tagged()
        return self._tags()

    def _tagged(self) -> str:
        """As AWS: a replication group's tags can be neither read nor changed while it is not available."""
        names.required(self.params, "ResourceName")
        arn = self.params["ResourceName"]
        arns.require(self.books, arn)
        kind, name = arn.rsplit(":", 2)[1:]
        if kind == "replicationgroup":
            lifecycle.require_available(self.books.groups[name], "tagging")
        return arn

    def _tags(self) -> ActionResult:
        tags: list[dict[str, Any]] = arns.listed(self.books, self.params["ResourceName"])
        return ActionResult({"TagList": tags})
