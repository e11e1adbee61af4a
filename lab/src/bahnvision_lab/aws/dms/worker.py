"""The life of one replication: from StartReplication through its states to stopped or failed."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from moto.ec2.models import ec2_backends
from moto.rds.models import rds_backends

from bahnvision_lab import pace
from bahnvision_lab.aws.dms import assessment
from bahnvision_lab.aws.dms.books import FAILED, RUNNING, STOPPED, Books, Endpoint, Replication, now
from bahnvision_lab.aws.dms.checks import service_of
from bahnvision_lab.aws.dms.loader import Loader, LoadError, Login, Stopped
from bahnvision_lab.aws.rds.instances import Fleet
from bahnvision_lab.aws.rds_proxy import access, reach
from bahnvision_lab.faults import Faults

FULL, NORMAL = "Stop Reason FULL_LOAD_ONLY_FINISHED", "Stop Reason NORMAL"
FATAL = "Stop Reason FATAL_ERROR"
# The states before the rows, and what each takes on AWS.
STEPS = (
    ("initializing", "dms_initialize"),
    ("preparing_metadata_resources", "dms_metadata"),
    ("testing_connection", "dms_small"),
    ("fetching_metadata", "dms_small"),
    ("calculating_capacity", "dms_small"),
    ("provisioning_capacity", "dms_provision"),
    ("replication_starting", "dms_small"),
)


@dataclass(frozen=True)
class Place:
    """Where the replication stands in the network, as reach.py wants to know it."""

    group_ids: list[str]
    subnet_ids: list[str]


@dataclass
class Worker:
    """Carries out one start, in a thread of its own."""

    books: Books
    replication: Replication
    fleet: Fleet
    faults: Faults
    assess: dict[str, Any] | None = None  # settings of the premigration assessment, when one is asked for
    thread: threading.Thread = field(init=False)

    def start(self, kind: str) -> None:
        one = self.replication
        one.start_type, one.stop_reason, one.failures, one.tables = kind, "", [], []
        one.started = one.updated = now()
        one.loading = one.loaded = one.stopped = None
        one.began, one.stop_asked, one.provision = time.monotonic(), False, ""
        one.status = STEPS[0][0]
        self.thread = threading.Thread(target=self._live, name=f"dms {one.identifier}", daemon=True)
        self.thread.start()

    def _live(self) -> None:
        one = self.replication
        try:
            self._run()
        except Stopped:
            self._end(STOPPED, NORMAL)
        except LoadError as problem:
            one.failures = [str(problem)]
            self._end(FAILED, FATAL if one.loading else "")
        except psycopg.Error as problem:
            one.failures = [f"Last Error: {str(problem).strip()}"]
            self._end(FAILED, FATAL if one.loading else "")
        else:
            self._end(STOPPED, FULL)
        self._deprovision()

    def _run(self) -> None:
        loader: Loader | None = None
        try:
            for state, kind in STEPS:
                began = time.monotonic()
                self._enter(state)
                if state == "testing_connection":
                    source, target = self._connect(self.replication.source), self._connect(self.replication.target)
                    loader = Loader(self.replication, source, target, self.faults)
                elif state == "fetching_metadata" and loader is not None:
                    self._find_tables(loader)
                    self._assess(loader)
                elif state == "provisioning_capacity":
                    self.replication.provision = "provisioning"
                pace.at_least(kind, began)
            assert loader is not None
            self._load(loader)
        finally:
            if loader is not None:
                loader.source.close()
                loader.target.close()

    def _enter(self, state: str) -> None:
        one = self.replication
        if one.stop_asked or self.fleet.closing:
            raise Stopped
        one.status, one.updated = state, now()
        if self.faults.dms_fails_in(one.identifier) == state:
            raise LoadError(f"Replication {one.identifier} failed in {state} (a fault of the lab)")

    def _assess(self, loader: Loader) -> None:
        """AWS's guide does not say in which state it runs; it needs the metadata, and comes before the rows."""
        if self.assess is None:
            return
        told = assessment.run(self.books, self.replication, loader, self.assess)
        if told["Status"] == "failed" and told["FailOnAssessmentFailure"]:
            raise LoadError(f"The premigration assessment has failed: {told['LastFailureMessage']}")

    def _find_tables(self, loader: Loader) -> None:
        self.replication.tables = loader.find_tables()
        behaviour = self.replication.settings.get("ErrorBehavior") or {}
        if not self.replication.tables and behaviour.get("FailOnNoTablesCaptured", True):
            raise LoadError("No tables were found at task initialization. Either the selected table(s) or schemas(s) "
                            "no longer exist or no match was found for the table selection pattern(s).")  # fmt: skip

    def _load(self, loader: Loader) -> None:
        one = self.replication
        one.provision, one.loading = "provisioned", now()
        self._enter(RUNNING)
        for table in one.tables:
            if one.stop_asked:
                raise Stopped
            try:
                loader.load(table)
            except LoadError:
                if self._policy("TableErrorPolicy") == "STOP_TASK":
                    raise
        one.loaded = now()
        if (one.settings.get("ValidationSettings") or {}).get("EnableValidation"):
            for table in one.tables:
                if table.state == "Table completed":
                    loader.validate(table)

    def _policy(self, name: str) -> str:
        return str((self.replication.settings.get("ErrorBehavior") or {}).get(name, "SUSPEND_TABLE"))

    def _end(self, status: str, reason: str) -> None:
        one = self.replication
        one.stop_reason, one.stopped, one.updated = reason, now(), now()
        for table in one.tables:
            if table.state in ("Full load", "Before load") and status != STOPPED:
                table.state = "Table cancelled"
        one.status = status
        if one.failures:
            print(f"dms {one.identifier}: {one.failures[0]}", file=sys.stderr, flush=True)

    def _deprovision(self) -> None:
        one = self.replication
        if one.provision:
            one.provision = "deprovisioning"
            pace.at_least("dms_deprovision", time.monotonic())
            one.provision = "deprovisioned"

    def _connect(self, endpoint: Endpoint) -> psycopg.Connection:
        """Log in as the endpoint says, where the network lets the replication through."""
        try:
            login = self._login(endpoint)
        except access.DeniedError as reason:
            raise LoadError(f"Test connection failed for endpoint '{endpoint.identifier}': {reason}") from None
        obstacle = self._obstacle(login)
        if obstacle is None:
            try:
                return login.connect()
            except psycopg.Error as problem:
                obstacle = str(problem).strip()
        raise LoadError(
            f"Test connection failed for endpoint '{endpoint.identifier}' and replication config "
            f"'{self.replication.identifier}'. Failure Message: {obstacle}"
        )

    def _login(self, endpoint: Endpoint) -> Login:
        settings, books = endpoint.settings, self.books
        secret = settings["SecretsManagerSecretId"]
        text = access.secret_text(
            books.account, books.region, books.partition, settings["SecretsManagerAccessRoleArn"], secret,
            service_of(books),
        )  # fmt: skip
        try:
            told = json.loads(text)
            return Login(
                told["host"], int(told["port"]), str(settings["DatabaseName"]), told["username"], told["password"],
                endpoint.ssl_mode, endpoint.certificate.pem if endpoint.certificate else "",
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            raise access.DeniedError(f"the secret {secret} holds no host, port, username and password") from None

    def _obstacle(self, login: Login) -> str | None:
        """Security groups stand between the replication and an instance of RDS; other servers are outside."""
        books, compute = self.books, self.replication.compute
        group = books.groups.get(compute["ReplicationSubnetGroupId"])
        place = Place(
            list(compute.get("VpcSecurityGroupIds") or ()), [one for one, _zone in group.subnets] if group else []
        )
        for name, database in list(rds_backends[books.account][books.region].databases.items()):
            instance = self.fleet.find((books.account, books.region, name))
            if instance is not None and instance.endpoint == (login.host, login.port):
                return reach.obstacle(ec2_backends[books.account][books.region], place, database)
        return None
