# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the two servers: which they are, how they are reached, what they have room for. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import listed
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.facts import same_cluster, same_database
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.estimate import size
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import (
    ADVICE,
    BLOCKER,
    Case,
    Found,
    Rules,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.sql import identifier

OLDEST_MAJOR = 12
# Session holders, the catalogue reader and the leaders of pg_dump and pg_restore.
SPARE_CONNECTIONS = 3
CLOCK_SKEW_SECONDS = 5.0
# Checkpoints should not come more often than this many times in one move.
CHECKPOINTS = 8
LOOPBACK = ("localhost", "127.0.0.1", "::1")

rules = Rules()


@rules.add("same-database", BLOCKER, "Source and target are one database, or the target is a replica of the source.")
def _same_database(case: Case) -> Iterator[Found]:
    if same_database(case.source, case.target):
        name = case.source.server["database"]
        text = f"source and target are the same database: {name} of one server (or of its replica)"
        yield Found(f"database {name}", text, "name another target")


@rules.add(
    "same-server", ADVICE, "Both databases are on one server: it works for both, and its failure ends both.",
    "to leave the server, name another target",
)  # fmt: skip
def _same_server(case: Case) -> Iterator[Found]:
    if same_cluster(case.source, case.target) and not same_database(case.source, case.target):
        yield Found("target", "source and target are two databases of one server")


@rules.add(
    "pooler", BLOCKER, "A pooler in transaction mode is in front: locks and snapshots need one server connection.",
    "connect to the server itself",
)  # fmt: skip
def _pooler(case: Case) -> Iterator[Found]:
    for side in case.request.pooled:
        yield Found(side, f"the {side} is behind a connection pooler in transaction mode")


@rules.add("target-recovery", BLOCKER, "The target is a replica.", "name the primary (the writer endpoint)")
def _recovery(case: Case) -> Iterator[Found]:
    if case.target.server["recovery"]:
        yield Found("target", "the target is read only: it is a replica")


@rules.add(
    "target-read-only", BLOCKER, "default_transaction_read_only is on at the target (some services set it when the "
    "storage is full).",
    "find out why, give the server room, then ALTER ROLE or ALTER DATABASE ... RESET default_transaction_read_only",
)  # fmt: skip
def _read_only(case: Case) -> Iterator[Found]:
    if case.target.server["read_only"] and not case.target.server["recovery"]:
        yield Found("target", "the target is read only: default_transaction_read_only is on")


@rules.add("version-older", BLOCKER, "The target's major version is below the source's.", "use a newer target")
def _older(case: Case) -> Iterator[Found]:
    if case.target.major < case.source.major:
        ours, theirs = case.source.server["version_text"], case.target.server["version_text"]
        text = f"the target is PostgreSQL {theirs}, older than the source's {ours}"
        yield Found("target", text, f"use a target of version {case.source.major} or newer")


@rules.add("version-unsupported", BLOCKER, f"A side is older than PostgreSQL {OLDEST_MAJOR}.", "upgrade it first")
def _unsupported(case: Case) -> Iterator[Found]:
    for side, facts in case.sides:
        if facts.major < OLDEST_MAJOR:
            version = facts.server["version_text"]
            yield Found(side, f"the {side} is PostgreSQL {version}: below {OLDEST_MAJOR} is not supported")


@rules.add(
    "client-version", BLOCKER, "psql, pg_dump or pg_restore of the target's major version are missing here.",
    "install them, or set client_bindir",
)  # fmt: skip
def _clients(case: Case) -> Iterator[Found]:
    if case.request.clients:
        # The text of the search says both what was looked for and what to install.
        what, _word, todo = case.request.clients.partition(": install ")
        yield Found("clients", what, todo and f"install {todo}")


@rules.add(
    "target-not-empty", BLOCKER, "The target holds objects, or the work of another run, that must not be touched.",
    "wait for a run that is at work; else empty the target, or name another",
)  # fmt: skip
def _refusal(case: Case) -> Iterator[Found]:
    if case.request.refusal:
        yield Found(f"database {case.target.server['database']}", case.request.refusal)


@rules.add(
    "encoding", BLOCKER, "The databases' encodings differ (with SQL_ASCII the server never checked any text).",
    "create the target database with the source's encoding",
)  # fmt: skip
def _encoding(case: Case) -> Iterator[Found]:
    ours, theirs = case.source.server["encoding"], case.target.server["encoding"]
    if ours == theirs:
        return
    name = f"database {case.target.server['database']}"
    todo = f"create the target database with ENCODING '{ours}'"
    if ours == "SQL_ASCII":
        todo += f" TEMPLATE template0, or make every text of the source valid {theirs} first"
    yield Found(name, f"the source's encoding is {ours}, the target's {theirs}", todo)


@rules.add(
    "connections", BLOCKER, "A side has fewer free connections than the jobs need: of its server (reserved ones count),"
    " or by the CONNECTION LIMIT of the role or the database.",
    "give more to what is short, or lower jobs",
)  # fmt: skip
def _connections(case: Case) -> Iterator[Found]:
    """Each limit is told by itself: raising another one would change nothing."""
    needed = case.request.jobs + SPARE_CONNECTIONS
    for side, facts in case.sides:
        user, database = facts.server["user"], facts.server["database"]
        limits = {
            "server": ("", "raise max_connections"),
            "role": (f" for the role {user}", f"ALTER ROLE {identifier(user)} CONNECTION LIMIT"),
            "database": (f" for the database {database}", f"ALTER DATABASE {identifier(database)} CONNECTION LIMIT"),
        }
        for kind, free in facts.server["free_connections"].items():
            if free is not None and free < needed:
                whose, todo = limits[kind]
                more = f" (at least {needed - free} more, or -1 for none)" if whose else ""
                text = f"the {side} has {max(free, 0)} free connections{whose}, {needed} are needed"
                yield Found(f"{kind} {user if kind == 'role' else database}" if whose else side, text,
                            f"{todo}{more}, or lower jobs")  # fmt: skip


@rules.add(
    "source-locks", BLOCKER, "The source's lock table is smaller than its number of tables: all are locked for the"
    " snapshot at once.",
    "raise max_locks_per_transaction on the source and restart it",
)  # fmt: skip
def _locks(case: Case) -> Iterator[Found]:
    settings = case.source.server["settings"]
    sessions = int(settings["max_connections"]) + int(settings["max_prepared_transactions"])
    room, needed = int(settings["max_locks_per_transaction"]) * sessions, case.source.server["lockable"]
    if needed > room:
        yield Found("source", f"the source has {needed} tables, and room for {room} locks")


@rules.add(
    "temp-file-limit", BLOCKER, "temp_file_limit of the target's role is below the largest index, whose rows are sorted"
    " in temporary files.",
    "raise temp_file_limit (parameter group, or ALTER ROLE by a superuser)",
)  # fmt: skip
def _temp_files(case: Case) -> Iterator[Found]:
    limit = int(case.target.server["settings"].get("temp_file_limit", -1))
    largest = max(case.source.server["indexes"]["largest"], default=0)
    memory = int(case.target.server["settings"].get("maintenance_work_mem", 0)) << 10
    if 0 <= limit << 10 < largest and memory < largest:
        text = f"temp_file_limit of the target is {size(limit << 10)}, the largest index of the source {size(largest)}"
        yield Found(f"role {case.target.server['user']}", text)


@rules.add(
    "workdir-space", BLOCKER, "The folder for the dump is too small (engine dump).", "set workdir to a larger one"
)
def _workdir(case: Case) -> Iterator[Found]:
    free, needed = case.request.free_bytes, sum(t.bytes for t in case.source.tables if t.kind == "r")
    if free is not None and free < needed:
        yield Found(
            "workdir", f"the folder for the dump has {free >> 20} MiB free, about {needed >> 20} MiB are needed"
        )


@rules.add(
    "target-storage", BLOCKER, "The target's storage (given) is less than data, indexes, 0.85 x WAL and sorting need.",
    "enlarge the target's storage; storage of RDS only ever grows",
)  # fmt: skip
def _storage(case: Case) -> Iterator[Found]:
    if case.request.target_storage is None:
        return
    # What an interrupted run has left in the database is kept or dropped: either way it is in the estimate.
    used = case.target.server["databases_bytes"] - case.target.server["size"]
    needed = case.estimate.storage
    if case.request.target_storage - used < needed:
        have = size(case.request.target_storage)
        yield Found("target", f"the target has {have} of storage and uses {size(used)}, {size(needed)} more are needed")


@rules.add(
    "target-max-wal-size", ADVICE, "max_wal_size of the target is small for this move: it would be busy with"
    " checkpoints.",
    "raise max_wal_size (and checkpoint_timeout) for the time of the move",
)  # fmt: skip
def _wal_size(case: Case) -> Iterator[Found]:
    limit = int(case.target.server["settings"].get("max_wal_size", 0)) << 20
    if limit and case.estimate.wal > CHECKPOINTS * limit:
        yield Found("target", f"max_wal_size of the target is {size(limit)}, {size(case.estimate.wal)} will be written")


@rules.add(
    "role-limits", ADVICE, "A role or database has settings that end long work; the move's sessions override them.",
    "nothing for the move; look whether the applications need them on the target",
)  # fmt: skip
def _limits(case: Case) -> Iterator[Found]:
    for side, facts in case.sides:
        limits = [f"{name} = {value}" for name, value in sorted(facts.server["limits"].items())]
        if limits:
            yield Found(f"role {facts.server['user']}", f"limits of the {side} that we override: {listed(limits)}")


@rules.add(
    "snapshot-too-old", ADVICE, "old_snapshot_threshold of the source may end the move's long snapshot.",
    "set old_snapshot_threshold = -1 and restart the source",
)  # fmt: skip
def _old_snapshot(case: Case) -> Iterator[Found]:
    minutes = int(case.source.server["settings"].get("old_snapshot_threshold", -1))
    if minutes >= 0:
        yield Found("source", f"old_snapshot_threshold of the source is {minutes} min")


@rules.add(
    "source-replica", ADVICE, "The source is a replica: it may cancel long reads when its primary cleans up.",
    "set hot_standby_feedback = on, or a larger max_standby_streaming_delay, for the time of the move",
)  # fmt: skip
def _replica(case: Case) -> Iterator[Found]:
    if case.source.server["recovery"] and not case.logical:
        yield Found("source", "the source is a replica")


@rules.add(
    "target-tls", ADVICE, "The target's sslmode is weaker than verify-full: nothing proves that the server is the right"
    " one. Loopback is left out.",
    "set sslmode=verify-full and sslrootcert; for RDS the region's bundle",
)  # fmt: skip
def _tls(case: Case) -> Iterator[Found]:
    host = case.target.server["host"]
    if case.request.sslmode == "verify-full" or host in LOOPBACK or host.startswith("/"):
        return
    how = "encrypted" if case.target.server["tls"] else "not encrypted"
    yield Found("target", f"sslmode of the target is {case.request.sslmode}, the connection is {how}")


@rules.add(
    "clock-skew", ADVICE, f"A server's clock is more than {CLOCK_SKEW_SECONDS:g} s away from this machine's: times in"
    " logs and reports do not fit together.",
    "set the clock (NTP)",
)  # fmt: skip
def _clock(case: Case) -> Iterator[Found]:
    for side, facts in case.sides:
        skew = facts.server["clock_skew"]
        if abs(skew) > CLOCK_SKEW_SECONDS:
            yield Found(side, f"the clock of the {side} is {skew:+.0f} s off this machine's")


@rules.add(
    "invalid-database", ADVICE, "A database of the server was left half dropped (datconnlimit = -2); RDS refuses"
    " upgrades then.",
    "drop it",
)  # fmt: skip
def _invalid_database(case: Case) -> Iterator[Found]:
    for side, facts in case.sides:
        for name in facts.server["invalid_databases"]:
            yield Found(f"database {name}", f"database {name} of the {side} is invalid: its DROP was interrupted")
