# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about rights: what the source's role may read and the target's may make. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    BLOCKER,
    Case,
    Found,
    Rules,
)

# Kinds of objects that nobody but a superuser can create.
_SUPERUSER_KINDS = (
    "operator class", "operator family", "text search parser", "text search template", "access method", "language",
    "foreign-data wrapper",
)  # fmt: skip

rules = Rules()


@rules.add(
    "table-privilege", BLOCKER, "The source's role may not read tables.", "grant SELECT on them and USAGE on their"
    " schemas, or use the owner or a member of pg_read_all_data",
)  # fmt: skip
def _tables(case: Case) -> Iterator[Found]:
    unreadable = [table.ident for table in case.source.tables if not table.readable]
    if unreadable:
        text = f"{case.source.server['user']} may not read on the source: {listed(unreadable)}"
        yield Found(f"table {listed(unreadable)}", text)


@rules.add(
    "sequence-privilege", BLOCKER, "The source's role may not read sequences.", "grant SELECT on them and USAGE on"
    " their schemas",
)  # fmt: skip
def _sequences(case: Case) -> Iterator[Found]:
    hidden = case.source.server["unreadable_sequences"]
    if hidden:
        text = f"{case.source.server['user']} may not read on the source: sequence {listed(hidden)}"
        yield Found(f"sequence {listed(hidden)}", text)


@rules.add(
    "large-object-privilege", BLOCKER, "The source's role may not read large objects.", "grant SELECT on them or use"
    " their owner",
)  # fmt: skip
def _large_objects(case: Case) -> Iterator[Found]:
    number = case.source.server["unreadable_large_objects"]
    if number:
        text = f"{case.source.server['user']} may not read {number} large objects on the source"
        yield Found("large objects", text)


@rules.add(
    "row-security", BLOCKER, "Row security hides rows from the source's role: with row_security = off, as we read, the"
    " table cannot be read at all.",
    "use a role with BYPASSRLS",
)  # fmt: skip
def _row_security(case: Case) -> Iterator[Found]:
    hidden = [table.ident for table in case.source.tables if table.hidden]
    if hidden:
        text = f"row security hides rows from {case.source.server['user']} on the source: {listed(hidden)}"
        yield Found(f"table {listed(hidden)}", text)


@rules.add("target-privilege", BLOCKER, "The target's role may not create objects.", "make it the database's owner")
def _may_create(case: Case) -> Iterator[Found]:
    server = case.target.server
    if not (server["may_create"] or server["read_only"]):
        user, database = server["user"], server["database"]
        text = f"{user} may not create objects in the target"
        yield Found(f"database {database}", text, f"make {user} the owner of database {database}")


@rules.add("policy-roles", BLOCKER, "Row-security policies name roles that the target lacks.", "create them there")
def _policy_roles(case: Case) -> Iterator[Found]:
    roles = sorted(set(case.source.server["policy_roles"]) - set(case.target.server["roles"]))
    if roles:
        text = f"row-security policies of the source name roles that the target lacks: {listed(roles)}"
        yield Found(f"role {listed(roles)}", text)


@rules.add(
    "superuser-functions", BLOCKER, "Functions in C or another untrusted language, or LEAKPROOF ones, and the target's"
    " role is no superuser.",
    "drop them on the source or replace them by trusted ones",
)  # fmt: skip
def _functions(case: Case) -> Iterator[Found]:
    functions = case.source.server["superuser_only"]
    if functions and not case.target.server["superuser"]:
        text = f"only a superuser can create these functions on the target: {listed(functions)}"
        yield Found(f"function {listed(functions)}", text)


@rules.add(
    "superuser-objects", BLOCKER, "Objects outside of extensions that only a superuser can create: base types, operator"
    " classes, languages, access methods, foreign-data wrappers, text search parsers; the target's role is none.",
    "drop them on the source, or package them as an extension that the target offers",
)  # fmt: skip
def _objects(case: Case) -> Iterator[Found]:
    if case.target.server["superuser"]:
        return
    objects = [
        f"{kind} {ident}"
        for (kind, ident), definition in sorted(case.source.objects.items())
        if kind in _SUPERUSER_KINDS or (kind == "type" and definition.split(" ")[0] == "b")
    ]
    if objects:
        yield Found(listed(objects), f"only a superuser can create these objects on the target: {listed(objects)}")
