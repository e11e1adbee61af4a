"""ElastiCache's operations: moto takes the request apart and writes the answer, the rest is the lab's own.

What has no method here is answered with 501: moto's books on it would have nothing behind them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import moto.elasticache.urls
from moto.core.responses import ActionResult, BaseResponse
from moto.utilities.utils import get_partition

from bahnvision_lab.aws.elasticache import parameters, usage
from bahnvision_lab.aws.elasticache.books import Books
from bahnvision_lab.aws.elasticache.fleet import Fleet
from bahnvision_lab.aws.elasticache.keeper import Keeper
from bahnvision_lab.aws.elasticache.lifecycle import Lifecycle
from bahnvision_lab.aws.elasticache.operations_access import AccessOperations
from bahnvision_lab.aws.elasticache.operations_groups import GroupOperations
from bahnvision_lab.aws.elasticache.operations_parts import PartOperations


class Service:
    """The books of all accounts and regions, and the fleet of servers."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.life = Lifecycle(fleet)
        self._books: dict[tuple[str, str], Books] = {}
        self._opening = threading.Lock()

    def books(self, account: str, region: str) -> Books:
        with self._opening:
            if (account, region) not in self._books:
                books = Books(account, region, get_partition(region))
                parameters.install_defaults(books)
                self._books[(account, region)] = books
            return self._books[(account, region)]

    def all_books(self) -> list[Books]:
        with self._opening:
            return list(self._books.values())


def install(fleet: Fleet) -> Service:
    """Put the lab's operations in the place of moto's. Before the first request."""
    service = Service(fleet)
    LabElastiCache.service = service
    usage.tell(service.books)
    moto.elasticache.urls.url_paths["{0}/$"] = LabElastiCache.dispatch
    Keeper(service).start()
    return service


class LabElastiCache(GroupOperations, AccessOperations, PartOperations, BaseResponse):
    """One request. The books are locked while it is worked on: the work on servers goes on beside it."""

    service: Service

    def __init__(self) -> None:
        super().__init__(service_name="elasticache")
        self.automated_parameter_parsing = True


def _locked(operation: Callable[[LabElastiCache], ActionResult]) -> Callable[[LabElastiCache], ActionResult]:
    def work(self: LabElastiCache) -> ActionResult:
        self.books = self.service.books(self.current_account, self.region)
        self.life, self.fleet = self.service.life, self.service.fleet
        with self.books.lock:
            return operation(self)

    work.__name__ = operation.__name__
    return work


for _family in (GroupOperations, AccessOperations, PartOperations):
    for _name, _operation in list(vars(_family).items()):
        if callable(_operation) and not _name.startswith("_"):
            setattr(LabElastiCache, _name, _locked(_operation))
