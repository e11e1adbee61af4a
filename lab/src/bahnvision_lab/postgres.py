"""A real PostgreSQL server on a loopback port, in a folder of its own.

The configuration lies beside the data directory, not in it: pg_basebackup and pg_rewind copy what is
inside. No Unix socket: a checkout's path may be longer than the 107 bytes a socket path may have.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bahnvision_lab import processes
from bahnvision_lab.errors import LabError

OLDEST_MAJOR = 15  # BahnVision's schema has UNIQUE NULLS NOT DISTINCT
# A server started by root must not look for ~/.postgresql of root.
SERVER_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "TZ": "UTC"}


def installed_majors() -> dict[int, Path]:
    """Return {major version: folder of its programs}, from Debian's layout or the PATH."""
    found = {}
    for initdb in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        if initdb.parent.parent.name.isdigit():
            found[int(initdb.parent.parent.name)] = initdb.parent
    on_path = shutil.which("initdb")
    if on_path and not found:
        folder = Path(on_path).resolve().parent
        found[int(re.findall(r"\d+", _version_text(folder))[0])] = folder
    return {major: folder for major, folder in found.items() if major >= OLDEST_MAJOR}


def require_majors() -> dict[int, Path]:
    """Return the installed majors, or say how to get one."""
    found = installed_majors()
    if not found:
        raise LabError(f"no PostgreSQL {OLDEST_MAJOR} or newer is installed: apt-get install postgresql")
    return found


def server_version(bindir: Path) -> str:
    """Return the version of the programs in a folder, such as '15.18'."""
    return re.findall(r"\d+\.\d+|\d+\w+", _version_text(bindir))[0]


def _version_text(bindir: Path) -> str:
    return subprocess.run([str(bindir / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout


PORTS = range(20000, 32000)
BLOCK = 50
_giving = threading.Lock()
_blocks: list[socket.socket] = []  # what keeps other processes off our blocks, for as long as this one lives
_ports: list[int] = []  # of our blocks, not given out yet


def free_port() -> int:
    """Return a port nobody listens on, below the ephemeral range.

    A client's ephemeral port (32768 and up) would sooner or later sit on the port of a server that is
    down for a moment, and the server could not come back. No port is given out twice, neither by one process nor
    by two labs side by side: between the choice of a port and the server's start lies a second or more.
    """
    with _giving:
        while True:
            if not _ports:
                _take_block()
            port = _ports.pop()
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port


def _take_block() -> None:
    """Make a block of ports this process's own: the kernel forgets an abstract name with the process that holds it."""
    starts = list(PORTS[::BLOCK])
    secrets.SystemRandom().shuffle(starts)
    for start in starts:
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0bahnvision-lab/ports/{start}")
        except OSError:
            held.close()
            continue
        _blocks.append(held)
        _ports.extend(range(start, start + BLOCK))
        return
    raise LabError(f"other processes hold all ports between {PORTS.start} and {PORTS.stop} on 127.0.0.1")


@dataclass
class Server:
    """One PostgreSQL server. `folder` holds data/, postgresql.conf, pg_hba.conf and server.log.

    `admin` is the bootstrap superuser; over TCP it must know `admin_password`.
    """

    folder: Path
    bindir: Path
    port: int
    admin: str
    admin_password: str
    settings: dict[str, str] = field(default_factory=dict)
    hba: tuple[str, ...] = ("host all all 127.0.0.1/32 scram-sha-256",)
    process: processes.ProcessId | None = None

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def exists(self) -> bool:
        return (self.folder / "initialised").exists()

    def create(self) -> None:
        """initdb into the folder. A folder that a killed run left half made is emptied first."""
        if self.data.exists():
            shutil.rmtree(self.data)
        self.folder.mkdir(parents=True, exist_ok=True)
        # initdb reads the password from a pipe, so that it is neither in argv nor on disk.
        reader, writer = os.pipe()
        os.write(writer, self.admin_password.encode() + b"\n")
        os.close(writer)
        processes.give_to_servers(self.folder, reader)
        argv = [
            str(self.bindir / "initdb"), "-D", str(self.data), "-U", self.admin, "-A", "scram-sha-256",
            f"--pwfile=/proc/self/fd/{reader}", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(
            processes.unprivileged(argv, self.folder), cwd="/", env=SERVER_ENV, capture_output=True, text=True,
            pass_fds=[reader], timeout=120, check=False,
        )  # fmt: skip
        os.close(reader)
        if done.returncode:
            raise LabError(f"initdb of {self.folder} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
        (self.folder / "initialised").touch()

    def configure(self) -> None:
        base = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "hba_file": str(self.folder / "pg_hba.conf"),
            "password_encryption": "scram-sha-256",
            "shared_buffers": "64MB",
            "max_connections": "100",
            "wal_level": "replica",
            "logging_collector": "off",
            "log_line_prefix": "%m [%p] %u@%d ",
        }
        text = "".join(f"{name} = '{_quoted(value)}'\n" for name, value in {**base, **self.settings}.items())
        for name, content in (("postgresql.conf", text), ("pg_hba.conf", "\n".join(self.hba) + "\n")):
            # Replaced whole: the server may be reading it.
            path = self.folder / f".{name}.new"
            path.write_text(content)
            path.chmod(0o600)
            processes.give_to_servers(path)
            path.replace(self.folder / name)

    def start(
        self, patience: float = 60, record: Callable[[processes.ProcessId], None] | None = None
    ) -> processes.ProcessId:
        """Start the postmaster and wait until it answers; return what to record.

        `record` is called as soon as the process exists, so that a lab killed meanwhile leaves no unknown server.
        """
        self.configure()
        child = self._spawn()
        self.process = processes.identify(child.pid)
        if record:
            record(self.process)
        deadline = time.monotonic() + patience
        while True:
            try:
                self.connect(connect_timeout=10).close()
                return self.process
            except psycopg.OperationalError as problem:
                if child.poll() is not None:
                    raise LabError(
                        f"postgres ended with {child.returncode}; see {self.log}: {self.last_log()}"
                    ) from problem
                if time.monotonic() > deadline:
                    self.stop(signal.SIGQUIT)
                    raise LabError(
                        f"postgres on port {self.port} does not answer after {patience:g} s: {problem}"
                    ) from problem
            time.sleep(0.03)

    def _spawn(self) -> subprocess.Popen[bytes]:
        argv = [str(self.bindir / "postgres"), "-D", str(self.data), "-c", f"config_file={self.folder}/postgresql.conf"]
        with self.log.open("ab") as log:
            processes.give_to_servers(self.log)
            return subprocess.Popen(
                processes.unprivileged(argv, self.folder), cwd="/", env=SERVER_ENV, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def reload(self) -> None:
        """Let the running server read its files again."""
        self.configure()
        if self.process is not None and self.process.alive:
            os.kill(self.process.pid, signal.SIGHUP)

    def stop(self, ask: signal.Signals = signal.SIGINT, patience: float = 30) -> None:
        """End the server. SIGINT sends its clients away and closes cleanly, SIGQUIT ends it at once."""
        if self.process is not None:
            processes.end(self.process, ask, patience)

    def connect(self, dbname: str = "postgres", **options: Any) -> psycopg.Connection:
        """Connect as the bootstrap superuser, in autocommit mode."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=self.admin, password=self.admin_password, dbname=dbname,
            autocommit=True, **options,
        )  # fmt: skip

    def last_log(self) -> str:
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-3:])


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
