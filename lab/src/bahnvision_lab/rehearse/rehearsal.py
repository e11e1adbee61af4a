"""The stages of the rehearsal: what each of them runs, and what it measures."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from bahnvision_lab.errors import LabError
from bahnvision_lab.rehearse import counts, paths, record
from bahnvision_lab.rehearse.children import Checkout
from bahnvision_lab.rehearse.stages import Measure, Runner, Stage, StageError
from bahnvision_lab.state import State

INVENTORY = Path("inventories") / "lab"
NAME = "bahnvision-lab"  # <app>-<stage>
REPORTS = Path("build") / "reports" / "lab"


@dataclass
class Rehearsal:
    checkout: Checkout
    state: State
    scale: int
    runner: Runner
    source: dict[str, int] = field(default_factory=dict)
    target: dict[str, int] = field(default_factory=dict)

    @property
    def report(self) -> Path:
        return self.checkout.root / REPORTS / "index.html"

    def stages(self) -> list[Stage]:
        return [
            Stage("lab", self.lab),
            Stage("load", self.load),
            Stage("provision", lambda: self.playbook("provision", "site.yml")),
            Stage("migrate", self.migrate),
            Stage("verify", self.verify),
            Stage("count", self.count),
            Stage("paths", self.walk_paths),
            Stage("page", self.write_report, even_after_failure=True),
        ]

    def lab(self) -> Measure:
        self.command("lab", "reset")
        # They tell of a lab that is gone, and would stand beside the reports of this one as if they belonged to it.
        shutil.rmtree(self.report.parent, ignore_errors=True)
        return Measure()

    def load(self) -> Measure:
        self.command("load", "load", "--scale", str(self.scale))
        return _measure(self.source_contents())

    def playbook(self, stage: str, path: str) -> Measure:
        program = str(self.checkout.programs / "ansible-playbook")
        self.checkout.run(stage, [program, "--inventory", str(INVENTORY), path])
        return Measure()

    def migrate(self) -> Measure:
        self.playbook("migrate", "playbooks/migrate_database.yml")
        return _measure(self.target_contents())

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
        """The application's ways in: the instance, the proxy, the cache."""
        status = self.status()
        bundle, aws = status["ca_bundle"], status["aws"]
        manager = boto3.session.Session().client(
            "secretsmanager", endpoint_url=aws["endpoint_url"], region_name=aws["region"],
            aws_access_key_id=aws["access_key_id"], aws_secret_access_key=aws["secret_access_key"],
        )  # fmt: skip
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
        paths.walk(ways, rows)
        return Measure(rows=rows)

    def write_report(self) -> Measure:
        facts = record.page(self.runner, self.scale, self.source, self.target, self.report.parent)
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
