"""The rows the application would have observed: invented, but the same on every machine and every day.

One unit of scale is one week of service. Everything follows from the timetable and a fixed seed: no wall clock,
and of the random generator only random(), whose sequence Python keeps between versions.
"""

# ruff: noqa: RUF001 - text that is not ASCII is what these rows are for

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from psycopg.types.json import Jsonb

from bahnvision_lab.source import timetable
from bahnvision_lab.source.feed import Feed, Row, Rows, Values

STATIONS = 60
RUNS_PER_DAY = 49  # each hour departures and weather, once a day the stations
HOUR = dt.timedelta(hours=1)
BRISBANE = dt.timezone(dt.timedelta(hours=10))  # Queensland has no daylight saving time

# What makes text hard to move: not ASCII, quotes, commas, backslashes, line ends, tabs, an empty string.
REMARKS = (
    "Umleitung über Sheridan Street", 'Haltestelle "City Mall" verlegt, bitte folgen', "Türstörung – Ersatzbus",
    "Gimuy Walubara Yidinji Country 🐊", "Rampe defekt; Fahrer\\in ansprechen", "Barron River: flooding,\nsee notices",
    "{Sonderfahrt}", "",
)  # fmt: skip
REASONS = ("Fahrzeugmangel", "Überflutung am Barron River", "driver\tunavailable", "Unfall – Polizeieinsatz")
CONDITIONS = ("clear", "clear", "cloudy", "rain", "storm", "fog", "unknown")


@dataclass(frozen=True)
class Call:
    """One planned departure of a trip at a station."""

    seconds: int
    station: str
    trip: str
    route: Row
    headsign: str


