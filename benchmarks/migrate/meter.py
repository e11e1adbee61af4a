"""What a run has cost: wall time, processor time of servers and clients, WAL, and the clients' peak memory."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bahnvision_lab.postgres import Server

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A method that has not moved the database."""


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def children() -> dict[int, int]:
    """Return {process: its parent} of all that live."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields:
            found[int(folder.name)] = int(fields[1])
    return found


def cluster_seconds(server: Server) -> float:
    """Processor time of a server: the postmaster, its living children, and those that it has reaped."""
    assert server.process is not None
    postmaster = server.process.pid
    while True:
        before = _stat(postmaster)
        living = [_stat(pid) for pid in _backends(postmaster)]
        # Who ends meanwhile is in neither figure for a moment, and one that is not reaped yet tells nothing.
        if _stat(postmaster)[13:15] == before[13:15] and all(fields and fields[0] != "Z" for fields in living):
            ticks = sum(int(value) for value in before[11:15])
            return (ticks + sum(int(value) for fields in living for value in fields[11:13])) / TICKS
        time.sleep(0.01)


def _backends(postmaster: int) -> list[int]:
    return [pid for pid, parent in children().items() if parent == postmaster]


def wait_for_quiet(server: Server, seconds: float = 60) -> None:
    """Wait until no client's process is left, so that all of them are counted.

    The process of one that pg_stat_activity does not show any more may still be giving back its memory.
    """
    assert server.process is not None
    deadline = time.monotonic() + seconds
    while any(b"127.0.0.1(" in _title(pid) for pid in _backends(server.process.pid)):
        if time.monotonic() > deadline:
            raise SystemExit(f"clients of the server on port {server.port} do not end")
        time.sleep(0.05)


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Memory(threading.Thread):
    """Samples the memory of all our descendants but the servers, proportionally shared pages counted once."""

    def __init__(self, without: set[int]) -> None:
        super().__init__(daemon=True)
        self.peak, self._without, self._stop_now = 0, without, threading.Event()

    def run(self) -> None:
        while not self._stop_now.wait(0.1):
            parents = children()
            family, grown = {os.getpid()}, True
            while grown:
                more = {p for p, parent in parents.items() if parent in family and p not in self._without} - family
                family |= more
                grown = bool(more)
            self.peak = max(self.peak, sum(_pss(pid) for pid in family - {os.getpid()}))

    def end(self) -> int:
        self._stop_now.set()
        self.join()
        return self.peak


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


@dataclass(frozen=True)
class Cost:
    wall: float
    source: float
    target: float
    client: float
    wal: int
    memory: int

    @property
    def cpu(self) -> float:
        return self.source + self.target + self.client


def measured(source: Server, target: Server, work: Callable[[], None]) -> Cost:
    """Run the work and return what it cost."""
    without = {server.process.pid for server in (source, target) if server.process}
    servers = [cluster_seconds(source), cluster_seconds(target)]
    wal, client = _wal(target), _client_seconds()
    memory = Memory(without)
    memory.start()
    began = time.monotonic()
    work()
    wall = time.monotonic() - began
    peak = memory.end()
    used = _client_seconds() - client
    for server in (source, target):
        wait_for_quiet(server)
    return Cost(
        wall, cluster_seconds(source) - servers[0], cluster_seconds(target) - servers[1], used, _wal(target) - wal, peak
    )


def _client_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wal(server: Server) -> int:
    with server.connect() as admin:
        row = admin.execute("select pg_current_wal_insert_lsn() - '0/0'").fetchone()
        assert row is not None
        return int(row[0])


def run(*commands: list[str], env: dict[str, str], cwd: Path) -> None:
    """Run commands joined by pipes; all must end well. None of them outlives an interrupt."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        _run(processes, commands, env, cwd)
    finally:
        for process in processes:
            if process.poll() is None:
                # Its own group, since it was started as the leader of a session.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _run(
    processes: list[subprocess.Popen[bytes]], commands: tuple[list[str], ...], env: dict[str, str], cwd: Path
) -> None:
    for number, argv in enumerate(commands):
        last = number == len(commands) - 1
        processes.append(
            subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                stdin=processes[-1].stdout if processes else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if last else subprocess.PIPE,
                stderr=(cwd / f"{number}.log").open("wb"),
                # pgcopydb ends its whole process group when it fails.
                start_new_session=True,
            )
        )
        if number:
            previous = processes[-2].stdout
            assert previous is not None
            previous.close()
    for number, (process, argv) in enumerate(zip(processes, commands, strict=True)):
        if process.wait():
            text = (cwd / f"{number}.log").read_text(errors="replace")
            errors = [line for line in text.splitlines() if "ERROR" in line]
            raise Failed(f"{Path(argv[0]).name} ended with {process.returncode}: {(errors or [text])[0]}")
