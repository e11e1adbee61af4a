"""Start servers, remember them by process id and start time, and end exactly those.

A process id alone may have been given to somebody else since; together with the start time of the
process (field 22 of /proc/<pid>/stat, in clock ticks since boot) it names one process for ever.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bahnvision_lab.errors import LabError

SERVER_ACCOUNT = "postgres"  # the account Debian's postgresql-common creates


@dataclass(frozen=True)
class ProcessId:
    """One process of ours: its id, and the clock tick it started at."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        return start_tick(self.pid) == self.started


def start_tick(pid: int) -> int | None:
    """Return the tick the process started at, or None when there is no such (living) process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def identify(pid: int) -> ProcessId:
    started = start_tick(pid)
    if started is None:
        raise LabError(f"process {pid} ended before it could be recorded")
    return ProcessId(pid, started)


class Registry:
    """The processes of one lab, in a file, so that another invocation can end them.

    The record of a process is written right after its start: the window in which a killed lab leaves
    an unrecorded server is the time between fork and write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, ProcessId]:
        try:
            return {name: ProcessId(**entry) for name, entry in json.loads(self.path.read_text()).items()}
        except FileNotFoundError:
            return {}

    def add(self, name: str, process: ProcessId) -> None:
        self._change(lambda entries: {**entries, name: process})

    def discard(self, name: str) -> None:
        self._change(lambda entries: {key: value for key, value in entries.items() if key != name})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody record or forget a process meanwhile."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _change(self, change: Callable[[dict[str, ProcessId]], dict[str, ProcessId]]) -> None:
        # The lab's threads start servers side by side: without the lock one record would overwrite the other.
        with self.locked():
            entries = change(self.all())
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps({name: asdict(entry) for name, entry in entries.items()}, indent=1))
            temporary.replace(self.path)


def end_all(processes: Iterable[ProcessId], ask: signal.Signals, patience: float = 10) -> None:
    """Ask all of them first, then see each one through: they stop side by side."""
    waiting = [process for process in processes if process.alive]
    for process in waiting:
        try:
            os.kill(process.pid, ask)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + patience
    while any(process.alive for process in waiting) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in waiting:
        end(process, signal.SIGKILL)


def end(process: ProcessId, ask: signal.Signals = signal.SIGTERM, patience: float = 10) -> None:
    """Ask the process to end, wait `patience` seconds, then kill it. A stranger with its id is left alone."""
    for number, seconds in ((ask, patience), (signal.SIGKILL, 60)):
        if not process.alive:
            return
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while process.alive and time.monotonic() < deadline:
            time.sleep(0.02)
    if process.alive:
        raise LabError(f"process {process.pid} did not end after SIGKILL")


def kill_tree(process: ProcessId, patience: float = 60) -> None:
    """End a server as a dying host does: all its processes at once, none with time for a last word.

    PostgreSQL's children lead sessions of their own, so a signal to the process group would miss them. The
    parent is stopped first: it must not fork while its children are counted.
    """
    if not process.alive:
        return
    os.kill(process.pid, signal.SIGSTOP)
    tree = [process, *_descendants(process.pid)]
    for member in reversed(tree):
        try:
            os.kill(member.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + patience
    while any(member.alive for member in tree):
        if time.monotonic() > deadline:
            raise LabError(f"process {process.pid} or a child of it did not end after SIGKILL")
        time.sleep(0.001)


def _descendants(pid: int) -> list[ProcessId]:
    children: dict[int, list[ProcessId]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it ended meanwhile
            children.setdefault(int(fields[1]), []).append(ProcessId(int(folder.name), int(fields[19])))
    found: list[ProcessId] = []
    waiting = [pid]
    while waiting:
        young = children.get(waiting.pop(), [])
        found += young
        waiting += [child.pid for child in young]
    return found


def unprivileged(argv: list[str], folder: Path) -> list[str]:
    """Prefix argv so that it does not run as root: PostgreSQL refuses to.

    The checkout may lie under a folder that only root may enter (/root is 0700). The ambient
    capability lets the server account pass through such folders, and nothing more.
    """
    if os.geteuid() != 0:
        return argv
    _require_account()
    prefix = ["setpriv", f"--reuid={SERVER_ACCOUNT}", f"--regid={SERVER_ACCOUNT}", "--clear-groups"]
    if not open_to_others(folder):
        prefix += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    return [*prefix, *argv]


def give_to_servers(*paths: Path | int) -> None:
    """Make the server account own the paths or open files (only root needs to, and can)."""
    if os.geteuid() == 0:
        account = _require_account()
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)


def run(argv: list[str], folder: Path, env: dict[str, str], timeout: float = 300) -> str:
    """Run a server's tool to its end as the server account; return its standard output.

    It dies with the lab's process: a killed lab must not leave a copy running into a folder that is removed.
    """
    # Innermost: the kernel forgets the death signal when a process changes its account.
    command = unprivileged(["setpriv", "--pdeathsig", "KILL", *argv], folder)
    done = subprocess.run(command, cwd="/", env=env, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise LabError(
            f"{Path(argv[0]).name} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-800:]}"
        )
    return done.stdout


def _require_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        raise LabError(
            f"the lab runs as root and needs the account {SERVER_ACCOUNT!r} for its servers: apt-get install postgresql"
        ) from None


def open_to_others(folder: Path) -> bool:
    resolved = folder.resolve()
    return all(parent.stat().st_mode & 0o001 for parent in (resolved, *resolved.parents) if parent.exists())
