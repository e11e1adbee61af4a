"""One real cache node: a Valkey or Redis server on a loopback port, in a folder of its own.

Nothing of it is persistent but what a snapshot writes: so is a node of ElastiCache without durability.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bahnvision_lab import processes
from bahnvision_lab.errors import LabError
from bahnvision_lab.postgres import SERVER_ENV

ADMIN = "bahnvision-lab-admin"  # the lab's own way in
REPLICATION = "bahnvision-lab-replica"
OLDEST = (7, 0)  # cluster-port, and subcommands in access strings
PROGRAMS = ("valkey-server", "redis-server")
# Read by the server when it starts; everything else is set in the running server, as far as it knows it.
AT_START = ("acl-pubsub-default", "activerehashing", "databases")
DEFRAGMENTATION = "activedefrag"
Acl = dict[str, list[str]]  # user -> rules


@cache
def program() -> str:
    """Return the installed server, or say how to get one."""
    for name in PROGRAMS:
        path = shutil.which(name)
        if path is None:
            continue
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
        version = re.search(r"v=(\d+)\.(\d+)", told)
        if version and tuple(int(part) for part in version.groups()) >= OLDEST:
            return path
    wanted = ".".join(str(part) for part in OLDEST)
    raise LabError(f"no Valkey or Redis server {wanted} or newer is installed: apt-get install redis-server")


@dataclass
class CacheServer:
    """A node. `folder` holds server.conf, server.log, the certificate, and dump.rdb when there is one."""

    name: str
    folder: Path
    port: int
    secret: str = field(repr=False)
    bundle: Path
    tls: bool
    cluster_port: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    acl: Acl = field(default_factory=dict, repr=False)
    process: processes.ProcessId | None = None
    _client: redis.Redis | None = field(default=None, repr=False)
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def dump(self) -> Path:
        return self.folder / "dump.rdb"

    def client(self) -> redis.Redis:
        """Return the lab's own client, which keeps its connection; it tries once, so that an outage is seen."""
        if self._client is None:
            tls: dict[str, Any] = {"ssl": True, "ssl_ca_certs": str(self.bundle)} if self.tls else {}
            self._client = redis.Redis(
                host="127.0.0.1", port=self.port, username=ADMIN, password=self.secret, socket_timeout=60,
                socket_connect_timeout=30, retry=Retry(NoBackoff(), 0), decode_responses=True, **tls,
            )  # fmt: skip
            # Answers are wanted as the server gives them, not as the client would arrange them.
            self._client.response_callbacks.clear()
        return self._client

    def run(self, *command: Any) -> Any:
        """Run one command as the lab's administrator."""
        return self.client().execute_command(*command)

    def pipeline(self, commands: list[tuple[Any, ...]], patient: bool = False) -> list[Any]:
        """Run many commands on one way; `patient` returns an error among the answers instead of raising it."""
        pipe = self.client().pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        return pipe.execute(raise_on_error=not patient)

    def info(self, section: str) -> dict[str, str]:
        lines = self.run("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def configure(self) -> None:
        lines = {
            "bind": "127.0.0.1", "port": "0" if self.tls else str(self.port), "dir": str(self.folder),
            "dbfilename": self.dump.name, "save": "", "appendonly": "no", "daemonize": "no", "protected-mode": "no",
            "logfile": "", "masteruser": REPLICATION, "masterauth": self.secret, "repl-diskless-sync-delay": "0",
            "repl-ping-replica-period": "1", "repl-timeout": "10", "stop-writes-on-bgsave-error": "no",
        }  # fmt: skip
        if self.tls:
            lines |= {
                "tls-port": str(self.port), "tls-cert-file": str(self.folder / "server.crt"),
                "tls-key-file": str(self.folder / "server.key"), "tls-ca-cert-file": str(self.bundle),
                "tls-auth-clients": "no", "tls-replication": "yes", "tls-cluster": "yes",
            }  # fmt: skip
        if self.cluster_port is not None:
            lines |= {
                "cluster-enabled": "yes", "cluster-port": str(self.cluster_port), "cluster-config-file": "nodes.conf",
                "cluster-announce-ip": "127.0.0.1", "cluster-node-timeout": "15000", "cluster-migration-barrier": "99",
                # A primary without slots stays one: it would else turn into a replica while its slots are moved.
                "cluster-allow-replica-migration": "no",
            }  # fmt: skip
        lines |= {name: self.settings[name] for name in AT_START if name in self.settings}
        text = "".join(f'{name} "{_quoted(value)}"\n' for name, value in lines.items())
        users = {**self.acl, ADMIN: ["on", f">{self.secret}", "~*", "&*", "+@all"],
                 REPLICATION: ["on", f">{self.secret}", "+psync", "+replconf", "+ping"]}  # fmt: skip
        text += "".join(f"user {user} {' '.join(rules)}\n" for user, rules in users.items())
        path = self.folder / "server.conf"
        path.touch(0o600)
        path.write_text(text)
        processes.give_to_servers(path)

    def launch(self, record: Callable[[processes.ProcessId], None]) -> None:
        """Start the process. `record` is called as soon as it exists."""
        self.configure()
        self._disconnect()
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                processes.unprivileged([program(), str(self.folder / "server.conf")], self.folder), cwd="/",
                env=SERVER_ENV, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self.process = processes.identify(self._child.pid)
        record(self.process)

    def wait(self, patience: float = 120) -> None:
        """Wait until the launched server answers, and bring its settings up to date."""
        deadline = time.monotonic() + patience
        while True:
            try:
                self.run("PING")
                break
            except (redis.ConnectionError, redis.TimeoutError) as problem:
                if isinstance(problem, redis.BusyLoadingError):
                    pass  # it reads a snapshot
                elif self._child is not None and self._child.poll() is not None:
                    last = " | ".join(self.log.read_text(errors="replace").splitlines()[-3:])
                    raise LabError(f"the cache server {self.name} ended: {last}") from problem
                if time.monotonic() > deadline:
                    raise LabError(f"{self.name} does not answer after {patience:g} s: {problem}") from problem
            time.sleep(0.02)
        self.apply_settings()

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def apply_settings(self) -> None:
        """Set what the parameter group says and this server knows."""
        known = self.run("CONFIG", "GET", "*")
        names = set(known) if isinstance(known, dict) else set(known[::2])
        live = {name: value for name, value in self.settings.items() if name in names - set(AT_START)}
        defragments = live.pop(DEFRAGMENTATION, None)
        if live:
            self.run("CONFIG", "SET", *(entry for pair in live.items() for entry in pair))
        if defragments is not None:
            self._defragment(defragments)

    def _defragment(self, value: str) -> None:
        """Many builds have no memory allocator that can do it; AWS's has, so that is no reason to fail."""
        try:
            self.run("CONFIG", "SET", DEFRAGMENTATION, value)
        except redis.ResponseError as problem:
            text = f"{self.name}: {DEFRAGMENTATION} {value} is kept, but this server cannot do it: {problem}"
            print(text, file=sys.stderr, flush=True)

    def apply_acl(self, acl: Acl) -> None:
        """Let exactly these users in, from now on; who is no longer one of them loses the connection."""
        gone = set(self.acl) - set(acl) - {"default"}
        commands: list[tuple[Any, ...]] = [("ACL", "SETUSER", name, "reset", *rules) for name, rules in acl.items()]
        if gone:
            commands.append(("ACL", "DELUSER", *sorted(gone)))
        self.pipeline(commands)
        self.acl = acl

    def stop(self) -> None:
        """A cache node has nothing to write before it ends."""
        self._disconnect()
        if self.process is not None:
            processes.end(self.process, signal.SIGKILL)

    def kill(self) -> None:
        """End it as a failure would: at once, with no word to its clients."""
        if self.process is not None and self.process.alive:
            os.kill(self.process.pid, signal.SIGKILL)
            deadline = time.monotonic() + 30
            while self.process.alive and time.monotonic() < deadline:
                time.sleep(0.001)

    def forget(self) -> None:
        """Remove what an earlier life of this node left: its data, and what it knew of its cluster."""
        for name in (self.dump.name, "nodes.conf"):
            (self.folder / name).unlink(missing_ok=True)

    def remove(self) -> None:
        self.stop()
        rmtree(self.folder, ignore_errors=True)

    def hold_writes(self, seconds: float) -> int:
        """Take no writes for a while; return how far the replicas have to come to have all there are."""
        self.run("CLIENT", "PAUSE", int(seconds * 1000), "WRITE")
        return int(self.info("replication")["master_repl_offset"])

    def wait_for_offset(self, offset: int, patience: float) -> None:
        wait_until(lambda: int(self.info("replication")["slave_repl_offset"]) >= offset, patience,
                   f"the replica {self.name} does not receive the last writes")  # fmt: skip

    def wait_for_link(self, patience: float = 120) -> None:
        """Wait until this replica has all of its primary's data and follows it."""
        wait_until(lambda: self.info("replication").get("master_link_status") == "up", patience,
                   f"the replica {self.name} is not in step with its primary")  # fmt: skip


def wait_until(true: Callable[[], bool], patience: float, otherwise: str) -> None:
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise LabError(f"{otherwise} after {patience:g} s")
        time.sleep(0.02)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
