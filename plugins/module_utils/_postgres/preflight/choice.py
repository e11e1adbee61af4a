# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what is selected, and whom it is to belong to on the target. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    NOT_MOVED,
    Case,
    Found,
    Rules,
)

rules = Rules()


@rules.add(
    "selection", BLOCKER, "The selection names what the source has not, or leaves out what something needs that is"
    " moved: a foreign key's table, a view's, a partition's parent, a type, a function, an extension's schema.",
    "correct schemas, tables or extensions; dependents=leave_out leaves foreign keys, views and functions behind too",
)  # fmt: skip
def _selection(case: Case) -> Iterator[Found]:
    for text in case.source.chosen.faults:
        yield Found("selection", text)


@rules.add("left-out", NOT_MOVED, "What the selection leaves out.")
def _left_out(case: Case) -> Iterator[Found]:
    for name, reason in case.source.chosen.left_out:
        yield Found(name, reason)


@rules.add("comments", NOT_MOVED, "Comments, when comments=false.")
def _comments(case: Case) -> Iterator[Found]:
    if not case.request.wish.comments:
        yield Found("comments", "comments is false")


@rules.add("large-objects", NOT_MOVED, "Large objects, when large_objects=false.")
def _large_objects(case: Case) -> Iterator[Found]:
    if not case.request.wish.large_objects:
        yield Found("large objects", "large_objects is false")


@rules.add(
    "extension-skipped", BLOCKER, "An extension is skipped, and the target does not have it, or in another schema,"
    " although something that is moved needs it.",
    "have it created on the target in the same schema, do not skip it, or leave out what needs it",
)  # fmt: skip
def _skipped(case: Case) -> Iterator[Found]:
    theirs, ours = case.target.server["extensions"], case.source.server.get("skipped_extensions", {})
    for name, needing in sorted(case.source.chosen.needs.items()):
        if theirs.get(name, {}).get("schema") != ours.get(name, {}).get("schema") or name not in theirs:
            yield Found(f"extension {name}", f"{needing} needs the extension {name}, which is skipped")


@rules.add(
    "extension-pinned", BLOCKER, "extensions.map asks for a version that the target does not offer, or the target has"
    " another one already.",
    "ask for a version of pg_available_extension_versions, or have the target's updated",
)  # fmt: skip
def _pinned(case: Case) -> Iterator[Found]:
    server = case.target.server
    offered = {tuple(row) for row in server.get("extension_versions", ())}
    for name, about in sorted(case.source.server["extensions"].items()):
        have = server["extensions"].get(name, {}).get("version")
        if about.get("pinned") and about["version"] != have and (have or (name, about["version"]) not in offered):
            text = f"it has version {have}" if have else "it does not offer it"
            yield Found(f"extension {name}", f"extension {name} {about['version']} is asked of the target: {text}")


@rules.add(
    "owner-missing", BLOCKER, "Objects are to belong to roles that the target lacks.",
    "create them there, or name others in role_map",
)  # fmt: skip
def _owner_missing(case: Case) -> Iterator[Found]:
    roles = sorted(set(case.owner_map.values()) - set(case.target.server["roles"]))
    if roles:
        yield Found(f"role {listed(roles)}", f"objects are to belong to {listed(roles)}, which the target lacks")


@rules.add(
    "owner-membership", BLOCKER, "The target's role may not give objects to another one: it is neither its member (from"
    " 16 on with the SET option) nor may it make itself one for the time of the move.",
    "GRANT the role to it, from 16 on WITH SET TRUE",
)  # fmt: skip
def _owner_membership(case: Case) -> Iterator[Found]:
    server = case.target.server
    able = set(server["may_become"]) | (set() if case.logical else set(server["may_grant"]))
    for role in sorted(set(case.owner_map.values()) & set(server["roles"]) - able):
        option = " WITH SET TRUE" if case.target.major >= 16 else ""
        why = ", and the subscription works with its rights until the cut-over" if case.logical else ""
        todo = f'GRANT "{role}" TO "{server["user"]}"{option}'
        yield Found(f"role {role}", f"{server['user']} of the target may not act as {role}{why}", todo)


@rules.add(
    "owner-create", BLOCKER, "A role that is to own objects may not create any in the target's schema public, and the"
    " target's role may not let it.",
    "GRANT CREATE ON SCHEMA public to it",
)  # fmt: skip
def _owner_create(case: Case) -> Iterator[Found]:
    server = case.target.server
    if server["superuser"] or server["may_grant_public"] or not case.source.server["has_public"]:
        return
    able = set(server["may_create_in_public"])
    for role in sorted(set(case.owner_map.values()) & set(server["roles"]) - able):
        yield Found(f"role {role}", f"{role} may not create objects in schema public of the target")


@rules.add(
    "owner-locks", BLOCKER, "More objects are to be given to other owners at once than the target's lock table holds.",
    "raise max_locks_per_transaction on the target and restart it, or use owner=none and acl=false",
)  # fmt: skip
def _owner_locks(case: Case) -> Iterator[Found]:
    settings = case.target.server["settings"]
    room = int(settings["max_locks_per_transaction"]) * (
        int(settings["max_connections"]) + int(settings.get("max_prepared_transactions", 0))
    )
    needed = len(case.source.server.get("grants", ())) + case.source.server["indexes"]["number"]
    if case.request.wish.hands_over and needed > room:
        yield Found("target", f"about {needed} objects are handed over, the lock table holds {room}")


@rules.add(
    "acl-roles", BLOCKER, "Privileges are moved, and name roles that the target lacks.",
    "create them there, or name others in role_map",
)  # fmt: skip
def _acl_roles(case: Case) -> Iterator[Found]:
    roles = sorted(case.grantees - set(case.target.server["roles"]))
    if roles:
        yield Found(f"role {listed(roles)}", f"privileges of the source name {listed(roles)}, which the target lacks")


@rules.add("owner-unused", ADVICE, "role_map names roles that the source's objects do not.", "correct role_map")
def _owner_unused(case: Case) -> Iterator[Found]:
    wish = case.request.wish
    named = {row[2] for row in case.source.server.get("grants", ())} | {
        grantee for row in case.source.server.get("grants", ()) for grantee, _what, _grantable in row[3]
    }
    for role in sorted(set(wish.role_map) - named - {"*"}) if wish.hands_over else ():
        yield Found(f"role {role}", f"role_map names the role {role}, which owns and may do nothing on the source")
