"""Two servers that can replicate to each other, and writers that keep a ledger of what was acknowledged."""

from __future__ import annotations

import copy
import itertools
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutover import cutover
from bahnvision_lab import processes
from bahnvision_lab.postgres import Server, free_port, installed_majors
from pg_sides import Side, Sides, wait_until

PASSWORD = "follow-canary-4be1"


@pytest.fixture(scope="session")
def followers() -> Iterator[dict[str, Server]]:
    """Two servers that can publish. They log every statement, so that a password in one would be seen."""
    majors = installed_majors()
    with tempfile.TemporaryDirectory(prefix="pg-follow.") as name:
        Path(name).chmod(0o755)
        servers: dict[str, Server] = {}
        try:
            for side in ("source", "target"):
                server = Server(Path(name) / side, majors[max(majors)], free_port(), "boss", PASSWORD)
                server.settings |= {
                    "fsync": "off", "wal_level": "logical", "autovacuum": "off", "log_statement": "all",
                    "log_min_duration_statement": "0", "max_prepared_transactions": "5",
                    # Time between two starts of a worker: 5 s otherwise, which every switch of a test would wait for.
                    "wal_retrieve_retry_interval": "100ms",
                }  # fmt: skip
                server.create()
                server.start()
                servers[side] = server
            yield servers
        finally:
            for server in servers.values():
                if server.process is not None:
                    processes.end(server.process)


@pytest.fixture
def follow(followers: dict[str, Server], tmp_path: Path) -> Iterator[Sides]:
    """A database on each side; what replication leaves there is removed afterwards."""
    database = f"app {secrets.token_hex(4)}=x"
    for server in followers.values():
        with server.connect() as admin:
            admin.execute(f'create database "{database}"')
    (tmp_path / "work").mkdir()
    sides = Sides(
        *(Side(followers[side], database, "boss", PASSWORD) for side in ("source", "target")), tmp_path / "work"
    )
    yield sides
    drop_subscriptions(sides.target)
    drop_subscriptions(sides.source)
    drop_slots(sides.source)
    drop_slots(sides.target)
    for server in followers.values():
        with server.connect() as admin:
            admin.execute(f'drop database "{database}" with (force)')


def drop_subscriptions(side: Side) -> None:
    with side.connect(admin=True) as admin:
        admin.execute("set default_transaction_read_only = off")
        for (name,) in admin.execute(
            "select subname from pg_subscription where subdbid ="
            " (select oid from pg_database where datname = current_database())"
        ).fetchall():
            admin.execute(f"alter subscription {name} disable")
            admin.execute("select pg_terminate_backend(pid) from pg_stat_subscription where pid is not null")
            admin.execute(f"alter subscription {name} set (slot_name = none)")
            admin.execute(f"drop subscription {name}")


def drop_slots(side: Side) -> None:
    with side.connect(admin=True) as admin:
        admin.execute("set default_transaction_read_only = off")
        own = "from pg_replication_slots where database = current_database()"
        wait_until(lambda: not admin.execute(f"select 1 {own} and active").fetchall(), "idle slots")
        admin.execute(f"select pg_drop_replication_slot(slot_name) {own}")


def run(sides: Sides, check_mode: bool = False, **changes: object) -> dict:
    """Run pg_migrate with method logical."""
    return sides.migrate(check_mode, **{"method": "logical", **changes})


def cut(sides: Sides, state: str, check_mode: bool = False, **changes: object) -> dict:
    """Run pg_migrate_cutover."""
    return cutover(cut_params(sides, state, **changes), check_mode)


def cut_params(sides: Sides, state: str, **changes: object) -> dict:
    own = {
        "state": state, "reverse": True, "verify": "counts", "sequence_margin": 0, "catch_up_timeout": 120,
        "fence_timeout": 60, "drain_timeout": 120, "abandon": False, "marker": "keep", "target_from_source": None,
    }  # fmt: skip
    return copy.deepcopy({**sides.params(), **own, **changes})


def ours(side: Side) -> tuple[int, int, int]:
    """Count publications, slots and subscriptions of the database."""
    return side.query(
        "select (select count(*) from pg_publication),"
        " (select count(*) from pg_replication_slots where database = current_database()),"
        " (select count(*) from pg_subscription where subdbid ="
        " (select oid from pg_database where datname = current_database()))"
    )[0]


def same(sides: Sides, sql: str, seconds: float = 120) -> None:
    wait_until(lambda: sides.source.query(sql) == sides.target.query(sql), f"the same answer to {sql}", seconds)


LEDGER = """
create table ledger (id bigint primary key, writer int not null, seq int not null);
create table account (id int primary key, balance int not null);
insert into account select n, 1000 from generate_series(1, 20) n;
create table numbered (id bigserial primary key, v text)
"""


@dataclass
class Writers:
    """Threads that write to one side until they are told of another; they know which writes were acknowledged."""

    side: Side
    number: int = 2
    acknowledged: dict[int, float] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Writers:
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(self.number)]
        for thread in self._threads:
            thread.start()
        wait_until(lambda: len(self.acknowledged) > 10, "the first writes")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)

    def _write(self, writer: int) -> None:
        sequence = 0
        connection: psycopg.Connection | None = None
        while not self._stop.is_set():
            sequence += 1
            ident = writer * 10_000_000 + sequence
            committing = False
            try:
                if connection is None:
                    connection = self.side.connect()
                    connection.autocommit = False
                connection.execute("insert into ledger values (%s, %s, %s)", (ident, writer, sequence))
                connection.execute("insert into numbered (v) values ('x')")
                # Always in the same order of ids: two writers must not wait for each other.
                for account, change in sorted(((sequence % 19 + 1, -1), (20, 1))):
                    connection.execute("update account set balance = balance + %s where id = %s", (change, account))
                committing = True
                connection.commit()
                self.acknowledged[ident] = time.monotonic()
            except psycopg.Error:
                if committing:
                    self.unknown.add(ident)
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.01)
            time.sleep(0.002)

    @property
    def longest_gap(self) -> float:
        times = sorted(self.acknowledged.values())
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def check(self, side: Side) -> None:
        """Everything acknowledged is there, once, and nothing else but what may or may not have been committed."""
        there = [row[0] for row in side.query("select id from ledger")]
        assert len(there) == len(set(there))
        assert set(self.acknowledged) - set(there) == set(), "acknowledged writes are lost"
        assert set(there) - set(self.acknowledged) <= self.unknown, "writes that nobody made"
        assert side.query("select sum(balance), count(*) from account") == [(20000, 20)]
        assert side.query("select count(*) from numbered")[0][0] == len(there)


def more(writers: Writers) -> None:
    """Wait for writes on the present side."""
    seen = len(writers.acknowledged)
    deadline = time.monotonic() + 120
    while len(writers.acknowledged) < seen + 20:
        assert time.monotonic() < deadline, "the writers do not go on"
        time.sleep(0.01)


@pytest.fixture
def ledger(follow: Sides) -> Sides:
    follow.source.run(LEDGER)
    return follow
