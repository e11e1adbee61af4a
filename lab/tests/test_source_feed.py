"""The timetable that lies in the repository, and the rows made from it, without a database."""

from __future__ import annotations

import datetime as dt
import itertools
import tracemalloc

import pytest
from bahnvision_lab.errors import LabError
from bahnvision_lab.source import feed, observations, timetable


@pytest.fixture(scope="module")
def cairns():
    return feed.read()


def test_the_feed_is_the_published_one(cairns):
    sizes = {name: len(getattr(cairns, name)) for name in ("stops", "routes", "trips", "stop_times", "services")}
    assert sizes == {"stops": 416, "routes": 22, "trips": 1339, "stop_times": 37790, "services": 4}
    assert (cairns.start, cairns.end, cairns.weeks) == (dt.date(2014, 5, 26), dt.date(2014, 12, 28), 31)


def test_a_damaged_feed_is_refused(tmp_path):
    damaged = tmp_path / "feed.zip"
    damaged.write_bytes(feed.ARCHIVE.read_bytes()[:-1])
    with pytest.raises(LabError, match="damaged"):
        feed.read(damaged)
    with pytest.raises(LabError, match="cannot be read"):
        feed.read(tmp_path / "absent.zip")


@pytest.mark.parametrize(("text", "value"), [("00:00:00", 0), ("29:39:00", 106740), ("5:04:03", 18243), ("", None)])
def test_times_of_a_service_day(text, value):
    assert feed.seconds(text) == value


def test_exceptions_go_before_the_weekly_pattern(cairns):
    weekday = next(service for service in cairns.services if service.name.endswith("Weekday-00"))
    sunday = next(service for service in cairns.services if service.name.endswith("Sunday-00"))
    holiday = dt.date(2014, 6, 9)  # a Monday with the Sunday timetable
    assert not weekday.runs_on(holiday)
    assert sunday.runs_on(holiday)
    assert weekday.runs_on(holiday + dt.timedelta(days=1))
    assert not weekday.runs_on(cairns.start - dt.timedelta(days=3))


def test_copies_keep_their_days_of_the_week_and_share_no_ids(cairns):
    first, second = list(timetable.calendar(cairns, 2))[:4], list(timetable.calendar(cairns, 2))[4:]
    assert not {row[0] for row in first} & {row[0] for row in second}
    for before, after in zip(first, second, strict=True):
        assert (after[8] - before[8]).days == 217
        assert after[8].weekday() == before[8].weekday()
    trips = [row[0] for row in timetable.trips(cairns, 3)]
    assert len(set(trips)) == len(trips) == 3 * 1339
    assert max(map(len, trips)) <= 64


def test_observations_outlast_the_feed(cairns):
    """Week 32 is observed on the timetable's first copy, not on days nothing runs."""
    world = observations.World(cairns, weeks=33)
    rows = list(observations.departures_of(world, day=32 * 7))
    assert world.begin + dt.timedelta(weeks=32) < rows[0][4] < world.begin + dt.timedelta(weeks=32, days=1)
    assert len(rows) > 5_000
    trips = {row[13].obj["trip"] for row in rows if row[13] is not None}
    assert {trip.partition("~")[2] for trip in trips} == {"1"}


@pytest.mark.full
def test_memory_does_not_grow_with_the_scale(cairns):
    """Rows of three weeks and copies are made one at a time: far below the 70 MB they would take together."""
    world = observations.World(cairns, weeks=3)
    assert world.calls
    tracemalloc.start()
    try:
        rows = sum(1 for _row in itertools.chain(timetable.stop_times(cairns, 3), observations.weather(world)))
        rows += sum(1 for _row in itertools.islice(observations.departures(world), 30_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows > 160_000
    assert peak < 8 * 2**20
