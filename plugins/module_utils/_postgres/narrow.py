# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take off the facts of both sides what a selection leaves out: the rest of the program sees what is moved, only."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import catalogue, content, grants
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import Facts
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.selection import choose
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import literal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.wish import Wish

# Facts that are lists of names of relations, columns and functions.
_NAMES = (
    "hashed_by_enum", "unlogged", "unreadable_sequences", "collated_partitions", "long_names", "reg_columns",
    "generated", "superuser_only",
)  # fmt: skip


def narrow_source(session: Session, facts: Facts, wish: Wish) -> Facts:
    """Called within the transaction that the facts were read in."""
    if wish.chooses:
        facts = _chosen(session, facts, wish)
    server, objects = dict(facts.server), facts.objects
    if not wish.comments:
        objects = _without_comments(objects)
    if not wish.large_objects:
        server |= {"large_objects": 0, "unreadable_large_objects": 0, "large_object_bytes": 0}
    if wish.hands_over:
        rows = grants.read_grants(session)
        server["grants"] = [row for row in rows if _is_handed_over(row, facts, wish)]
    return replace(facts, server=server, objects=objects)


def _is_handed_over(row: list, facts: Facts, wish: Wish) -> bool:
    kind, ident = row[:2]
    if kind == "default privileges":
        schema = ident.partition(" in schema ")[2]
        return ("schema", schema) not in facts.chosen.keys
    return (kind, ident) not in facts.chosen.keys and (kind != "large object" or wish.large_objects)


def narrow_target(session: Session, facts: Facts, wish: Wish, source: Facts | None) -> Facts:
    """What may differ by the selection is not looked at; what is there beside it is."""
    if source is None:
        return facts
    server, objects = dict(facts.server), facts.objects
    if not wish.comments:
        objects = _without_comments(objects)
    skipped = sorted(name for name in server["extensions"] if wish.skips(name))
    if skipped:
        theirs = _written(session, sorted({server["extensions"][name]["schema"] for name in skipped}))
        keys = {("extension", ident) for ident in _written(session, skipped)} | {("schema", ident) for ident in theirs}
        objects = {key: text for key, text in objects.items() if key not in keys - source.objects.keys()}
    if any("version" in about for about in wish.map.values()):
        server["extension_versions"] = session.ask_json(
            "select pg_catalog.jsonb_build_array(name, version) from pg_catalog.pg_available_extension_versions"
        )
    tables = tuple(table for table in facts.tables if table.ident not in source.chosen.unread)
    return replace(facts, server=server, objects=objects, tables=tables)


def _chosen(session: Session, facts: Facts, wish: Wish) -> Facts:
    rows = session.ask_json(catalogue.PLACES)
    chosen = choose(wish, rows, session.ask_json(catalogue.DEPENDENCIES))
    gone = {(row["kind"], row["ident"]) for row in rows if row["place"] in chosen.places}
    policies = [row["place"].split(" ")[1] for row in rows if row["kind"] == "policy" and row["place"] in chosen.places]
    idents = {ident for _kind, ident in gone}
    tables = tuple(t for t in facts.tables if (_kind(t), t.ident) not in gone and t.ident not in chosen.unread)
    server = dict(facts.server)
    server |= {name: [ident for ident in server[name] if ident not in idents] for name in _NAMES}
    server["indexes"] = session.ask_json(_indexes([table.oid for table in tables]))[0]
    server["policy_roles"] = content.names(session, _policy_roles(policies))
    server["extensions"] = extensions = _extensions(facts, wish)
    server["skipped_extensions"] = {name: it for name, it in facts.server["extensions"].items() if wish.skips(name)}
    objects = {key: text for key, text in facts.objects.items() if key not in gone}
    objects = _with_extensions(session, objects, facts.server["extensions"], extensions)
    # A composite type is listed as a type where owners are.
    gone |= {("type", ident) for kind, ident in gone if kind == "composite type"}
    return replace(facts, server=server, tables=tables, objects=objects, chosen=replace(chosen, keys=frozenset(gone)))


def _kind(table) -> str:
    return "materialized view" if table.kind == "m" else "table"


def _without_comments(objects: dict) -> dict:
    return {key: text for key, text in objects.items() if key[0] != "comment"}


def _extensions(facts: Facts, wish: Wish) -> dict:
    """Return the extensions that the target is to have, under their names there."""
    made = {}
    for name, about in facts.server["extensions"].items():
        wanted = wish.map.get(name, {})
        if not wish.skips(name):
            pinned = {"version": wanted["version"], "pinned": True} if "version" in wanted else {}
            made[wanted.get("name", name)] = {**about, "schema": wanted.get("schema", about["schema"]), **pinned}
    return made


def _with_extensions(session: Session, objects: dict, ours: dict, theirs: dict) -> dict:
    """Rename the extensions, and add the schemas that are made for them."""
    gone = {("extension", ident) for ident in _written(session, sorted(set(ours) - set(theirs)))}
    made = dict.fromkeys((("extension", ident) for ident in _written(session, sorted(set(theirs) - set(ours)))), "")
    schemas = {about["schema"] for about in theirs.values()} - {about["schema"] for about in ours.values()}
    wanted = sorted(schema for schema in schemas - {"public"} if not schema.startswith("pg_"))
    made |= dict.fromkeys((("schema", ident) for ident in _written(session, wanted)), "")
    return {**made, **{key: text for key, text in objects.items() if key not in gone}}


def _written(session: Session, names: list[str]) -> list[str]:
    """Return names as the server writes them: in quotes where they need them."""
    array = f"array[{', '.join(literal(name) for name in names)}]::text[]"
    return content.names(session, f"select pg_catalog.to_jsonb(format('%I', n)) from unnest({array}) n")


def _indexes(oids: list[str]) -> str:
    return f"""
select pg_catalog.jsonb_build_object('number', count(*), 'bytes', coalesce(sum(size), 0),
  'largest', coalesce((array_agg(size order by size desc))[1:64], '{{}}'))
from (select pg_catalog.pg_relation_size(indexrelid) from pg_catalog.pg_index
  where indrelid = any ('{{{",".join(oids)}}}'::oid[])) as s (size)"""


def _policy_roles(left_out: list[str]) -> str:
    return f"""
select distinct pg_catalog.to_jsonb(pg_catalog.pg_get_userbyid(r)) from pg_catalog.pg_policy p, unnest(p.polroles) r
where r <> 0 and p.oid <> all ('{{{",".join(left_out)}}}'::oid[])"""
