# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what a dump does not carry: versions of extensions and of the libraries that order strings."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.catalogue import COMMON, collation_name
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.session import Session

DATABASE_VERSION_SINCE = 15

# [name, version in the catalogue, version of the system's library] of the collations that columns use.
_COLLATIONS = (
    COMMON
    + f"""
select pg_catalog.jsonb_build_array('collation ' || {collation_name("c.oid")}, c.collversion,
  pg_catalog.pg_collation_actual_version(c.oid))
from pg_catalog.pg_collation c where c.collversion is not null and (c.oid >= 16384 or c.oid in (
  select a.attcollation from rel join pg_catalog.pg_attribute a on a.attrelid = rel.oid))"""
)
_DATABASE = """
select pg_catalog.jsonb_build_array('the database''s collation', datcollversion,
  pg_catalog.pg_database_collation_actual_version(oid))
from pg_catalog.pg_database where datname = current_database() and datcollversion is not null"""

Versions = dict[str, tuple]  # (version the database was made with, version of the library), each may be None


def read_collations(session: Session, major: int) -> Versions:
    """Return {name: (recorded version, the library's version)}."""
    queries = [_COLLATIONS, *([_DATABASE] if major >= DATABASE_VERSION_SINCE else [])]
    return {name: (recorded, actual) for sql in queries for name, recorded, actual in session.ask_json(sql)}


def outdated(versions: Versions) -> list[str]:
    """Name collations whose library is not the one that the indexes were built with."""
    return [
        f"{name} was recorded with version {recorded}, now its library is {actual}: strings may be out of order"
        for name, (recorded, actual) in sorted(versions.items())
        if recorded != actual and actual is not None
    ]


def other_collations(source: Versions, target: Versions) -> list[str]:
    return [
        f"{name} is version {source[name][1]} on the source, {target[name][1]} on the target"
        for name in sorted(source.keys() & target.keys())
        if source[name][1] != target[name][1]
    ]


def compare_extensions(source: Mapping[str, dict], target: Mapping[str, dict]) -> tuple[list[str], list[str]]:
    """Return those in another schema, and those of another version; missing ones are told elsewhere."""
    both = sorted(source.keys() & target.keys())
    moved, other = [], []
    for name in both:
        ours, theirs = source[name], target[name]
        if ours["schema"] != theirs["schema"]:
            moved.append(
                f"extension {name} is in schema {ours['schema']} on the source, {theirs['schema']} on the target"
            )
        if ours["version"] != theirs["version"]:
            other.append(
                f"extension {name} is version {ours['version']} on the source, {theirs['version']} on the target"
            )
    return moved, other
