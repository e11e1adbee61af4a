"""The pooler alone: it holds clients during a failover, and nothing of it outlives its lab."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from aws_world import vpc_with_subnets
from bahnvision_lab import control
from bahnvision_lab.aws.rds_proxy.pooler import Pooler, Setting
from bahnvision_lab.aws.rds_proxy.real import reserve_address
from bahnvision_lab.certificates import Authority
from bahnvision_lab.postgres import Server
from bahnvision_lab.testing import running_lab, temporary_server
from proxy_world import World, policy, wait_for

SECRET = "a 'quoted\" one"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("certificate")
    authority.issue(folder)
    tls = {"ssl": "on", "ssl_cert_file": str(folder / "server.crt"), "ssl_key_file": str(folder / "server.key")}
    with temporary_server(tmp_path_factory.mktemp("server"), fsync="off", **tls) as running:
        with running.connect() as admin:
            admin.execute(psycopg.sql.SQL("CREATE ROLE app LOGIN PASSWORD {}").format(psycopg.sql.Literal(SECRET)))
        yield running


@pytest.fixture
def pooler(tmp_path: Path, authority: Authority, server: Server) -> Iterator[Pooler]:
    address, held = reserve_address()
    made = Pooler(tmp_path / "pooler", address, authority)
    made.start(Setting({"app": SECRET}, ("127.0.0.1", server.port), 5, 0.5, 30, 60, True, False, ""))
    made.wait_until_it_answers()
    yield made
    made.destroy()
    held.close()


class Client(threading.Thread):
    """One client with one question, and how long it waited for the answer."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.dsn = dsn
        self.began = time.monotonic()
        self.answer: tuple[int, float] | None = None
        self.start()

    def run(self) -> None:
        with psycopg.connect(self.dsn, connect_timeout=60, autocommit=True) as connection:
            row = connection.execute("SELECT 1").fetchone()
            assert row is not None
            self.answer = (row[0], time.monotonic() - self.began)


def test_clients_wait_while_the_database_moves(pooler: Pooler) -> None:
    dsn = pooler.dsn("app", SECRET, "postgres")
    with psycopg.connect(dsn, autocommit=True) as idle, psycopg.connect(dsn) as busy:
        idle.execute("SELECT 1")
        busy.execute("SELECT 1")
        pooler.hold()  # comes back although a transaction is open
        new = Client(dsn)
        time.sleep(0.7)
        assert new.answer is None
        pooler.release()
        new.join(60)
        assert new.answer is not None
        assert new.answer[0] == 1
        assert new.answer[1] > 0.5
        assert idle.execute("SELECT 1").fetchone() == (1,)
    assert pooler.ask("SHOW VERSION")[0][0].startswith("PgBouncer")


def test_labs_on_one_machine_share_no_address() -> None:
    held = [reserve_address() for _number in range(30)]
    assert len({address for address, _socket in held}) == 30
    for _address, sock in held:
        sock.close()


@pytest.mark.full
@pytest.mark.parametrize("how", ["down", "killed"])
def test_the_pooler_ends_with_its_lab(tmp_path: Path, how: str) -> None:
    with running_lab(tmp_path / "lab") as lab:
        ec2 = lab.client("ec2")
        vpc, subnets = vpc_with_subnets(ec2)
        group = ec2.create_security_group(GroupName="proxy", Description="x", VpcId=vpc)["GroupId"]
        world = World(
            lab, lab.client("rds"), ec2, lab.client("secretsmanager"), lab.client("iam"), vpc, subnets, group, group,
            "", "app",
        )  # fmt: skip
        secret = world.make_secret()
        arguments = world.arguments(secret, world.make_role(policy(secret)))
        world.rds.create_db_proxy(**arguments)
        world.wait_status(arguments["DBProxyName"], "available")
        process = next(entry for name, entry in lab.state.registry.all().items() if name.startswith("proxy:"))
        if how == "down":
            control.down(lab.state)
        else:
            daemon = lab.state.registry.all()["daemon"]
            os.kill(daemon.pid, signal.SIGKILL)
            wait_for(lambda: not daemon.alive, "the killed lab to end")
            assert process.alive
            control.up(lab.state)
            assert lab.status()["proxies"] == {}
        wait_for(lambda: not process.alive, "the pooler to end")
        assert not list(lab.state.folder.rglob("pooler.ini"))
