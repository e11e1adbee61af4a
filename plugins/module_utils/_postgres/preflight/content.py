# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what the source holds: what needs care, what is in the way, what is left behind. Pure."""

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

NOT_NULL_INHERITED_SINCE = 18

rules = Rules()


@rules.add(
    "hash-partition-enum", BLOCKER, "A table is partitioned by the hash of an enum, and rows go partition by partition"
    " (engine copy, AWS DMS): enum values hash otherwise in another database.",
    "use engine=dump with verify=none",
)  # fmt: skip
def _hashed_by_enum(case: Case) -> Iterator[Found]:
    names = case.source.server["hashed_by_enum"]
    if names and case.request.engine != "dump":
        verb = "is partitioned by the hash of an enum, which differs between two databases"
        yield Found(f"table {listed(names)}", f"{listed(names)} {verb}")


@rules.add(
    "not-null-inheritance", BLOCKER, "A column may be null in a table, but not in the one that it inherits from; from"
    " 18 on the target, children inherit NOT NULL.",
    "ALTER TABLE ... ALTER COLUMN ... SET NOT NULL on the source, after the nulls are gone",
)  # fmt: skip
def _nullable_children(case: Case) -> Iterator[Found]:
    columns = case.source.server["nullable_children"]
    if columns and case.source.major < NOT_NULL_INHERITED_SINCE <= case.target.major:
        text = f"columns may be null and are not where they are inherited from: {listed(columns)}"
        yield Found(f"column {listed(columns)}", text)


@rules.add(
    "prepared-transaction", ADVICE, "Prepared transactions of the source (two-phase commit): their rows are not moved,"
    " their locks may be in the way, and RDS refuses upgrades with them.",
    "COMMIT PREPARED or ROLLBACK PREPARED them",
)  # fmt: skip
def _prepared(case: Case) -> Iterator[Found]:
    gids = case.source.server["prepared"]
    if gids and not case.logical:
        yield Found(f"prepared transaction {listed(gids)}", f"prepared transactions on the source: {listed(gids)}")


@rules.add(
    "long-transaction", ADVICE, "Transactions of the source are open for more than five minutes: what they write now is"
    " not moved; with method logical the slot waits for their end.",
    "end them, or wait",
)  # fmt: skip
def _long(case: Case) -> Iterator[Found]:
    for text in case.source.server["long_transactions"]:
        yield Found("source", f"a transaction of the source is open: {text}")


@rules.add(
    "unlogged-table", ADVICE, "Unlogged tables are moved as such: a crash or failover of the target empties them, and"
    " logical replication leaves them out.",
    "ALTER TABLE ... SET LOGGED on what must last",
)  # fmt: skip
def _unlogged(case: Case) -> Iterator[Found]:
    tables = case.source.server["unlogged"]
    if tables:
        yield Found(f"table {listed(tables)}", f"unlogged tables: {listed(tables)}")


@rules.add("tablespace", ADVICE, "Tablespaces: their tables go to the target's default one; RDS has no others.")
def _tablespaces(case: Case) -> Iterator[Found]:
    names = case.source.server["tablespaces"]
    if names:
        text = f"tablespaces {listed(names)}"
        yield Found(f"tablespace {listed(names)}", text, "their tables go to the target's default tablespace")


@rules.add(
    "foreign-server", ADVICE, "Foreign servers: the target must reach them, and user mappings are not moved.",
    "open the way from the target to them and create the user mappings there",
)  # fmt: skip
def _foreign_servers(case: Case) -> Iterator[Found]:
    names = case.source.server["foreign_servers"]
    if names:
        tables = sum(1 for kind, _ident in case.source.objects if kind == "foreign table")
        text = f"the source has the foreign servers {listed(names)} with {tables} foreign tables"
        yield Found(f"server {listed(names)}", text)


