# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's side: start this run's warm process, and have it run a module."""

from __future__ import annotations

import contextlib
import fcntl
import json
import multiprocessing
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SIZES = struct.Struct("!II")
NAME = "warm.socket"
ZYGOTE = Path(__file__).with_name("zygote.py")
START_SECONDS = 60.0  # for imports on a busy machine; after them nothing waits

Ended = tuple[int, bytes, bytes]


class Cold(Exception):
    """Nothing has run: the caller may run it in another way."""


class Lost(Exception):
    """The module was started, and how it ended is unknown."""


def run(folder: str, start: Mapping[str, object], request: Mapping[str, object], script: bytes) -> Ended:
    """Have the script run; return its exit status as a shell tells it, its output and its errors."""
    with connect(folder, start) as warm, Output() as output:
        try:
            warm.settimeout(START_SECONDS)
            ask(warm, request, script, output)
            answer = line(warm)
        except OSError as problem:
            raise Cold(f"no answer ({problem.strerror or problem})") from None
        if answer != "ready":
            raise Cold(answer.removeprefix("cold ") or "the warm process has ended")
        warm.settimeout(None)
        try:
            warm.sendall(b"go\n")
            stdout, stderr = output.read()
            ending = line(warm)
        except OSError as problem:
            raise Lost(problem.strerror) from None
        except BaseException:
            # A timeout of the task. Without us, too, the module would go on.
            with contextlib.suppress(OSError):
                warm.sendall(b"leave\n")
            raise
    if not ending.startswith("exit "):
        raise Lost("the warm process was killed")
    return as_shell(int(ending[5:]), stdout, stderr)


def as_shell(status: int, stdout: bytes, stderr: bytes) -> Ended:
    if -status in (signal.SIGINT, signal.SIGPIPE):
        return 128 - status, stdout, stderr  # of these a shell says nothing
    if status < 0:
        return 128 - status, stdout, stderr + f"{signal.strsignal(-status)}\n".encode()
    return status, stdout, stderr


class Output:
    """Two pipes whose other ends the module gets."""

    def __enter__(self) -> Output:
        pairs = os.pipe(), os.pipe()
        self._ends = [pair[0] for pair in pairs]
        self.given = [pair[1] for pair in pairs]
        return self

    def hand_over(self) -> None:
        while self.given:
            os.close(self.given.pop())

    def read(self) -> tuple[bytes, bytes]:
        """Read both until nobody holds their other ends."""
        texts = {end: bytearray() for end in self._ends}
        with selectors.DefaultSelector() as selector:
            for end in self._ends:
                selector.register(end, selectors.EVENT_READ)
            while selector.get_map():
                for key, _events in selector.select():
                    data = os.read(key.fd, 1 << 16)
                    texts[key.fd] += data
                    if not data:
                        selector.unregister(key.fd)
        out, err = texts.values()
        return bytes(out), bytes(err)

    def __exit__(self, *_problem: object) -> None:
        self.hand_over()
        for end in self._ends:
            os.close(end)


def ask(warm: socket.socket, request: Mapping[str, object], script: bytes, output: Output) -> None:
    header = json.dumps(request).encode()
    socket.send_fds(warm, [SIZES.pack(len(header), len(script))], output.given)
    output.hand_over()
    warm.sendall(header + script)


def line(warm: socket.socket) -> str:
    """Return the next line; what came of it when there is no more."""
    text = b""
    while not text.endswith(b"\n"):
        byte = warm.recv(1)
        if not byte:
            break
        text += byte
    return text.decode().rstrip("\n")


def connect(folder: str, start: Mapping[str, object]) -> socket.socket:
    """Return a connection to the warm process of the run whose private folder this is; the first one starts it."""
    with opened(folder) as here:
        path = f"/proc/self/fd/{here}/{NAME}"  # however long the folder's name is
        for _attempt in range(2):
            warm = socket.socket(socket.AF_UNIX)
            try:
                warm.settimeout(START_SECONDS)
                warm.connect(path)
                return warm
            except FileNotFoundError:
                warm.close()
                start_once(folder, path, start)
            except OSError:
                warm.close()
                raise Cold("the warm process has ended") from None
    raise Cold("the warm process did not start")


@contextlib.contextmanager
def opened(folder: str) -> Iterator[int]:
    number = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield number
    finally:
        os.close(number)


def start_once(folder: str, path: str, start: Mapping[str, object]) -> None:
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        raise Cold("not in a worker")  # with whose end would the warm process end?
    files = [Path(folder, name) for name in (NAME, "warm.lock", "warm.log")]
    with files[1].open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Path(path).exists():
            return
        controller = os.pidfd_open(parent.pid)
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen(128)  # from here workers queue, while it still imports
                config = {**start, "listener": listener.fileno(), "controller": controller, "files": [*map(str, files)]}
                launch(parent.pid, config, files[2])
        finally:
            os.close(controller)


def launch(controller: int, config: dict[str, Any], log: Path) -> None:
    with tempfile.TemporaryFile() as given, log.open("wb") as said:
        given.write(json.dumps(config).encode())
        given.seek(0)
        # Its folder is nobody's, and its session its own: what ends a worker's group must not end it.
        subprocess.Popen(
            [sys.executable, str(ZYGOTE), str(controller)], stdin=given, stdout=said, stderr=said, cwd="/",
            pass_fds=[config["listener"], config["controller"]], start_new_session=True,
        )  # fmt: skip
