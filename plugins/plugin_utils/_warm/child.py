# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One module call in a fork of the warm process: it becomes what `python <script` would be, and ends like it."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.bahnvision.aws.plugins.plugin_utils._warm import payload as payloads
from ansible_collections.bahnvision.aws.plugins.plugin_utils._warm.preload import Environment, Models, folder_times

SIZES = struct.Struct("!II")
REPORT_AT = 200  # a descriptor that no module expects to be free


class Cold(Exception):
    """This call has to run in a process of its own; nothing has run yet."""


@dataclass
class Prepared:
    """What the warm process has ready."""

    files: payloads.Files
    environment: Environment
    models: Models
    times: dict[str, int]
    refusal: str = ""


@dataclass
class Request:
    environment: dict[str, str]
    folder: str
    script: bytes
    outputs: list[int]


def serve(connection: socket.socket, report: socket.socket, prepared: Prepared) -> NoReturn:
    """Answer one worker: `cold <reason>`, or `ready`, and after its `go` run the script. Never returns."""
    try:
        request = receive(connection)
        try:
            check(request, prepared)
            become(request)
            fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, REPORT_AT)
        except Cold as reason:
            connection.sendall(f"cold {reason}\n".encode())
            os._exit(0)
        connection.sendall(b"ready\n")
        if connection.recv(3, socket.MSG_WAITALL) != b"go\n":
            os._exit(0)
    except OSError:
        os._exit(0)  # the worker has gone
    os.closerange(3, REPORT_AT)
    known = prepared.models.known()
    finish(run(request.script), lambda: tell(prepared.models.news(known)))


def receive(connection: socket.socket) -> Request:
    sizes, outputs, _flags, _address = socket.recv_fds(connection, SIZES.size, 2)
    header_size, script_size = SIZES.unpack(sizes)
    header = json.loads(take(connection, header_size))
    return Request(header["environment"], header["folder"], take(connection, script_size), outputs)


def take(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(size - len(data), 1 << 20))
        if not chunk:
            raise ConnectionResetError("the worker has gone")
        data += chunk
    return bytes(data)


def check(request: Request, prepared: Prepared) -> None:
    """Refuse what might come out differently here."""
    if prepared.refusal:
        raise Cold(prepared.refusal)
    if changed := prepared.environment.refused(request.environment):
        raise Cold(f"environment {changed[0]}")
    if folder_times() != prepared.times:
        raise Cold("packages changed")
    payload = payloads.read(request.script)
    if payload is None:
        raise Cold("unknown payload")
    if different := prepared.files.different(payload):
        raise Cold(f"other file {different}")
    for name in payload.collections:
        payloads.adopt(f"{payloads.ROOT}.{name}", prepared.files.collection(name))
    sys.meta_path.insert(0, payloads.OnlyPayload(payload))


def become(request: Request) -> None:
    """Take over what a new process would have been given: folder, environment, standard streams, `__main__`."""
    try:
        os.chdir(request.folder)
    except OSError:
        raise Cold("folder") from None  # plain local says why
    environment = request.environment
    if "PWD" in environment and not same_folder(environment["PWD"]):
        environment["PWD"] = str(Path.cwd())  # as the shell would
    os.environ.clear()
    os.environ.update(environment)
    stdin, writer = os.pipe()  # at its end: a module's script was read from there
    os.close(writer)
    for source, target in zip((stdin, *request.outputs), range(3), strict=True):
        os.dup2(source, target)
    sys.argv = [""]
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__="<stdin>", __cached__=None, __builtins__=__builtins__)
    sys.modules["__main__"] = main


def same_folder(path: str) -> bool:
    try:
        return Path(path).samefile(".")
    except OSError:
        return False


def run(script: bytes) -> int:
    """Run the script as `__main__`; return the status of exit. What is caught here would have ended an interpreter."""
    try:
        exec(compile(script, "<stdin>", "exec"), sys.modules["__main__"].__dict__)  # noqa: S102
    except SystemExit as ending:
        return status(ending.code)
    except KeyboardInterrupt as interrupt:
        show(interrupt)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException as problem:  # noqa: BLE001
        show(problem)
        return 1
    return 0


def status(code: Any) -> int:
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def show(problem: BaseException) -> None:
    """Print the traceback as an interpreter does, without our own frame."""
    trace = problem.__traceback__
    sys.excepthook(type(problem), problem.with_traceback(trace.tb_next if trace else None), problem.__traceback__)


def finish(code: int, last: Callable[[], None]) -> NoReturn:
    """Do what an interpreter does at its end, short of tearing down what is imported."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        last()
    finally:
        os._exit(code)


def tell(news: bytes) -> None:
    """Tell the warm process what the next module may find ready; when it is busy, another one will."""
    with contextlib.suppress(OSError), socket.socket(fileno=REPORT_AT) as report:
        if len(news) > 2:
            report.send(news, socket.MSG_DONTWAIT)
