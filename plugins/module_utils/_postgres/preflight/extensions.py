# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about extensions: whether the target has them, in which version, and may make them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    Case,
    Found,
    Rules,
)

# CREATE EXTENSION fails unless the server has loaded the library at its start.
_MUST_PRELOAD = frozenset(
    ("citus", "pg_cron", "pg_squeeze", "pg_stat_monitor", "pgactive", "pgaudit", "pglogical", "timescaledb")
)
# They can be created without, and do nothing.
_SHOULD_PRELOAD = frozenset(("pg_qualstats", "pg_stat_kcache", "pg_stat_statements", "pg_tle", "pg_wait_sampling"))

rules = Rules()


def missing_extensions(case: Case) -> list[str]:
    """Return what the target does not offer: not installed on its machine, or not in the list of RDS."""
    server = case.target.server
    offered = set(server["available"] or {})
    rds = server["settings"].get("rds.extensions")
    if rds:
        offered &= _split(rds)
    return [name for name in case.source.server["extensions"] if name not in offered | set(server["extensions"])]


@rules.add(
    "extension-missing", BLOCKER, "The target does not offer an extension (pg_available_extensions, rds.extensions).",
    "drop it on the source or choose a target that has it",
)  # fmt: skip
def _missing(case: Case) -> Iterator[Found]:
    missing = missing_extensions(case)
    if missing:
        yield Found(f"extension {listed(missing)}", f"the target does not offer the extension {listed(missing)}")


@rules.add(
    "extension-forbidden", BLOCKER, "rds.allowed_extensions of the target does not name an extension.",
    "add it in the parameter group",
)  # fmt: skip
def _forbidden(case: Case) -> Iterator[Found]:
    allowed = _split(case.target.server["allowed"])
    known = allowed | set(missing_extensions(case)) | set(case.target.server["extensions"])
    forbidden = [] if "*" in allowed else sorted(set(case.source.server["extensions"]) - known)
    if forbidden:
        text = f"rds.allowed_extensions of the target does not name {listed(forbidden)}"
        yield Found(f"extension {listed(forbidden)}", text)


@rules.add(
    "extension-privilege", BLOCKER, "Only a superuser may create an extension on this target, which is not RDS, and the"
    " role is none.",
    "have a superuser run CREATE EXTENSION in the target database",
)  # fmt: skip
def _privilege(case: Case) -> Iterator[Found]:
    server = case.target.server
    if server["superuser"] or server["rds"]:
        return
    wanted = set(case.source.server["extensions"]) - set(missing_extensions(case)) - set(server["extensions"])
    guarded = sorted(wanted & set(server["guarded_extensions"]))
    if guarded:
        text = f"{server['user']} may not create on the target: extension {listed(guarded)}"
        yield Found(f"extension {listed(guarded)}", text)


@rules.add(
    "extension-preload", BLOCKER, "An extension can only be created when shared_preload_libraries of the target names"
    " it.",
    "add it to shared_preload_libraries (parameter group) and restart the target",
)  # fmt: skip
def _preload(case: Case) -> Iterator[Found]:
    for name in _not_loaded(case, _MUST_PRELOAD):
        yield Found(f"extension {name}", f"shared_preload_libraries of the target does not name {name}")


@rules.add(
    "extension-idle", ADVICE, "An extension does nothing unless shared_preload_libraries of the target names it.",
    "add it to shared_preload_libraries (parameter group) and restart the target",
)  # fmt: skip
def _idle(case: Case) -> Iterator[Found]:
    for name in _not_loaded(case, _SHOULD_PRELOAD):
        text = f"shared_preload_libraries of the target does not name {name}: the extension will do nothing"
        yield Found(f"extension {name}", text)


@rules.add(
    "extension-version", ADVICE, "The target has, or will make, another version of an extension.",
    "read the extension's notes; ALTER EXTENSION ... UPDATE on the source makes them alike",
)  # fmt: skip
def _version(case: Case) -> Iterator[Found]:
    theirs = case.target.server
    for name, about in sorted(case.source.server["extensions"].items()):
        version = theirs["extensions"].get(name, {}).get("version") or (theirs["available"] or {}).get(name)
        if version and version != about["version"]:
            text = f"extension {name}: version {about['version']} on the source, {version} on the target"
            yield Found(f"extension {name}", text)


def unknown_preload(case: Case) -> list[str]:
    """Return the extensions for which shared_preload_libraries matters and may not be read."""
    if "shared_preload_libraries" in case.target.server["settings"]:
        return []
    return sorted(set(case.source.server["extensions"]) & (_MUST_PRELOAD | _SHOULD_PRELOAD))


def _not_loaded(case: Case, names: frozenset[str]) -> list[str]:
    libraries = case.target.server["settings"].get("shared_preload_libraries")
    if libraries is None:
        return []
    wanted = set(case.source.server["extensions"]) & names - set(missing_extensions(case))
    return sorted(wanted - {library.removeprefix("$libdir/") for library in _split(libraries)})


def _split(text: str) -> set[str]:
    return {name.strip().strip('"') for name in text.split(",") if name.strip()}
