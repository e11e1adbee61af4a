"""Helpers of the PostgreSQL tests: the two sides, runs of the modules, fingerprints of databases."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.migrate import migrate
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.verify import verify
from bahnvision_lab.postgres import Server

SOURCE_USER, MASTER = "compose", "master"
CHECKOUT = Path(__file__).parents[3]
SMALL = """
create type farbe as enum ('rot', 'blau');
create table konto (id int generated always as identity primary key, name text not null unique, stand int, farbe farbe);
insert into konto (name, stand, farbe) select 'K' || n, 100, 'rot' from generate_series(1, 50) n;
create table fahrt (id serial primary key, konto int references konto, km numeric check (km > 0));
insert into fahrt (konto, km) select n, n from generate_series(1, 50) n;
create index fahrt_km on fahrt (km);
create function quadrat(n int) returns int language sql as 'select n * n';
create view reich as select * from konto where stand > 1000;
select lo_from_bytea(77001, 'vorher');
"""
BULK = """
create table gross (id int primary key, a text, b text, c float8);
insert into gross select n, md5(n::text), md5((n * 7)::text) || md5(n::text), random()
from generate_series(1, 250000) n;
create index on gross (a); create index on gross (b, a); create index on gross (c);
create table klein (id serial primary key, gross int references gross);
insert into klein (gross) select generate_series(1, 1000);
select lo_from_bytea(0, 'x') from generate_series(1, 20);
"""
SUBSCRIBERS_ROLE_SINCE = 16
# What stands in awkward.sql for what a server without ICU and contrib has.
PLAIN = (
    ("create extension pg_trgm;", ""),
    ("create extension citext schema ext;", "create domain ext.citext as text;"),
    ("using gin (t public.gin_trgm_ops)", "using gin (to_tsvector('english', t))"),
    ("provider = icu, locale = 'de-DE'", "provider = libc, locale = 'C'"),
)
# Runs pg_migrate as a process of its own, so that it can be killed: parameters from standard input.
RUNNER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.errors import PostgresError
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.migrate import migrate
try:
    print(json.dumps(migrate(json.load(sys.stdin), False)))
except PostgresError as error:
    sys.exit(str(error))
"""


@dataclass
class Side:
    server: Server
    database: str
    user: str
    password: str

    @property
    def params(self) -> dict:
        return {
            "host": "127.0.0.1", "port": self.server.port, "database": self.database, "user": self.user,
            "password": self.password, "sslmode": "disable", "sslrootcert": None, "connect_timeout": 5,
        }  # fmt: skip

    def connect(self, admin: bool = False) -> psycopg.Connection:
        if admin:
            return self.server.connect(self.database)
        return psycopg.connect(
            host="127.0.0.1", port=self.server.port, dbname=self.database, user=self.user, password=self.password,
            autocommit=True,
        )  # fmt: skip

    def query(self, sql: str, admin: bool = False) -> list[tuple]:
        with self.connect(admin) as connection:
            return connection.execute(sql).fetchall()

    def run(self, sql: str) -> None:
        with self.connect() as connection:
            connection.execute(sql)


@dataclass
class Sides:
    source: Side
    target: Side
    workdir: Path
    client_bindir: str | None = None

    def params(self, **changes: object) -> dict:
        params = {
            "source": self.source.params, "target": self.target.params, "jobs": "2", "timeout": 120,
            "client_bindir": self.client_bindir, "workdir": str(self.workdir), "on_nonempty": "resume",
            "verify": "counts", "analyze": "analyze",
            "lock_timeout": 10, "maintenance_work_mem": None, "engine": "copy", "format": "auto",
            "freeze": True, "split_over": "10GB", "stall_timeout": 600,
            "static_tables": None, "source_from_target": None, "slot_timeout": 60,
        }  # fmt: skip
        for name, value in changes.items():
            if isinstance(value, dict):
                params[name] = {**(params.get(name) or {}), **value}
            else:
                params[name] = value
        return params

    def migrate(self, check_mode: bool = False, **changes: object) -> dict:
        return migrate(copy.deepcopy(self.params(**changes)), check_mode)

    def verify(self, mode: str = "hash", **changes: object) -> dict:
        return verify({**self.params(**changes), "mode": mode})

    def start(self, **changes: object) -> subprocess.Popen:
        """Start pg_migrate as a process of its own."""
        child = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(CHECKOUT / ".cache/collections")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        child.stdin.write(json.dumps(self.params(**changes)))
        child.stdin.close()
        child.stdin = None
        return child


