"""Work beside the API: the answer comes at once, the status tells how far the work is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.rds.models import DBInstance

from bahnvision_lab import pace
from bahnvision_lab.aws.rds.instances import Fleet, RealInstance
from bahnvision_lab.aws.refusals import LabLacks


def key_of(database: DBInstance) -> tuple[str, str, str]:
    return (database.account_id, database.region, database.db_instance_identifier)


@dataclass(frozen=True)
class Job:
    """One piece of work on an instance, and the statuses around it."""

    status: str
    work: Callable[[RealInstance], Any]
    pace: str | None = None  # how long AWS takes for this kind of work
    then: str = "available"
    failed: str = "failed"


class Jobs:
    """Starts them; one at a time per instance."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def instance(self, database: DBInstance) -> RealInstance:
        instance = self.fleet.find(key_of(database))
        if instance is None:
            raise LabLacks(f"a server behind {database.db_instance_identifier}")
        return instance

    def start(self, database: DBInstance, job: Job, afterwards: Callable[[RealInstance], Any] | None = None) -> None:
        """Set the status, do the work beside the API, and set the status that follows from it.

        `afterwards` is done when the status is set already; its failure is told in the lab's log alone.
        """
        instance, began = self.instance(database), time.monotonic()
        database.status = job.status

        def do() -> None:
            with instance.lock:
                if instance.gone:
                    return
                job.work(instance)
                if job.pace:
                    pace.at_least(job.pace, began)
            # Before the API says so: who sees the new status finds the way in, in the lab's own status.
            self.fleet.on_change()
            if not instance.gone:
                database.status = job.then
            if afterwards:
                self.quietly(instance, f"after {job.status} {database.db_instance_identifier}", afterwards)

        subject = f"{job.status} {database.db_instance_identifier}"
        self.fleet.in_background(subject, do, lambda: setattr(database, "status", job.failed))
        self.fleet.on_change()

    def quietly(self, instance: RealInstance, subject: str, work: Callable[[RealInstance], Any]) -> None:
        """Work that the API does not tell of."""

        def do() -> None:
            with instance.lock:
                if not instance.gone:
                    work(instance)

        self.fleet.in_background(subject, do, lambda: None)
