"""Put the lab's DMS in the place of moto's. What has no method here is answered with 501."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import moto.dms.urls
from moto.core.responses import ActionResult
from moto.utilities.utils import get_partition

from bahnvision_lab.aws.dms.books import Books, Replication
from bahnvision_lab.aws.dms.operations import DmsOperations
from bahnvision_lab.aws.dms.worker import Worker
from bahnvision_lab.aws.rds.instances import Fleet
from bahnvision_lab.faults import Faults


class Service:
    """The books of all accounts and regions."""

    def __init__(self, fleet: Fleet, faults: Faults) -> None:
        self.fleet = fleet
        self.faults = faults
        self.lock = threading.Lock()
        self._books: dict[tuple[str, str], Books] = {}

    def books(self, account: str, region: str) -> Books:
        key = (account, region)
        if key not in self._books:
            self._books[key] = Books(account, region, get_partition(region))
        return self._books[key]


def install(fleet: Fleet, faults: Faults) -> Service:
    """Before the first request."""
    service = Service(fleet, faults)
    LabDms.service = service
    moto.dms.urls.url_paths["{0}/$"] = LabDms.dispatch
    return service


class LabDms(DmsOperations):
    """One request. The books are locked while it is worked on: loads go on beside it."""

    service: Service

    def __init__(self) -> None:
        super().__init__(service_name="dms")
        self.automated_parameter_parsing = True

    def _start(self, one: Replication, kind: str, assess: dict[str, Any] | None) -> None:
        Worker(self.books, one, self.service.fleet, self.service.faults, assess).start(kind)


def _locked(operation: Callable[[LabDms], ActionResult]) -> Callable[[LabDms], ActionResult]:
    def work(self: LabDms) -> ActionResult:
        with self.service.lock:
            self.books = self.service.books(self.current_account, self.region)
            return operation(self)

    work.__name__ = operation.__name__
    return work


for _name, _operation in list(vars(DmsOperations).items()):
    if callable(_operation) and not _name.startswith("_"):
        setattr(LabDms, _name, _locked(_operation))