@dataclass(frozen=True)
class World:
    """The timetable, and how many weeks of it were observed."""

    feed: Feed
    weeks: int

    @property
    def days(self) -> int:
        return self.weeks * 7

    @cached_property
    def stations(self) -> list[Row]:
        """The busiest stops of the timetable."""
        busy = Counter(at.stop for at in self.feed.stop_times if at.departure is not None)
        order = sorted(self.feed.stops, key=lambda row: (-busy[row["stop_id"]], row["stop_id"]))
        return order[:STATIONS]

    @cached_property
    def calls(self) -> dict[str, list[Call]]:
        """Per kind of service, its departures at the stations in the order of time."""
        wanted = {row["stop_id"] for row in self.stations}
        routes = {row["route_id"]: row for row in self.feed.routes}
        trips = {row["trip_id"]: row for row in self.feed.trips}
        found: dict[str, list[Call]] = {service.name: [] for service in self.feed.services}
        for at in self.feed.stop_times:
            if at.departure is not None and at.stop in wanted:
                trip = trips[at.trip]
                call = Call(at.departure, at.stop, at.trip, routes[trip["route_id"]], trip["trip_headsign"])
                found[trip["service_id"]].append(call)
        for calls in found.values():
            calls.sort(key=lambda call: (call.seconds, call.station, call.trip))
        return found

    @cached_property
    def begin(self) -> dt.datetime:
        return dt.datetime.combine(self.feed.start, dt.time(), BRISBANE)

    def midnight(self, day: int) -> dt.datetime:
        return self.begin + dt.timedelta(days=day)

    def run_at(self, moment: dt.datetime, job: int) -> int | None:
        """Return the id of the run that saw the moment: ids are drawn in order, from 1."""
        day, hour = divmod((moment - self.begin) // HOUR, 24)
        return 1 + day * RUNS_PER_DAY + hour * 2 + job if day < self.days else None


def _dice(table: str, day: int) -> random.Random:
    return random.Random(f"bahnvision {table} {day}")  # noqa: S311 - repeatable rows, no secret


def stations(world: World) -> Rows:
    born = world.begin
    for number, row in enumerate(world.stations):
        modes = ["BUS"] if number % 7 else ["BUS", "REGIONAL"]
        yield (
            row["stop_id"], row["stop_name"], "Cairns – Gimuy" if number % 9 == 0 else "Cairns",
            float(row["stop_lat"]), float(row["stop_lon"]), modes if number != STATIONS - 1 else [],
            world.feed.agency["agency_timezone"], born, born + dt.timedelta(minutes=number),
        )  # fmt: skip


def transit_lines(world: World) -> Rows:
    for number, row in enumerate(world.feed.routes):
        yield (
            row["route_short_name"], "BUS", world.feed.agency["agency_name"],
            row["route_long_name"].replace(" - ", " – "), f"#{row['route_color']}" if number % 5 else None,
            world.begin,
        )  # fmt: skip


def ingestion_runs(world: World) -> Rows:
    """All have ended but the last of each hourly job: a partial unique index allows one RUNNING per job."""
    for day in range(world.days):
        dice = _dice("runs", day)
        jobs = [("departures", "TRANSIT_DEPARTURES"), ("weather", "WEATHER")] * 24 + [("stations", "TRANSIT_STATIONS")]
        for number, (job, source) in enumerate(jobs):
            started = world.midnight(day) + dt.timedelta(hours=number // 2, seconds=int(dice.random() * 240))
            yield _run(dice, job, source, started, running=day == world.days - 1 and number in (46, 47))


def _run(dice: random.Random, job: str, source: str, started: dt.datetime, *, running: bool) -> Values:
    luck = dice.random()
    status = "RUNNING" if running else "FAILED" if luck < 0.02 else "RETRYING" if luck < 0.03 else "SUCCESS"
    ended = started + dt.timedelta(milliseconds=int(dice.random() * 90_000))
    notes = "Zeitüberschreitung nach 30 s\nerneut versucht" if status == "RETRYING" else None
    context = Jsonb(
        {"worker": int(dice.random() * 4), "http": {"status": 504 if notes else 200}, "teil": "Köln/Cairns"}
    )
    records = 0 if status in ("RUNNING", "FAILED") else int(dice.random() * 900)
    return job, source, status, started, None if running else ended, records, notes, context if luck < 0.9 else None


def departures(world: World) -> Rows:
    """Every planned departure at the stations, day by day in the order of time."""
    for day in range(world.days):
        yield from departures_of(world, day)


def departures_of(world: World, day: int) -> Rows:
    dice, midnight = _dice("departures", day), world.midnight(day)
    copy = day // 7 // world.feed.weeks
    date = midnight.date() - timetable.shift(world.feed, copy)
    active = [service.name for service in world.feed.services if service.runs_on(date)]
    for call in sorted((call for name in active for call in world.calls[name]), key=lambda call: call.seconds):
        planned = midnight + dt.timedelta(seconds=call.seconds)
        yield _departure(dice, call, planned, world.run_at(planned, 0), timetable.renamed(call.trip, copy))


def _departure(dice: random.Random, call: Call, planned: dt.datetime, run: int | None, trip: str) -> Values:
    luck, second, third = dice.random(), dice.random(), dice.random()
    delay = None if luck < 0.05 else int(second**4 * 1500) - 60
    status = "cancelled" if luck < 0.02 else "unknown" if delay is None else "delayed" if delay >= 300 else "on_time"
    observed = None if delay is None else planned + dt.timedelta(seconds=delay, milliseconds=int(third * 1000))
    remarks = [REMARKS[int(third * 1000) % len(REMARKS)]] * (1 + int(luck * 20) % 2) if second > 0.93 else []
    payload = {"trip": trip, "realtime": observed is not None, "delay": delay, "headsign": call.headsign}
    return (
        call.station, call.route["route_short_name"], run, call.headsign, planned, observed, delay,
        f"Gleis {1 + int(third * 4)}" if third < 0.2 else None, "BUS", status,
        REASONS[int(third * len(REASONS))] if status == "cancelled" else None, remarks,
        int(third * 101) if luck > 0.4 else None, Jsonb(payload) if third < 0.6 else None,
        planned + dt.timedelta(seconds=90),
    )  # fmt: skip


def weather(world: World) -> Rows:
    """Each hour one row for the town (without a station) and one per station."""
    places = [None, *(row["stop_id"] for row in world.stations)]
    for day in range(world.days):
        dice = _dice("weather", day)
        for hour in range(24):
            observed = world.midnight(day) + dt.timedelta(hours=hour)
            run = world.run_at(observed, 1)
            sky = CONDITIONS[int(dice.random() * len(CONDITIONS))]
            warmth = 19 + 11 * (1 - abs(hour - 14) / 14)
            for place in places:
                yield _weather(dice, place, run, observed, sky, warmth)


def _weather(
    dice: random.Random, place: str | None, run: int | None, observed: dt.datetime, sky: str, warmth: float
) -> Values:
    luck, second = dice.random(), dice.random()
    wet = sky in ("rain", "storm")
    alerts = ["Sturmwarnung – Küste", "cyclone watch, category 1", None][: 1 + int(luck * 3)] if sky == "storm" else []
    payload = Jsonb({"station": place, "κωδικός": sky, "raw": [round(second, 6), None, True]}) if luck < 0.25 else None
    return (
        place, run, "bom.gov.au" if luck < 0.97 else "open-meteo", observed,
        f"{warmth + second * 3 - 1:.2f}" if luck > 0.01 else None, f"{55 + second * 45:.2f}", f"{luck * 14:.2f}",
        f"{1004 + second * 16:.2f}" if second > 0.05 else None, f"{second * 30:.2f}" if wet else "0.00",
        sky, alerts, payload, observed + dt.timedelta(minutes=4),
    )  # fmt: skip


def route_snapshots(world: World) -> Rows:
    """Three searches an hour between two stations; some answers carry the path of a line."""
    paths = sorted(world.feed.shapes.items())
    for day in range(world.days):
        dice = _dice("snapshots", day)
        for number in range(72):
            asked = world.midnight(day) + dt.timedelta(minutes=number * 20, seconds=int(dice.random() * 900))
            path = paths[int(dice.random() * len(paths))] if dice.random() < 0.25 else None
            yield _snapshot(dice, world, asked, path)


def _snapshot(
    dice: random.Random, world: World, asked: dt.datetime, path: tuple[str, list[tuple[float, float]]] | None
) -> Values:
    start = int(dice.random() * STATIONS)
    end = (start + 1 + int(dice.random() * (STATIONS - 1))) % STATIONS
    luck = dice.random()
    status = "TIMEOUT" if luck < 0.02 else "NOT_FOUND" if luck < 0.05 else "RATE_LIMITED" if luck < 0.06 else "SUCCESS"
    legs = [{"line": "über Smithfield", "minutes": 4 + int(dice.random() * 50)} for _count in range(1 + int(luck * 3))]
    answer: dict[str, object] = {"legs": legs, "fare": {"AUD": round(2 + luck * 9, 2)}}
    if path:
        answer["path"] = {"shape": path[0], "points": path[1]}
    filters = Jsonb({"modes": ["BUS"], "barrierefrei": luck > 0.5}) if luck < 0.8 else None
    expires = "infinity" if luck > 0.98 else asked + dt.timedelta(hours=1) if luck > 0.1 else None
    return (
        world.stations[start]["stop_id"], world.stations[end]["stop_id"], filters,
        Jsonb(answer) if status == "SUCCESS" else None, status, asked, expires,
    )  # fmt: skip
