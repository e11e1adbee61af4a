"""What ElastiCache does by itself, by the clock: daily snapshots, and changes that wait for their window."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bahnvision_lab.aws.elasticache import changes, names, snapshots
from bahnvision_lab.aws.elasticache.books import Books, Group, now

if TYPE_CHECKING:
    from bahnvision_lab.aws.elasticache.service import Service

PERIOD = 1.0  # seconds


class Keeper:
    """Looks at all groups again and again, as long as the lab lives."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._pause = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="cache-keeper", daemon=True).start()

    def _run(self) -> None:
        while not self.service.fleet.closing:
            for books in self.service.all_books():
                with books.lock:
                    for group in list(books.groups.values()):
                        self._look_after(books, group)
            self._pause.wait(PERIOD)

    def _look_after(self, books: Books, group: Group) -> None:
        if group.status != "available":
            return
        snapshots.remove_expired(books, group)
        if group.retention and in_daily(group.snapshot_window) and not _done_today(books, group):
            name = f"automatic.{group.identifier}-{now():%Y-%m-%d-%H-%M}"
            snapshot = snapshots.begin(books, self.service.fleet, group, name, "automated", None, None)
            snapshots.start(books, self.service.fleet, group, snapshot)
        elif group.pending and in_weekly(group.maintenance_window):
            changes.apply_pending(books, self.service.fleet, group)


def in_daily(window: str) -> bool:
    minute = now().hour * 60 + now().minute
    covered = names.daily_window(window)
    return minute in covered or minute + names.DAY in covered


def in_weekly(window: str) -> bool:
    minute = now().weekday() * names.DAY + now().hour * 60 + now().minute
    covered = names.weekly_window(window)
    return minute in covered or minute + names.WEEK in covered


def _done_today(books: Books, group: Group) -> bool:
    return any((now() - entry.created).total_seconds() < 20 * 3600 for entry in snapshots.automatic_of(books, group))