def make_roles(server: Server, side: str, major: int) -> None:
    """Make the users of docker compose on a source, those of RDS on a target."""
    with server.connect() as admin:
        if side == "source":
            admin.execute(f"create role {SOURCE_USER} superuser login password '{SOURCE_USER}-canary-5f2a9'")
            admin.execute('create role "Prüf Rolle" nologin')  # owns something, and is not on the target
            return
        admin.execute("create role rds_superuser")
        admin.execute("grant pg_read_all_stats, pg_signal_backend to rds_superuser")
        if major >= SUBSCRIBERS_ROLE_SINCE:
            admin.execute("grant pg_create_subscription to rds_superuser")
        admin.execute(
            f"create role {MASTER} nosuperuser createdb createrole login "
            f"password '{MASTER}-canary-7c31e' in role rds_superuser"
        )


def refusal(call: Callable[[], dict]) -> PostgresError:
    """Return the error that the call must end with."""
    try:
        result = call()
    except PostgresError as error:
        return error
    raise AssertionError(f"expected a refusal, got {result}")


def state_of(side: Side) -> str:
    """Hash everything a database holds: definitions as pg_dump writes them, and the rows."""
    env = {"PATH": os.environ["PATH"], "PGPASSWORD": side.server.admin_password}
    done = subprocess.run(
        [
            str(side.server.bindir / "pg_dump"), "-h", "127.0.0.1", "-p", str(side.server.port),
            "-U", side.server.admin, "-d", f"dbname='{side.database}'", "--no-comments",
        ],
        env=env, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    # Newer releases write a random key around the script.
    lines = [line for line in done.stdout.splitlines() if not line.startswith((b"\\restrict", b"\\unrestrict"))]
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def family(pid: int) -> set[int]:
    """Return the process and all its descendants that live."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = int(fields[1])
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found & parents.keys()


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.005)
    return seen


def kill(child: subprocess.Popen) -> set[int]:
    """Kill the module's process with SIGKILL; return what was under it at that moment."""
    child.send_signal(signal.SIGSTOP)  # while we look, which takes its time on a busy machine
    under = family(child.pid) - {child.pid}
    child.kill()
    child.wait()
    child.stdout.close()
    child.stderr.close()
    return under


# On the target, the rows of the big table stop at one of them for as long as somebody holds a lock.
GATE = """
create function tor(v int) returns bool language plpgsql as $$ begin
if v = 1000 and current_user = 'master' then perform pg_advisory_xact_lock_shared(4711); end if; return true; end $$;
alter table gross add check (tor(id));
"""
AT_THE_GATE = "select pid from pg_stat_activity where query ~* '^copy +public.gross' and wait_event = 'advisory'"


@contextmanager
def gate(sides: Sides) -> Iterator[Callable[[], None]]:
    """Let a run come to the middle of the big table and no further until the end; hand over what waits until then."""
    sides.source.run(GATE)
    with sides.target.connect(admin=True) as holder:
        holder.execute("select pg_advisory_lock(4711)")
        yield lambda: wait_until(lambda: sides.target.query(AT_THE_GATE, admin=True), "the run at the gate")


def signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if _runs(pid)}


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def awkward_sql(plain: bool = False) -> str:
    """Return one of every awkward kind of object; `plain` without ICU and contrib, which not every server has."""
    sql = (Path(__file__).parent / "awkward.sql").read_text()
    if plain:
        for own, other in PLAIN:
            assert own in sql, f"awkward.sql has no {own!r} any more"
            sql = sql.replace(own, other)
    return sql


def writes_of(side: Side) -> tuple:
    """Return what moves on when anybody writes: the next transaction number and the counters of rows."""
    # The counters are written when a session ends, which is some time after its client has left.
    others = "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    wait_until(lambda: not side.query(others, admin=True), "the end of every session")
    return side.query(
        "select pg_snapshot_xmax(pg_current_snapshot())::text, tup_inserted, tup_updated, tup_deleted"
        " from pg_stat_database where datname = current_database()",
        admin=True,
    )[0]
