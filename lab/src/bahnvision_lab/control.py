"""up, down and reset, for the command line and for tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

from bahnvision_lab import processes
from bahnvision_lab.errors import LabError
from bahnvision_lab.state import State, write_private

PATIENCE = 180
SERVER_PATIENCE = 60  # a busy server writes its last checkpoint before it ends
# Servers whose contents go with the AWS account; a clean end of theirs would be wasted time.
THROWAWAY = ("rds:", "proxy:", "cache:", "router:")


def up(state: State, pace: float | None = None) -> tuple[dict[str, Any], bool]:
    """Start the lab unless it runs; return its status and whether it was started now.

    `pace` is kept for the lab's life; None takes a running lab as it is.
    """
    with state.one_command():
        status = state.read_status()
        if status["running"]:
            if pace not in (None, status["pace"]):
                raise LabError(f"the lab is up with pace {status['pace']:g}: `lab reset --pace {pace:g}` begins anew")
            return status, False
        _clear(state)
        return _start(state, pace), True


def down(state: State) -> bool:
    """End the lab and everything it started; return whether there was anything to end."""
    if not state.folder.exists():
        return False
    with state.one_command():
        return _clear(state)


def reset(state: State, pace: float | None = None) -> dict[str, Any]:
    """Begin anew: an empty AWS account and an empty source."""
    with state.one_command():
        _clear(state)
        shutil.rmtree(state.source, ignore_errors=True)
        state.source.with_name("source.json").unlink(missing_ok=True)
        return _start(state, pace)


def _start(state: State, pace: float | None) -> dict[str, Any]:
    write_private(state.log, "")
    with state.log.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "bahnvision_lab.daemon", str(state.folder), str(pace or 0)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", env=_environment(),
        )  # fmt: skip
    # At once, although it records itself too: were this command killed now, the next one must find the process.
    state.registry.add("daemon", processes.identify(child.pid))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = state.read_status()
        if status["running"]:
            return status
        if child.poll() is not None:
            _clear(state)
            raise LabError(
                _last_words(state) or f"the lab ended with {child.returncode} while starting; see {state.log}"
            )
        time.sleep(0.05)
    _clear(state)
    raise LabError(f"the lab does not answer after {PATIENCE} s; see {state.log}")


def _environment() -> dict[str, str]:
    """The caller's AWS and PostgreSQL settings are for its clients; the lab must not follow them."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PG", "MOTO_"))}


def _last_words(state: State) -> str:
    lines = [line for line in state.log.read_text(errors="replace").splitlines() if line.startswith("lab: error: ")]
    return lines[-1].removeprefix("lab: error: ") if lines else ""


def _clear(state: State) -> bool:
    """End what the records name, by those records, and remove what does not outlive a lab."""
    recorded = state.registry.all()
    alive = [process for process in recorded.values() if process.alive]
    daemon = recorded.get("daemon")
    if daemon is not None:
        processes.end(daemon, signal.SIGTERM, patience=2 * SERVER_PATIENCE)
        state.registry.discard("daemon")
    # Some are left when the daemon was killed: one that ends by itself has ended them already.
    end_servers(state.registry)
    state.status_file.unlink(missing_ok=True)
    state.faults.unlink(missing_ok=True)
    # The AWS account lived in the daemon's memory; instances without it would be orphans.
    for folder in (state.instances, state.caches, state.clusters):
        if folder.exists():
            shutil.rmtree(folder)
    return bool(alive)


def end_servers(registry: processes.Registry) -> None:
    """End all servers that the registry names. What the source holds is kept."""
    servers = {name: process for name, process in registry.all().items() if name != "daemon"}
    throwaway = [process for name, process in servers.items() if name.startswith(THROWAWAY)]
    processes.end_all(throwaway, signal.SIGQUIT)
    processes.end_all(servers.values(), signal.SIGINT, SERVER_PATIENCE)
    for name in servers:
        registry.discard(name)
