"""Two servers that can replicate to each other, and writers that keep a ledger of what was acknowledged."""

from __future__ import annotations

import copy
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.cutover import cutover
from bahnvision_lab import ledger as ledger_writers
from bahnvision_lab import processes
from bahnvision_lab.ledger import TABLES as LEDGER
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
        "point_command": [],
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


class Writers(ledger_writers.Writers):
    """Write to one side until they are told of another."""

    def __init__(self, side: Side) -> None:
        self.side = side
        super().__init__(self._connect)

    def _connect(self):
        """The side of the moment: it changes while they write."""
        return self.side.connect()

    def check(self, side: Side) -> None:
        with side.connect() as connection:
            assert self.faults(connection) == []


def more(writers: Writers) -> None:
    """Wait for writes on the present side."""
    writers.wait_for_more()


@pytest.fixture
def ledger(follow: Sides) -> Sides:
    follow.source.run(LEDGER)
    return follow
