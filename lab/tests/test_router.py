"""The router between clients and servers, with real sockets."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import Registry
from bahnvision_lab.router import Address, Router


class Echo(socketserver.ThreadingTCPServer):
    """A server that says who it is, then gives back what it gets."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.accepted: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def address(self) -> Address:
        return ("127.0.0.1", self.server_address[1])

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Echo)
        self.server.accepted.append(self.request)
        self.request.sendall(self.server.name)
        with contextlib.suppress(OSError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    made = Router(Registry(tmp_path / "pids.json"))
    yield made
    made.close()


@pytest.fixture
def first() -> Iterator[Echo]:
    server = Echo(b"first")
    yield server
    server.end()


@pytest.fixture
def second() -> Iterator[Echo]:
    server = Echo(b"2nd..")
    yield server
    server.end()


def client(port: int, timeout: float = 60) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def greeting(port: int) -> bytes:
    with client(port) as connection:
        return connection.recv(5)


def test_it_forwards_both_ways_and_hands_the_end_on(router: Router, first: Echo) -> None:
    port = router.add("db", first.address)
    with client(port) as connection:
        assert connection.recv(5) == b"first"
        sent = os.urandom(3_000_000)  # more than all buffers hold: the slow side must slow the fast one down
        threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR))).start()
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        assert received == sent


def test_flip_leads_elsewhere_and_resets_who_was_there(router: Router, first: Echo, second: Echo) -> None:
    port = router.add("db", first.address)
    with client(port) as connection:
        assert connection.recv(5) == b"first"
        before = time.monotonic_ns()
        moment = router.flip("db", second.address)
        assert before <= moment <= time.monotonic_ns()
        with pytest.raises(ConnectionResetError):
            connection.recv(5)
    assert greeting(port) == b"2nd.."


def test_a_dead_target_is_a_reset_not_a_silence(router: Router, first: Echo) -> None:
    port = router.add("db", first.address)
    first.end()
    # Around the connecting, too: when the reset is quicker than the client, connect() itself reports it.
    with pytest.raises(ConnectionResetError), client(port) as connection:
        connection.recv(5)


def test_the_reset_of_a_killed_server_reaches_the_client(router: Router, first: Echo) -> None:
    port = router.add("db", first.address)
    with client(port) as connection:
        assert connection.recv(5) == b"first"
        killed = first.accepted[0]
        killed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        os.close(killed.detach())
        with pytest.raises(ConnectionResetError):
            connection.sendall(b"x") or connection.recv(5)


def test_cut_resets_and_refuses_until_the_flip(router: Router, first: Echo) -> None:
    port = router.add("db", first.address)
    with client(port) as connection:
        assert connection.recv(5) == b"first"
        router.cut("db")
        with pytest.raises(ConnectionResetError):
            connection.recv(5)
    with pytest.raises(ConnectionRefusedError):
        client(port)
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))  # nobody else gets the port meanwhile
    router.cut("db")
    router.flip("db", first.address)
    assert greeting(port) == b"first"


def test_frozen_is_neither_bytes_nor_an_end(router: Router, first: Echo) -> None:
    port = router.add("db", first.address)
    with client(port) as old:
        assert old.recv(5) == b"first"
        router.freeze("db")
        old.sendall(b"hello")
        assert silent(old)
        with client(port) as new:
            assert silent(new)
            router.thaw("db")
            assert (old.recv(5), new.recv(5)) == (b"hello", b"first")


def silent(connection: socket.socket) -> bool:
    return select.select([connection], [], [], 0.3)[0] == []


def test_a_frozen_route_that_is_flipped_moves_again(router: Router, first: Echo, second: Echo) -> None:
    port = router.add("db", first.address)
    with client(port) as waiting:
        assert waiting.recv(5) == b"first"
        router.freeze("db")
        waiting.sendall(b"hello")
        router.flip("db", second.address)
        with pytest.raises(ConnectionResetError):
            waiting.recv(5)
    assert greeting(port) == b"2nd.."


def test_routes_are_their_own(router: Router, first: Echo, second: Echo) -> None:
    one, other = router.add("one", first.address), router.add("other", second.address)
    router.cut("one")
    assert greeting(other) == b"2nd.."
    router.drop("other")
    for port in (one, other):
        with pytest.raises(ConnectionRefusedError):
            client(port)
    with pytest.raises(LabError, match="cannot flip other: there is no route other; there are: one"):
        router.flip("other", first.address)
    with pytest.raises(LabError, match="cannot add one: it is there already"):
        router.add("one", first.address)
    router.drop("never made")


def test_its_process_is_recorded_and_ends_with_close(router: Router, first: Echo) -> None:
    router.drop("nothing yet")
    assert router.registry.all() == {}
    port = router.add("db", first.address)
    (record,) = router.registry.all()
    assert record.startswith("router:")
    process = router.process
    assert process is not None
    assert process.alive
    router.close()
    assert not process.alive
    assert router.registry.all() == {}
    with pytest.raises(ConnectionRefusedError):
        client(port)
    with pytest.raises(LabError, match="going down"):
        router.add("db", first.address)


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, threading, time; from pathlib import Path\n"
        "from bahnvision_lab.processes import Registry\n"
        "from bahnvision_lab.router import Router\n"
        "router = Router(Registry(Path(sys.argv[1])))\n"
        "starter = threading.Thread(target=router.add, args=('db', ('127.0.0.1', 1)))\n"
        "starter.start(); starter.join()\n"
        "time.sleep(0.3)\n"  # the thread is gone, the router is not
        "router.freeze('db'); print('ready', flush=True); time.sleep(60)\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "pids.json")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        (process,) = Registry(tmp_path / "pids.json").all().values()
        assert process.alive
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while process.alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not process.alive


def test_a_router_that_died_is_told_in_words(router: Router, first: Echo) -> None:
    router.add("db", first.address)
    assert router.process is not None
    os.kill(router.process.pid, signal.SIGKILL)
    with pytest.raises(LabError, match="the lab's router does not answer"):
        router.flip("db", first.address)
