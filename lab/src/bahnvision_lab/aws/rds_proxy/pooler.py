"""The PgBouncer behind one proxy: its files, its process, its console.

It pools by transaction, as RDS Proxy does. RDS Proxy pins a session that it cannot share (SET, prepared
statements by name, temporary tables); PgBouncer does not, such a session sees errors here. Stricter, not laxer.
"""

from __future__ import annotations

import os
import secrets
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import psycopg
from psycopg import conninfo, pq

from bahnvision_lab import processes
from bahnvision_lab.certificates import Authority
from bahnvision_lab.errors import LabError
from bahnvision_lab.postgres import SERVER_ENV

PORT = 5432  # of every proxy on AWS
ADMIN = "rdsproxyadmin"
CLOSED_PORT = 1  # nobody listens there: where a pool leads that may not reach its database

FIXED = {
    "unix_socket_dir": "",
    "auth_type": "scram-sha-256",
    "admin_users": ADMIN,
    "pool_mode": "transaction",
    "max_client_conn": 500,
    "ignore_startup_parameters": "extra_float_digits",
    "server_tls_sslmode": "verify-full",
    # RDS Proxy follows a failover at once; PgBouncer would try again only after 15 s.
    "server_login_retry": 0.1,
    "server_connect_timeout": 10,
    "server_fast_close": 1,
}


@dataclass(frozen=True)
class Setting:
    """What the pooler is to do: whom to let in, with which limits, to which server."""

    users: Mapping[str, str] = field(repr=False)
    server: tuple[str, int] | None
    pool_size: int
    idle_share: float
    borrow_timeout: float
    idle_client_timeout: int
    require_tls: bool
    verbose: bool
    init_query: str


class Pooler:
    """One PgBouncer. `folder` holds its files and its log."""

    def __init__(self, folder: Path, address: str, authority: Authority) -> None:
        self.folder = folder
        self.address = address
        self.authority = authority
        self.process: processes.ProcessId | None = None
        self.setting: Setting | None = None
        self._admin_password = secrets.token_urlsafe(24)
        self._pausing: psycopg.Connection | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self, setting: Setting) -> processes.ProcessId:
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            raise LabError("the lab's RDS Proxy needs PgBouncer: apt-get install pgbouncer")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority.issue(self.folder, addresses=(self.address,))
        self._write(setting)
        with (self.folder / "pooler.log").open("ab") as log:
            child = subprocess.Popen(
                processes.unprivileged([program, "-q", str(self.folder / "pooler.ini")], self.folder), cwd="/",
                env=SERVER_ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.process = processes.identify(child.pid)
        return self.process

    def wait_until_it_answers(self, patience: float = 60) -> None:
        deadline = time.monotonic() + patience
        while True:
            try:
                self.ask("SHOW VERSION")
                return
            except psycopg.OperationalError as problem:
                if not self.alive or time.monotonic() > deadline:
                    raise LabError(f"no pooler on {self.address}: {problem}; {self._last_log()}") from problem
            time.sleep(0.03)

    def stop(self) -> None:
        self._end_pausing()
        if self.process is not None:
            processes.end(self.process, signal.SIGTERM)

    def destroy(self) -> None:
        self.stop()
        rmtree(self.folder, ignore_errors=True)

    def apply(self, setting: Setting) -> bool:
        """Let the running pooler take over what changed; return whether anything did."""
        if setting == self.setting:
            return False
        self._write(setting)
        self.ask("RELOAD")
        return True

    def hold(self, patience: float = 0.3) -> None:
        """Let clients wait instead of failing while the database moves. What runs in the server now is lost with it.

        PAUSE is in force at once, and answers only when the last transaction has ended: it is not waited for.
        """
        self._end_pausing()
        self._pausing = self._console()
        self._pausing.pgconn.send_query(b"PAUSE")
        self._pausing.pgconn.flush()
        select.select([self._pausing.pgconn.socket], [], [], patience)

    def release(self) -> None:
        try:
            self.ask("RESUME")
        finally:
            self._end_pausing()

    def ask(self, command: str) -> list[list[str]]:
        """Give the console one command. It speaks the simple protocol only, and knows no parameters."""
        with self._console() as console:
            answer = console.pgconn.exec_(command.encode())
            if answer.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise LabError(f"the pooler on {self.address} refuses {command}: {answer.error_message.decode()}")
            rows, columns = range(answer.ntuples), range(answer.nfields)
            return [[(answer.get_value(row, column) or b"").decode() for column in columns] for row in rows]

    def dsn(self, user: str, password: str, database: str) -> str:
        return conninfo.make_conninfo(
            host=self.address, port=PORT, user=user, password=password, dbname=database, connect_timeout=20,
            sslmode="verify-full", sslrootcert=str(self.authority.bundle),
        )  # fmt: skip

    def _console(self) -> psycopg.Connection:
        return psycopg.connect(self.dsn(ADMIN, self._admin_password, "pgbouncer"), autocommit=True)

    def _end_pausing(self) -> None:
        if self._pausing is not None:
            self._pausing.close()
            self._pausing = None

    def _write(self, setting: Setting) -> None:
        users = {**setting.users, ADMIN: self._admin_password}
        lines = [f"{_user_quoted(name)} {_user_quoted(password)}" for name, password in users.items()]
        self._put("users.txt", "\n".join(lines) + "\n")
        self._put("pooler.ini", self._configuration(setting))
        self.setting = setting

    def _put(self, name: str, text: str) -> None:
        """Replaced whole: the pooler may read it at any moment."""
        temporary = self.folder / f".{name}"
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
            target.write(text)
        processes.give_to_servers(temporary)
        temporary.replace(self.folder / name)

    def _configuration(self, setting: Setting) -> str:
        host, port = setting.server or (self.address, CLOSED_PORT)
        first = f" connect_query={_value_quoted(setting.init_query)}" if setting.init_query else ""
        options = {
            **FIXED,
            "listen_addr": self.address,
            "listen_port": PORT,
            "auth_file": self.folder / "users.txt",
            "default_pool_size": setting.pool_size,
            "max_db_connections": setting.pool_size,
            "query_wait_timeout": setting.borrow_timeout,
            "client_idle_timeout": setting.idle_client_timeout,
            # PgBouncer knows no upper limit of idle connections: the lower their share, the sooner they are closed.
            "server_idle_timeout": max(1, round(600 * setting.idle_share)),
            "client_tls_sslmode": "require" if setting.require_tls else "allow",
            "client_tls_cert_file": self.folder / "server.crt",
            "client_tls_key_file": self.folder / "server.key",
            "server_tls_ca_file": self.authority.bundle,
            "log_connections": int(setting.verbose),
            "log_disconnections": int(setting.verbose),
        }
        text = "".join(f"{name} = {value}\n" for name, value in options.items())
        return f"[databases]\n* = host={host} port={port}{first}\n[pgbouncer]\n{text}"

    def _last_log(self) -> str:
        return " | ".join((self.folder / "pooler.log").read_text(errors="replace").splitlines()[-3:])


def _user_quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _value_quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"
