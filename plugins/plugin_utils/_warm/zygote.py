# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm process of one run of Ansible: forks a child for each module, and ends with the run.

Started as a script by client.py with the controller's process id as only argument, so that `ps` shows whose it is.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 5.0  # seconds from SIGTERM to SIGKILL for modules whose controller has gone
NEWS = 1 << 16


def own_package() -> None:
    """Make this collection importable under its name: as a script we have no package."""
    package = ""
    for part in ("ansible_collections", "bahnvision", "aws"):
        package += f".{part}" if package else part
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = []
    sys.modules[package].__path__ = [str(Path(__file__).resolve().parents[3])]


@dataclass(eq=False)
class Job:
    """A module that runs: its process, the way to its worker, and whether that wants it ended when it goes itself."""

    pid: int
    connection: socket.socket
    pidfd: int
    attended: bool = True

    def signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # it leads no group yet
            os.kill(self.pid, number)


class Zygote:
    def __init__(self, listener: socket.socket, controller: int, prepared: Any, serve: Any) -> None:
        self._listener, self._controller = listener, controller
        self._prepared, self._serve = prepared, serve
        self._news, self._report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._jobs: dict[int, Job] = {}  # by the descriptors of the process and of the connection
        self._poll = select.poll()
        for number in (listener.fileno(), controller, self._news.fileno()):
            self._poll.register(number, select.POLLIN)

    def run(self) -> None:
        """Serve until the controller ends."""
        while True:
            ready = {number for number, _event in self._poll.poll()}
            if self._controller in ready:
                return self.end()
            for number in ready & self._jobs.keys():
                job = self._jobs.get(number)  # the other of its descriptors may have ended it
                if job:
                    (self.ended if number == job.pidfd else self.left)(job)
            if self._news.fileno() in ready:
                self.learn()
            # Last: a new descriptor must not be taken for a closed one that has just told its end.
            if self._listener.fileno() in ready:
                self.fork()

    def fork(self) -> None:
        connection, _address = self._listener.accept()
        try:
            pid = os.fork()
        except OSError:
            connection.close()  # which the worker takes as a refusal
            return
        if not pid:
            os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._serve(connection, self._report, self._prepared)
        job = Job(pid, connection, os.pidfd_open(pid))
        self._jobs[job.pidfd] = self._jobs[connection.fileno()] = job
        self._poll.register(job.pidfd, select.POLLIN)
        self._poll.register(connection, select.POLLRDHUP)

    def ended(self, job: Job) -> None:
        status = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
        if job.attended:
            self.detach(job)
        with contextlib.suppress(OSError):  # nobody waits for it any more
            job.connection.sendall(f"exit {status}\n".encode())
        job.connection.close()
        del self._jobs[job.pidfd]
        self._poll.unregister(job.pidfd)
        os.close(job.pidfd)

    def left(self, job: Job) -> None:
        """The worker has gone. With a timeout of the task it says so, and the module goes on as it would without us."""
        try:
            said = job.connection.recv(64, socket.MSG_DONTWAIT)
        except OSError:
            said = b""
        self.detach(job)
        if not said.endswith(b"leave\n"):
            job.signal(signal.SIGTERM)

    def detach(self, job: Job) -> None:
        self._poll.unregister(job.connection)
        del self._jobs[job.connection.fileno()]
        job.attended = False

    def learn(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the next module looks for itself
            self._prepared.models.learn(self._news.recv(NEWS))
        gc.freeze()

    def end(self) -> None:
        """End the modules that somebody waited for; those that were left go on."""
        jobs = {job for job in self._jobs.values() if job.attended}
        for number, seconds in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, 1.0)):
            for job in jobs:
                job.signal(number)
            deadline = time.monotonic() + seconds
            while jobs and time.monotonic() < deadline:
                jobs = {job for job in jobs if os.waitpid(job.pid, os.WNOHANG) == (0, 0)}
                time.sleep(0.01)


def main() -> None:
    from ansible_collections.bahnvision.aws.plugins.plugin_utils._warm import child, ready

    config = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not sys.flags.safe_path:
        sys.path[0] = ""  # where a script that is read from a pipe has it, and not our folder
    prepared = ready.prepare(config["core"], config["roots"])
    gc.collect()
    gc.freeze()  # a child's collector must not touch, and so copy, what it shares with us
    listener = socket.socket(fileno=config["listener"])
    Zygote(listener, config["controller"], prepared, child.serve).run()
    for name in config["files"]:
        with contextlib.suppress(OSError):  # a controller that was not killed has removed the folder
            Path(name).unlink()
    os._exit(0)


if __name__ == "__main__":
    own_package()
    main()
