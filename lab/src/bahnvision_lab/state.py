"""The lab's folder: what lies where, who may read it, and one command at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import Registry

VARIABLE = "BAHNVISION_LAB_STATE"


@dataclass(frozen=True)
class State:
    """One lab's folder. Everything the lab writes lies below it."""

    folder: Path

    @classmethod
    def default(cls) -> State:
        """The folder that BAHNVISION_LAB_STATE names, else .lab in this checkout."""
        named = os.environ.get(VARIABLE)
        if named:
            return cls(Path(named).absolute())
        checkout = Path(__file__).resolve().parents[3]
        if not (checkout / "galaxy.yml").exists():
            raise LabError(f"the lab is not run from a checkout: name a folder for its state in {VARIABLE}")
        return cls(checkout / ".lab")

    @property
    def registry(self) -> Registry:
        return Registry(self.folder / "pids.json")

    @property
    def status_file(self) -> Path:
        return self.folder / "status.json"

    @property
    def log(self) -> Path:
        return self.folder / "lab.log"

    @property
    def request_log(self) -> Path:
        return self.folder / "aws-requests.jsonl"

    @property
    def contract_log(self) -> Path:
        return self.folder / "contract.jsonl"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.jsonl"

    @property
    def faults(self) -> Path:
        return self.folder / "faults.json"

    @property
    def authority(self) -> Path:
        return self.folder / "ca"

    @property
    def instances(self) -> Path:
        return self.folder / "rds"

    @property
    def caches(self) -> Path:
        return self.folder / "cache"

    @property
    def clusters(self) -> Path:
        return self.folder / "eks"

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def prepare(self) -> None:
        """Make the folder, readable by its owner alone: it holds the passwords of the lab's servers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    @contextmanager
    def one_command(self) -> Iterator[None]:
        """Wait until no other command (up, down, reset) works on this folder. The kernel forgets a killed holder."""
        self.prepare()
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read_status(self) -> dict[str, Any]:
        """Return what the lab says of itself; {"running": False} when it does not run."""
        try:
            status = json.loads(self.status_file.read_text())
        except FileNotFoundError:
            return {"running": False}
        daemon = self.registry.all().get("daemon")
        if daemon is None or not daemon.alive:
            return {"running": False}
        return status

    def write_status(self, status: dict[str, Any]) -> None:
        write_private(self.status_file, json.dumps(status, indent=1) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace the file whole, readable by its owner alone from its first byte on."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as target:
        target.write(text)
    temporary.replace(path)
