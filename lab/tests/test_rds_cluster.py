"""A cluster without the API around it: what goes wrong with its servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bahnvision_lab import postgres, truth
from bahnvision_lab.aws.rds import failover
from bahnvision_lab.aws.rds.backups import Archive
from bahnvision_lab.aws.rds.cluster import Cluster
from bahnvision_lab.aws.rds.instances import Fleet, Key
from bahnvision_lab.aws.rds.nodes import Secrets, Site, until
from bahnvision_lab.certificates import Authority
from bahnvision_lab.errors import LabError
from bahnvision_lab.processes import Registry, identify, kill_tree
from bahnvision_lab.router import Router
from bahnvision_lab.testing import temporary_server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    tmp_path.chmod(0o700)
    registry = Registry(tmp_path / "pids.json")
    made = Site(registry, Router(registry), Authority(tmp_path / "ca"), truth.Journal(tmp_path / "truth.jsonl"))
    yield made
    made.router.close()


@pytest.fixture
def cluster(site: Site, tmp_path: Path) -> Iterator[Cluster]:
    majors = postgres.require_majors()
    made = Cluster("db", tmp_path / "a 100% 'odd' folder", majors[max(majors)], site, Secrets())
    made.parameters = {"rds.force_ssl": "1"}
    try:
        made.create()
        primary = made.require_primary()
        # The service's own role for replication: bootstrap makes it together with the master user.
        with primary.server.connect() as admin:
            admin.execute("CREATE ROLE rdsrepladmin LOGIN REPLICATION")
            password = admin.pgconn.encrypt_password(
                made.secrets.replication.encode(), b"rdsrepladmin", b"scram-sha-256"
            )
            admin.execute(f"ALTER ROLE rdsrepladmin PASSWORD '{password.decode()}'".encode())
        made.ensure_standby()
        made.open()
        yield made
    finally:
        made.destroy()


def test_a_former_primary_that_cannot_be_rewound_is_copied_anew(cluster: Cluster, site: Site) -> None:
    archive = Archive(cluster.folder.with_name("an 'odd' 50% archive"))
    archive.begin()
    cluster.archive_command = archive.command
    cluster.reload()
    failover.fail_over(cluster, failover.Conditions(flip_seconds=0), with_new_parameters=False)
    with pytest.raises(LabError, match="has no standby to fail over to"):
        failover.fail_over(cluster, failover.Conditions(flip_seconds=0), with_new_parameters=False)
    assert cluster.former is not None
    (cluster.former.server.data / "global/pg_control").unlink()
    cluster.ensure_standby()
    told = [line for line in truth.read(site.journal.path) if line["event"] in ("rewind failed", "standby")]
    assert [line.get("how") for line in told] == ["basebackup", None, "basebackup"]
    assert "pg_rewind ended with" in told[1]["problem"]
    cluster.require_primary().ask("CREATE TABLE t (n int)")  # it waits for the new standby
    switched = cluster.require_primary().ask("SELECT pg_walfile_name(pg_switch_wal())")
    until(f"{switched} is not archived", (archive.folder / switched).exists)
    assert len(site.registry.all()) == 3  # two servers and the router


def test_nothing_of_a_killed_server_is_left(tmp_path: Path) -> None:
    with temporary_server(tmp_path / "pg") as server:
        assert server.process is not None
        with server.connect() as session:
            backend = identify(session.info.backend_pid)
            kill_tree(server.process)
            assert not server.process.alive
            assert not backend.alive
        kill_tree(server.process)


def test_an_observer_that_fails_does_not_keep_the_others_from_hearing(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[Any] = []

    class Deaf:
        def failing_over(self, key: Key) -> None:
            raise LabError("no ears")

        moved = failing_over

    class Attentive:
        def failing_over(self, key: Key) -> None:
            heard.append(key)

        moved = failing_over

    fleet = Fleet(tmp_path / "rds", site, lambda: None)
    fleet.observers += [Deaf(), Attentive()]
    key = ("123456789012", "eu-central-1", "db")
    fleet.tell_observers(lambda observer: observer.failing_over(key))
    assert heard == [key]
    assert "LabError: no ears" in capsys.readouterr().err