@rules.add(
    "reg-columns", ADVICE, "Columns of types that name objects of one database (regproc, regrole, regconfig ...) are"
    " moved by name; RDS refuses upgrades with them.",
    "see that the objects they name exist on the target, or store the names as text",
)  # fmt: skip
def _reg(case: Case) -> Iterator[Found]:
    columns = case.source.server["reg_columns"]
    if columns:
        yield Found(f"column {listed(columns)}", f"columns hold references to objects: {listed(columns)}")


@rules.add(
    "long-names", ADVICE, "Names of 63 bytes, the longest there are: names that a server or tool makes from them are"
    " cut off, so they may come out otherwise.",
    "nothing for the move itself, which keeps all names",
)  # fmt: skip
def _long_names(case: Case) -> Iterator[Found]:
    names = case.source.server["long_names"]
    if names:
        yield Found(listed(names, 5), f"names of 63 bytes: {listed(names, 5)}")


@rules.add(
    "replication-slot", ADVICE, "Logical slots of the source: their readers will miss what is written to the target.",
    "set those readers up anew on the target",
)  # fmt: skip
def _slots(case: Case) -> Iterator[Found]:
    names = case.source.server["logical_slots"]
    if names:
        yield Found(f"replication slot {listed(names)}", f"logical replication slots of the source: {listed(names)}")


@rules.add(
    "invalid-index", NOT_MOVED, "Invalid indexes (a CREATE INDEX CONCURRENTLY has failed).",
    "rebuild or drop it on the source",
)  # fmt: skip
def _invalid_index(case: Case) -> Iterator[Found]:
    for (kind, ident), text in sorted(case.source.objects.items()):
        if kind == "index" and text.endswith(" INVALID") and "ON ONLY" not in text:
            yield Found(f"invalid index {ident}", "pg_dump leaves it out")


@rules.add("publication", NOT_MOVED, "Publications.", "create them on the target after the move")
def _publications(case: Case) -> Iterator[Found]:
    return _left(case, "publications", "logical replication is set up anew on the target")


@rules.add("subscription", NOT_MOVED, "Subscriptions.", "create them on the target after the move")
def _subscriptions(case: Case) -> Iterator[Found]:
    return _left(case, "subscriptions", "they would pull from another publisher twice")


@rules.add("event-trigger", NOT_MOVED, "Event triggers.", "have a superuser (on RDS rds_superuser) create them")
def _event_triggers(case: Case) -> Iterator[Found]:
    return _left(case, "event_triggers", "they need a superuser")


@rules.add("user-mapping", NOT_MOVED, "User mappings; their passwords cannot be read.", "create them on the target")
def _user_mappings(case: Case) -> Iterator[Found]:
    return _left(case, "user_mappings", "they hold credentials and belong to roles")


@rules.add("ownership", NOT_MOVED, "Ownership, when owner=none.", "set owner, or give the objects away after the move")
def _ownership(case: Case) -> Iterator[Found]:
    owners = case.source.server["owners"]
    if owners and case.request.wish.owner == "none":
        yield Found(f"ownership by {listed(owners)}", "everything belongs to the target's user")


@rules.add(
    "privileges",
    NOT_MOVED,
    "Privileges and default privileges, when acl=false.",
    "set acl, or grant them on the target",
)
def _privileges(case: Case) -> Iterator[Found]:
    if case.source.server["granted"] and not case.request.wish.acl:
        yield Found("privileges (GRANT, default privileges)", "roles differ between the sides")


@rules.add("security-label", NOT_MOVED, "Security labels.")
def _labels(case: Case) -> Iterator[Found]:
    if case.source.server["security_labels"]:
        yield Found("security labels", "label providers are not available")


@rules.add("role-settings", NOT_MOVED, "Settings of the database or of roles in it.", "set them on the target")
def _settings(case: Case) -> Iterator[Found]:
    names = case.source.server["settings_of_roles"]
    if names:
        yield Found(f"settings of the database or its roles: {listed(names)}", "they belong to the server's roles")


def _left(case: Case, key: str, reason: str) -> Iterator[Found]:
    for name in case.source.server[key]:
        yield Found(f"{key[:-1].replace('_', ' ')} {name}", reason)
