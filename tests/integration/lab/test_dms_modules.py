"""The modules of DMS as Ansible runs them: a verified endpoint, a load that is seen while it runs, its assessment.

The tests of this file share one lab, in which DMS takes seconds for what takes it an hour.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_world import PASSWORD
from bahnvision_lab.testing import running_lab
from dms_world import SETTINGS, World, mappings
from stage import PROGRAM, ROOT

pytestmark = pytest.mark.full
OWN = {"app": "shop", "stage": "lab", "wait_pause": 0.3, "wait_timeout": 600}


class Subject:
    """Plays of one task, by the person who has the lab's keys in the environment."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        pem = Path(world.lab.status()["ca_bundle"]).read_text()
        made = world.dms.import_certificate(CertificateIdentifier="authority", CertificatePem=pem)
        self.certificate = made["Certificate"]["CertificateArn"]

    def play(self, module: str, **options: Any) -> tuple[dict[str, Any], str]:
        """Return the result of the module and what was shown beside it."""
        task = {"name": "Run", f"bahnvision.aws.{module}": {**OWN, **options}, "register": "run"}
        kept = {"name": "Keep", "ansible.builtin.copy": {"content": "{{ run | to_json }}", "dest": str(self.told)}}
        block = {"name": "Both", "block": [task], "always": [kept]}
        path = self.folder / "play.yml"
        path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [block]}]))
        argv = [str(PROGRAM), "-i", "localhost,", "-c", "local", "-e",
                json.dumps({"ansible_python_interpreter": sys.executable}), str(path)]  # fmt: skip
        env = {**os.environ, **self.world.lab.environment(), "ANSIBLE_NOCOLOR": "1",
               "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}  # fmt: skip
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)
        assert self.told.exists(), done.stdout + done.stderr
        return json.loads(self.told.read_text()), done.stderr

    @property
    def told(self) -> Path:
        return self.folder / "told.json"

    def endpoint(self, kind: str, **changes: Any) -> dict[str, Any]:
        status, side = self.world.lab.status(), {}
        if kind == "source":
            side = {key: status["source"][key] for key in ("host", "port", "database", "user", "password")}
            side["sslmode"] = "disable"
        else:
            at = status["databases"][self.world.instance]
            side = {"host": at["host"], "port": at["port"], "database": "app", "user": "master", "password": PASSWORD,
                    "sslmode": "verify-full"}  # fmt: skip
        result, _shown = self.play(
            "dms_endpoint",
            name=f"shop-{kind}",
            endpoint_type=kind,
            connection=side,
            role_arn=self.world.role,
            **changes,
        )
        return result

    def load(self, name: str, *tables: str, **changes: Any) -> tuple[dict[str, Any], str]:
        wish = {
            "name": name, "load_id": name, "table_mappings": mappings(*tables), "vpc_subnet_ids": self.world.subnets,
            "replication_settings": json.dumps(SETTINGS), "vpc_security_group_ids": [self.world.group],
            "source_endpoint_arn": self.source["endpoint"]["arn"], "progress_interval": 1,
            "target_endpoint_arn": self.target["endpoint"]["arn"], **changes,
        }  # fmt: skip
        return self.play("dms_replication", **wish)

    source: dict[str, Any]
    target: dict[str, Any]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with running_lab(tmp_path_factory.mktemp("dms-modules") / "lab", pace=0.003) as lab:
        world = World.make(lab)
        world.both("create table moved (id int primary key, t text); create table bare (n int)")
        with world.source() as source:
            source.execute("insert into moved select n, 'row ' || n from generate_series(1, 100) n")
        subject = Subject(world, tmp_path_factory.mktemp("plays"))
        subject.source = subject.endpoint("source")
        subject.target = subject.endpoint("target", certificate_arn=subject.certificate)
        yield subject


def test_an_imported_certificate_makes_dms_verify_the_server(subject: Subject) -> None:
    assert (subject.target["changed"], subject.target["endpoint"]["ssl_mode"]) == (True, "verify-full")
    assert subject.target["notes"] == []
    assert not subject.endpoint("target", certificate_arn=subject.certificate)["changed"]
    assert PASSWORD not in json.dumps(subject.target)


def test_a_load_is_seen_while_it_runs_and_its_assessment_is_told(subject: Subject) -> None:
    told, shown = subject.load("seen", "moved", "bare")

    lines = [line for line in shown.splitlines() if line.startswith("[localhost] DMS: ")]
    assert any(re.match(r"\[localhost\] DMS: preparing metadata resources, \d+ s$", line) for line in lines), shown
    assert any("assessment failed" in line for line in lines), "bare has no primary key"
    assert told["replication"]["status"] == "stopped"
    assert (told["assessment"]["status"], told["assessment"]["required"]) == ("failed", False)
    assert any("postgres-check-pk: public.bare" in note for note in told["notes"])
    validated = {table["name"]: table["validation_state"] for table in told["tables"]}
    assert validated == {"public.moved": "Validated", "public.bare": "No primary key"}
    again, _shown = subject.load("seen", "moved", "bare")
    assert not again["changed"]


def test_a_load_that_requires_its_assessment_moves_nothing_without(subject: Subject) -> None:
    with subject.world.target() as target:
        target.execute("truncate moved")

    told, _shown = subject.load("strict", "moved", "bare", premigration_assessment="require")

    assert told["failed"]
    assert "its premigration assessment has failed (postgres-check-pk: public.bare), no row was moved" in told["msg"]
    assert told["assessment"]["status"] == "failed"
    assert [state["status"] for state in told["states"]][-1] == "failed"
    with subject.world.target() as target:
        assert target.execute("select count(*) from moved").fetchone() == (0,)
    passed, _shown = subject.load("strict", "moved", load_id="other", premigration_assessment="require")
    assert passed["assessment"]["status"] == "passed"
