"""The rows of the gtfs_* tables, at any scale.

Copy 0 is the feed as published. Copy n is a later timetable period: the same trips under ids of their own,
on service days moved by n times the length of the feed. Stops and routes stay what they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from bahnvision_lab.source.feed import Feed, Rows, Service


def renamed(name: str, copy: int) -> str:
    """Return the id of a trip, service or feed in a copy."""
    return f"{name}~{copy}" if copy else name


def shift(feed: Feed, copy: int) -> dt.timedelta:
    return dt.timedelta(weeks=feed.weeks * copy)


def feed_info(feed: Feed, copies: int) -> Rows:
    for copy in range(copies):
        moved = shift(feed, copy)
        yield (
            renamed("cairns-2014", copy), feed.agency["agency_name"], feed.agency["agency_url"],
            feed.agency["agency_lang"], feed.packed_at + moved, feed.start + moved, feed.end + moved,
            len(feed.stops), len(feed.routes), len(feed.trips),
        )  # fmt: skip


def stops(feed: Feed, _copies: int) -> Rows:
    for row in feed.stops:
        yield (
            row["stop_id"], row["stop_name"], float(row["stop_lat"]), float(row["stop_lon"]),
            int(row["location_type"]), row["parent_station"] or None, row.get("platform_code") or None,
        )  # fmt: skip


def routes(feed: Feed, _copies: int) -> Rows:
    for row in feed.routes:
        yield (
            row["route_id"], row.get("agency_id") or None, row["route_short_name"], row["route_long_name"],
            int(row["route_type"]), row["route_color"],
        )  # fmt: skip


def trips(feed: Feed, copies: int) -> Rows:
    for copy in range(copies):
        for row in feed.trips:
            yield (
                renamed(row["trip_id"], copy), row["route_id"], renamed(row["service_id"], copy),
                row["trip_headsign"], int(row["direction_id"]),
            )  # fmt: skip


def stop_times(feed: Feed, copies: int) -> Rows:
    for copy in range(copies):
        for at in feed.stop_times:
            yield (
                renamed(at.trip, copy), at.sequence, at.stop, at.arrival, at.departure, at.pickup, at.drop_off
            )  # fmt: skip


def calendar(feed: Feed, copies: int) -> Rows:
    for copy, service in _services(feed, copies):
        moved = shift(feed, copy)
        yield (renamed(service.name, copy), *service.pattern, service.start + moved, service.end + moved)


def calendar_dates(feed: Feed, copies: int) -> Rows:
    for copy, service in _services(feed, copies):
        for day, kind in service.exceptions.items():
            yield renamed(service.name, copy), day + shift(feed, copy), kind


def _services(feed: Feed, copies: int) -> Iterator[tuple[int, Service]]:
    for copy in range(copies):
        for service in feed.services:
            yield copy, service
