"""The stages of the rehearsal: what each of them runs, and what it measures."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from bahnvision_lab.clusters_cli import token
from bahnvision_lab.errors import LabError
from bahnvision_lab.kubernetes.kubelet import Reader
from bahnvision_lab.rehearse import counts, paths, record
from bahnvision_lab.rehearse.children import Checkout
from bahnvision_lab.rehearse.drill import Drill, source_login
from bahnvision_lab.rehearse.stages import Measure, Runner, Stage, StageError
from bahnvision_lab.state import State

INVENTORY = Path("inventories") / "lab"
NAME = "bahnvision-lab"  # <app>-<stage>
SPACE = "bahnvision"  # the application's namespace
REPORTS = Path("build") / "reports" / "lab"


@dataclass
class Rehearsal:
    checkout: Checkout
    state: State
    scale: int
    runner: Runner
    source: dict[str, int] = field(default_factory=dict)
    target: dict[str, int] = field(default_factory=dict)
    method: str = "copy"

    def __post_init__(self) -> None:
        pointer = self.checkout.build / "rehearse.side"
        self.drill = Drill(pointer, lambda: source_login(self.status()["source"]), self.target_login)

    @property
    def report(self) -> Path:
        return self.checkout.root / REPORTS / "index.html"

    def stages(self) -> list[Stage]:
        return [
            Stage("lab", self.lab),
            Stage("load", self.load),
            Stage("provision", lambda: self.playbook("provision", "site.yml")),
            Stage("migrate", self.migrate),
            *(self.cut_overs() if self.method == "logical" else ()),
            Stage("verify", self.verify),
            *((Stage("finish", self.finish), Stage("ledger", self.ledger)) if self.method == "logical" else ()),
            Stage("count", self.count),
            Stage("start", lambda: self.playbook("start", "playbooks/application.yml", application_serving="yes")),
            Stage("paths", self.walk_paths),
            Stage("page", self.write_report, even_after_failure=True),
        ]

    def cut_overs(self) -> list[Stage]:
        """There and back under load; once more without, so that both sides can be compared."""
        return [
            Stage("cut-over", lambda: self.cut_over("cut-over", "switched")),
            Stage("roll-back", lambda: self.cut_over("roll-back", "rolled_back")),
            Stage("cut-over-2", self.last_cut_over),
        ]

    def lab(self) -> Measure:
        self.command("lab", "reset")
        # They tell of a lab that is gone, and would stand beside the reports of this one as if they belonged to it.
        shutil.rmtree(self.report.parent, ignore_errors=True)
        return Measure()

    def load(self) -> Measure:
        self.command("load", "load", "--scale", str(self.scale))
        if self.method == "logical":
            self.drill.make_ledger(self.status()["source"]["dsn"])
        return _measure(self.source_contents())

    def playbook(self, stage: str, path: str, **variables: Any) -> Measure:
        program = str(self.checkout.programs / "ansible-playbook")
        extra = json.dumps({"migration_method": self.method, **variables})
        self.checkout.run(stage, [program, "--inventory", str(INVENTORY), "--extra-vars", extra, path])
        return Measure()

    def migrate(self) -> Measure:
        if self.method == "logical":
            self.drill.begin()
        self.playbook("migrate", "playbooks/migrate_database.yml")
        return _measure(self.target_contents())

    def cut_over(self, stage: str, state: str) -> Measure:
        def run() -> Path:
            wish = {"cutover_state": state, "cutover_point_command": self.drill.point_command}
            self.playbook(stage, "playbooks/cut_over.yml", **wish)
            return self.report.parent / "cut_over.json"

        self.drill.cut_over(state, run)
        return Measure()

    def last_cut_over(self) -> Measure:
        self.drill.end()
        return self.cut_over("cut-over-2", "switched")

    def finish(self) -> Measure:
        return self.playbook("finish", "playbooks/cut_over.yml", cutover_state="finished")

    def ledger(self) -> Measure:
        return Measure(rows=self.drill.prove())

    def verify(self) -> Measure:
        self.playbook("verify", "playbooks/verify.yml")
        return Measure()

    def count(self) -> Measure:
        source, target = self.source_contents(), self.target_contents()
        self.source, self.target = source.rows, target.rows
        found = counts.differences(source.rows, target.rows)
        if found:
            raise StageError("the two sides differ: " + "; ".join(found))
        return Measure(rows=target.total)

    def walk_paths(self) -> Measure:
        """The application's ways in: the instance, the proxy, the cache, and what its Pods are told."""
        status = self.status()
        bundle, manager = status["ca_bundle"], self.secrets(status)
        user = paths.read_secret(manager, f"{NAME}-rds-app")
        member = paths.read_secret(manager, f"{NAME}-elasticache-app")
        instance, proxy, cache = (status[kind][NAME] for kind in ("databases", "proxies", "caches"))
        primary = cache["primary"]
        ways = [
            paths.database("instance", instance["host"], instance["port"], user, bundle),
            paths.database("proxy", proxy["host"], proxy["port"], user, bundle),
            paths.cache("cache", primary["host"], primary["port"], member, bundle),
        ]
        rows = sum(self.target.values())
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            reader = Reader(status["clusters"][NAME]["endpoint"], Path(bundle).read_text(), token(NAME, status["aws"]))
            pod = paths.pod("pod", reader, SPACE, f"{SPACE}-backend", Path(folder))
            paths.walk([*ways, pod], rows)
        return Measure(rows=rows)

    def secrets(self, status: dict[str, Any]) -> Any:
        aws = status["aws"]
        return boto3.session.Session().client(
            "secretsmanager", endpoint_url=aws["endpoint_url"], region_name=aws["region"],
            aws_access_key_id=aws["access_key_id"], aws_secret_access_key=aws["secret_access_key"],
        )  # fmt: skip

    def target_login(self) -> dict[str, Any]:
        """The application's login to the instance, as libpq reads it."""
        status = self.status()
        instance, secret = status["databases"][NAME], paths.read_secret(self.secrets(status), f"{NAME}-rds-app")
        return {
            "host": instance["host"], "port": instance["port"], "dbname": secret["dbname"],
            "user": secret["username"], "password": secret["password"],
            "sslmode": "verify-full", "sslrootcert": status["ca_bundle"],
        }  # fmt: skip

    def write_report(self) -> Measure:
        drill = self.drill if self.method == "logical" else None
        facts = record.page(self.runner, self.scale, self.source, self.target, self.report.parent, drill)
        program = str(self.checkout.programs / "ansible")
        module = ["--module-name", "bahnvision.aws.report", "--args", json.dumps(facts)]
        self.checkout.run("page", [program, "runner", "--inventory", str(INVENTORY), *module])
        return Measure()

    def command(self, stage: str, *arguments: str) -> None:
        """Run a command of the lab. Unmarked: the servers it starts stay."""
        self.checkout.run(stage, [sys.executable, "-m", "bahnvision_lab.cli", *arguments], marked=False)

    def source_contents(self) -> counts.Contents:
        return counts.contents(self.status()["source"]["dsn"], "source")

    def target_contents(self) -> counts.Contents:
        databases = self.status()["databases"]
        if len(databases) != 1:
            raise LabError(f"the lab should run one database and runs {len(databases)}: {', '.join(databases) or '-'}")
        return counts.contents(next(iter(databases.values()))["dsn"], "target")

    def status(self) -> dict:
        status = self.state.read_status()
        if not status["running"]:
            raise LabError(f"the lab went down; see {self.state.log}")
        return status


def _measure(contents: counts.Contents) -> Measure:
    return Measure(rows=contents.total, bytes=contents.bytes)


def checkout_root() -> Path:
    root = Path(__file__).resolve().parents[4]
    if not (root / "galaxy.yml").exists():
        raise LabError("a rehearsal needs the checkout: install the lab from it with pip install --editable")
    return root


def relative(path: Path) -> str:
    """Return the path as a person at the terminal would type it."""
    return os.path.relpath(path)
