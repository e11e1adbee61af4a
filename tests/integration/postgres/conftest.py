"""Two real servers for the whole session: a source as in docker compose, a target as RDS gives it."""

from __future__ import annotations

import secrets
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bahnvision_lab.postgres import Server, free_port, installed_majors
from faults import NETWORK, Case
from pg_follow import follow, followers, ledger  # noqa: F401 pylint: disable=unused-import # fixtures
from pg_majors import between, fleet  # noqa: F401 pylint: disable=unused-import # fixtures
from pg_sides import BULK, MASTER, SMALL, SOURCE_USER, Side, Sides, awkward_sql, make_roles


@pytest.fixture(scope="session")
def pair() -> Iterator[dict[str, Server]]:
    """Start both servers; the folder is open to the server account, unlike pytest's own."""
    majors = installed_majors()
    if not majors:
        pytest.fail("no PostgreSQL server programs: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="pg-sides.") as name:
        Path(name).chmod(0o755)
        servers: dict[str, Server] = {}
        try:
            for side in ("source", "target"):
                server = Server(Path(name) / side, majors[max(majors)], free_port(), "boss", secrets.token_hex(8))
                server.settings |= {"fsync": "off", "max_wal_size": "2GB", "autovacuum": "off"}
                server.create()
                servers[side] = server
                server.start()
                make_roles(server, side, max(majors))
            yield servers
        finally:
            # A test may have started one anew: what counts is the process of now.
            for server in servers.values():
                server.stop(signal.SIGTERM)


@pytest.fixture
def sides(pair: dict[str, Server], tmp_path: Path) -> Iterator[Sides]:
    """A fresh database of one name on each side: empty on the target, owned by the master user."""
    database = f"app {secrets.token_hex(4)}=x"
    for side, owner in (("source", SOURCE_USER), ("target", MASTER)):
        with pair[side].connect() as admin:
            admin.execute(f'create database "{database}" owner {owner}')
    workdir = tmp_path / "work"
    workdir.mkdir()
    made = Sides(
        Side(pair["source"], database, SOURCE_USER, f"{SOURCE_USER}-canary-5f2a9"),
        Side(pair["target"], database, MASTER, f"{MASTER}-canary-7c31e"),
        workdir,
    )
    yield made
    for side in ("source", "target"):
        with pair[side].connect() as admin:
            admin.execute(f'drop database if exists "{database}" with (force)')
    assert list(workdir.iterdir()) == [], "a run has left files behind"


@pytest.fixture(scope="session")
def bulk_template(pair: dict[str, Server]) -> str:
    """A database with enough rows and indexes that each phase of a move lasts long enough to be hit."""
    with pair["source"].connect() as admin:
        admin.execute("create database bulk_template")
    with pair["source"].connect("bulk_template") as admin:
        admin.execute(BULK)
    return "bulk_template"


@pytest.fixture
def bulk(sides: Sides, bulk_template: str) -> Sides:
    with sides.source.server.connect() as admin:
        admin.execute(f'drop database "{sides.source.database}"')
        admin.execute(f'create database "{sides.source.database}" template {bulk_template} owner {SOURCE_USER}')
    return sides


@pytest.fixture
def small(sides: Sides) -> Sides:
    sides.source.run(SMALL)
    return sides


@pytest.fixture
def awkward(sides: Sides) -> Sides:
    with sides.source.connect() as source:
        source.execute(awkward_sql())
    return sides


@pytest.fixture
def case(sides: Sides) -> Case:
    """A few megabytes: enough that a moment within a table can be hit by its bytes."""
    sides.source.run(NETWORK)
    return Case(sides)


@pytest.fixture
def bulk_case(bulk: Sides) -> Case:
    """Enough that each phase lasts long enough to be hit by a signal."""
    return Case(bulk)
