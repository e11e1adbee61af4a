"""Who may come in, and through what: TLS, passwords, roles that have ended, poolers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from bahnvision_lab import processes
from bahnvision_lab.certificates import Authority
from bahnvision_lab.postgres import Server, free_port
from faults import Case
from pg_sides import MASTER, SOURCE_USER, Side, wait_until
from tcp_proxy import proxied

ROLES = {"source": SOURCE_USER, "target": MASTER}


@contextmanager
def tls(server: Server, authority: Authority) -> Iterator[None]:
    folder = server.folder.parent / "tls"
    folder.mkdir(exist_ok=True)
    authority.issue(folder)
    server.settings |= {"ssl": "on", "ssl_cert_file": str(folder / "server.crt"),
                        "ssl_key_file": str(folder / "server.key")}  # fmt: skip
    try:
        reloaded(server, "on")
        yield
    finally:
        for name in ("ssl", "ssl_cert_file", "ssl_key_file"):
            del server.settings[name]
        reloaded(server, "off")


def reloaded(server: Server, ssl: str) -> None:
    server.reload()

    def seen() -> bool:
        with server.connect() as admin:
            return admin.execute("show ssl").fetchone() == (ssl,)

    wait_until(seen, "the reload")


@pytest.mark.parametrize("side", ["target", pytest.param("source", marks=pytest.mark.full)])
def test_tls_that_is_not_the_wanted_one(case: Case, tmp_path: Path, side: str) -> None:
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    server = getattr(case.sides, side).server
    full = {"sslmode": "verify-full", "sslrootcert": str(ours.bundle)}

    case.fails(f"{side} (database", "the server has no TLS", **{side: full})
    with tls(server, ours):
        other.issue(tmp_path / "other")
        # The second is of the same name, with another key: an authority that was made anew.
        for wrong in (tmp_path / "other" / "server.crt", other.bundle):
            words = ("sslrootcert: it must hold the authority", "not an older authority of that name")
            case.fails(f"cannot connect to the {side}", *words, **{side: {**full, "sslrootcert": str(wrong)}})
        case.fails("set sslrootcert to the file", **{side: {**full, "sslrootcert": str(tmp_path / "none.pem")}})
        with proxied(server.port, "127.0.0.2") as proxy:
            case.fails("does not match host name", "use the host name that the certificate was issued for",
                       **{side: {**full, "host": "127.0.0.2", "port": proxy.port}})  # fmt: skip
        case.untouched()
        case.completes(**{side: full})


@pytest.mark.parametrize("side", ["target", pytest.param("source", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("change", "back", "words"),
    [
        ("valid until '2020-01-01'", "valid until 'infinity'", "check the user and the password"),
        pytest.param("nologin", "login", "is not permitted to log in", marks=pytest.mark.full),
    ],
    ids=["expired", "no login"],
)
def test_a_role_that_may_not_come_in(case: Case, side: str, change: str, back: str, words: str) -> None:
    with getattr(case.sides, side).server.connect() as admin:
        admin.execute(f"alter role {ROLES[side]} {change}")
        try:
            case.fails(f"cannot connect to the {side}", words)
        finally:
            admin.execute(f"alter role {ROLES[side]} {back}")
    case.untouched()
    case.completes()


@pytest.mark.parametrize("side", ["target", pytest.param("source", marks=pytest.mark.full)])
def test_a_role_that_ends_in_the_middle(case: Case, side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password of a few minutes, as IAM gives: later connections are refused, the first ones live on."""
    from ansible_collections.bahnvision.aws.plugins.module_utils._postgres import copyrun

    honest, server = copyrun.opened_lanes, getattr(case.sides, side).server

    def too_late(*given):
        with server.connect() as admin:
            admin.execute(f"alter role {ROLES[side]} valid until '2020-01-01'")
        return honest(*given)

    monkeypatch.setattr(copyrun, "opened_lanes", too_late)
    try:
        case.fails(f"cannot connect to the {side}", "check the user and the password", "run again")
    finally:
        with server.connect() as admin:
            admin.execute(f"alter role {ROLES[side]} valid until 'infinity'")
    monkeypatch.undo()
    assert case.completes()["resumed"]


def test_a_target_where_nothing_may_be_made(case: Case) -> None:
    name = case.sides.target.database
    with case.sides.target.server.connect(name) as admin:
        admin.execute(f'alter database "{name}" owner to boss')
        case.fails("master may not create objects in the target", "make master the owner")
        case.untouched()
        admin.execute(f'alter database "{name}" owner to master')
    case.completes()


@contextmanager
def pooled(side: Side, tmp_path: Path, *lines: str) -> Iterator[int]:
    """Run pgbouncer in transaction mode in front of one side."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    port, folder = free_port(), side.server.folder.parent / f"pooler-{side.server.port}"
    folder.mkdir(exist_ok=True)
    config = folder / "pgbouncer.ini"
    config.touch(mode=0o600)
    config.write_text(
        f"[databases]\n* = host=127.0.0.1 port={side.server.port} user={side.user} password={side.password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n"
        "unix_socket_dir =\ndefault_pool_size = 20\n" + "".join(f"{line}\n" for line in lines)
    )
    processes.give_to_servers(folder, config)
    with (tmp_path / "pgbouncer.log").open("wb") as log:
        child = subprocess.Popen(processes.unprivileged([program, str(config)], folder), stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(port), "an answer of pgbouncer")
        yield port
    finally:
        child.kill()
        child.wait()
        config.unlink()


def answers(port: int) -> bool:
    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=x dbname=postgres connect_timeout=2").close()
    except psycopg.OperationalError as problem:
        return "refused" not in str(problem)
    return True


@pytest.mark.parametrize("side", ["target", pytest.param("source", marks=pytest.mark.full)])
def test_a_pooler_in_transaction_mode_is_in_front(case: Case, tmp_path: Path, side: str) -> None:
    """One that lets our settings pass silently is found out; one that does not says so itself."""
    with pooled(getattr(case.sides, side), tmp_path) as port:
        case.fails(f"{side} (database", "a pooler is in front", **{side: {"port": port}})
    with pooled(getattr(case.sides, side), tmp_path, "ignore_startup_parameters = options") as port:
        case.fails(side, "pooler", "connect to the server itself", **{side: {"port": port}})
    case.untouched()
    case.completes()
