"""Read the timetable that lies beside this module (GTFS: a zip of CSV files)."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bahnvision_lab.errors import LabError

ARCHIVE = Path(__file__).parent / "data" / "cairns_gtfs.zip"
SHA256 = "ff39d3763a105ae9cdb7a819d3c3350195d2e34ee95e322652e516a1d3d037cc"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Row = dict[str, str]  # of a CSV file
Values = tuple[object, ...]  # of a table's row
Rows = Iterator[Values]


@dataclass(frozen=True)
class StopTime:
    trip: str
    sequence: int
    stop: str
    arrival: int | None
    departure: int | None
    pickup: int
    drop_off: int


@dataclass(frozen=True)
class Service:
    """The days of a kind of service: a weekly pattern between two dates, and its exceptions."""

    name: str
    pattern: tuple[bool, ...]
    start: dt.date
    end: dt.date
    exceptions: dict[dt.date, int]

    def runs_on(self, day: dt.date) -> bool:
        if day in self.exceptions:
            return self.exceptions[day] == 1
        return self.start <= day <= self.end and self.pattern[day.weekday()]


@dataclass(frozen=True)
class Feed:
    agency: Row
    stops: list[Row]
    routes: list[Row]
    trips: list[Row]
    stop_times: list[StopTime]
    services: list[Service]
    shapes: dict[str, list[tuple[float, float]]]
    packed_at: dt.datetime

    @cached_property
    def start(self) -> dt.date:
        return min(service.start for service in self.services)

    @cached_property
    def end(self) -> dt.date:
        return max(service.end for service in self.services)

    @property
    def weeks(self) -> int:
        """Whole weeks the timetable covers: a copy moved by them keeps its days of the week."""
        return -(-((self.end - self.start).days + 1) // 7)


def read(archive: Path = ARCHIVE) -> Feed:
    """Return the timetable in memory: it is small and of a fixed size, whatever the scale."""
    try:
        content = archive.read_bytes()
    except OSError as problem:
        raise LabError(
            f"the timetable {archive} cannot be read: {problem}; restore it from the repository"
        ) from problem
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise LabError(
            f"the timetable {archive} is damaged (sha256 {found}, not {SHA256}); restore it from the repository"
        )
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        exceptions = list(_rows(zipped, "calendar_dates.txt"))
        return Feed(
            agency=next(_rows(zipped, "agency.txt")),
            stops=list(_rows(zipped, "stops.txt")),
            routes=list(_rows(zipped, "routes.txt")),
            trips=list(_rows(zipped, "trips.txt")),
            stop_times=[_stop_time(row) for row in _rows(zipped, "stop_times.txt")],
            services=[_service(row, exceptions) for row in _rows(zipped, "calendar.txt")],
            shapes=_shapes(_rows(zipped, "shapes.txt")),
            packed_at=max(dt.datetime(*entry.date_time) for entry in zipped.infolist()),
        )


def seconds(text: str) -> int | None:
    """Return '29:39:00' as seconds since the service day's midnight, '' as None."""
    if not text:
        return None
    hours, minutes, rest = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def _rows(zipped: zipfile.ZipFile, name: str) -> Iterator[Row]:
    with zipped.open(name) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def _stop_time(row: Row) -> StopTime:
    return StopTime(
        trip=row["trip_id"],
        sequence=int(row["stop_sequence"]),
        stop=row["stop_id"],
        arrival=seconds(row["arrival_time"]),
        departure=seconds(row["departure_time"]),
        pickup=int(row["pickup_type"]),
        drop_off=int(row["drop_off_type"]),
    )


def _service(row: Row, exceptions: list[Row]) -> Service:
    return Service(
        name=row["service_id"],
        pattern=tuple(row[day] == "1" for day in WEEKDAYS),
        start=dt.date.fromisoformat(row["start_date"]),
        end=dt.date.fromisoformat(row["end_date"]),
        exceptions={
            dt.date.fromisoformat(entry["date"]): int(entry["exception_type"])
            for entry in exceptions
            if entry["service_id"] == row["service_id"]
        },
    )


def _shapes(rows: Iterator[Row]) -> dict[str, list[tuple[float, float]]]:
    points: dict[str, list[tuple[int, float, float]]] = {}
    for row in rows:
        point = (int(row["shape_pt_sequence"]), float(row["shape_pt_lat"]), float(row["shape_pt_lon"]))
        points.setdefault(row["shape_id"], []).append(point)
    return {name: [(lat, lon) for _number, lat, lon in sorted(path)] for name, path in points.items()}
