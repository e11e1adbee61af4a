"""Programs a rehearsal starts: output to a log, and none of them outlives the rehearsal."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import ProcessId, end_all, start_tick
from bahnvision_lab.rehearse.stages import StageError

# Ansible's workers leave their parent's session, so a process group does not hold them. This variable is inherited by
# all of them, also by those that a killed rehearsal left behind.
MARK = "BAHNVISION_REHEARSAL"
PATIENCE = 15.0


@dataclass(frozen=True)
class Checkout:
    """The checkout a rehearsal runs in, and where it leaves its files."""

    root: Path

    @property
    def programs(self) -> Path:
        return self.root / ".venv" / "bin"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def logs(self) -> Path:
        return self.build / "rehearse"

    def environment(self, marked: bool) -> dict[str, str]:
        """The project's own programs and settings, and nobody's AWS account."""
        foreign = ("AWS_", "ANSIBLE_", "PG", "MOLECULE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        ours = {
            "PATH": f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "ANSIBLE_CONFIG": str(self.root / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONUNBUFFERED": "1",
        }
        return {**kept, **ours, **({MARK: str(self.root)} if marked else {})}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the checkout for one rehearsal; end what an earlier one left when it was killed."""
        self.build.mkdir(parents=True, exist_ok=True)
        with (self.build / "rehearse.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LabError("another rehearsal runs in this checkout: wait for it, or end it") from None
            end_marked(str(self.root))
            yield

    def run(self, stage: str, argv: list[str], marked: bool = True, timeout: float = 3600) -> Path:
        """Run a program to its end; return its log. `marked` is false for what starts servers that must stay."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{stage}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                argv, cwd=self.root, env=self.environment(marked), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                code = child.wait(timeout)
            except subprocess.TimeoutExpired:
                raise StageError(f"{stage} was not finished after {timeout:g} s", log) from None
            finally:
                self._end(child, marked)
        if code:
            how = f"signal {-code}" if code < 0 else str(code)
            raise StageError(f"{stage}: {Path(argv[0]).name} ended with {how}", log)
        return log

    def _end(self, child: subprocess.Popen[bytes], marked: bool) -> None:
        if child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if marked:
            end_marked(str(self.root))


def end_marked(mark: str) -> None:
    """End every process that carries the mark; a few rounds, since one may start another while it ends."""
    for _round in range(3):
        found = list(marked_processes(mark))
        if not found:
            return
        end_all(found, signal.SIGTERM)
        time.sleep(0.05)


def marked_processes(mark: str) -> Iterator[ProcessId]:
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:  # it ended, or belongs to somebody else
                continue
            started = start_tick(int(entry.name))
            if started is not None and wanted in environment.split(b"\0"):
                yield ProcessId(int(entry.name), started)
