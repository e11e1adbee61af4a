"""Write the rows: COPY from generators, then what follows from them in SQL. The caller owns the transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from bahnvision_lab.source import feed, observations, provision, timetable
from bahnvision_lab.source.feed import Rows

HERE = Path(__file__).parent
# The revision of the migrations that the schema would be at; Alembic keeps exactly one row.
REVISION = "7c1d5e0b9a42"

Say = Callable[[str], None]

# The columns that COPY fills; generated keys are left to their sequences, so that these are truly drawn from.
COLUMNS = {
    "alembic_version": "version_num",
    "gtfs_feed_info": "feed_id publisher feed_url feed_lang downloaded_at feed_start_date feed_end_date "
    "stop_count route_count trip_count",
    "gtfs_stops": "stop_id stop_name stop_lat stop_lon location_type parent_station platform_code",
    "gtfs_routes": "route_id agency_id route_short_name route_long_name route_type route_color",
    "gtfs_trips": "trip_id route_id service_id trip_headsign direction_id",
    "gtfs_stop_times": "trip_id stop_sequence stop_id arrival_seconds departure_seconds pickup_type drop_off_type",
    "gtfs_calendar": f"service_id {' '.join(feed.WEEKDAYS)} start_date end_date",
    "gtfs_calendar_dates": "service_id date exception_type",
    "stations": "station_id name place latitude longitude transport_modes timezone created_at updated_at",
    "transit_lines": "line_id transport_mode operator description color_hex created_at",
    "ingestion_runs": "job_name source status started_at completed_at records_inserted notes context",
    "departure_observations": "station_id line_id ingestion_run_id destination planned_departure observed_departure "
    "delay_seconds platform transport_mode status cancellation_reason remarks crowding_percent raw_payload created_at",
    "weather_observations": "station_id ingestion_run_id provider observed_at temperature_c humidity_percent "
    "wind_speed_mps pressure_hpa precipitation_mm condition alerts source_payload created_at",
    "route_snapshots": "origin_station_id destination_station_id requested_filters itineraries external_status "
    "requested_at expires_at",
}
# Filled in SQL, from the others (derived.sql).
DERIVED = ("departure_weather_links", "realtime_station_stats", "realtime_station_stats_daily")
TABLES = (*COLUMNS, *DERIVED)


def sources(scale: int) -> dict[str, Rows]:
    """Return the rows of each table as generators: nothing but the feed itself is ever held in memory."""
    cairns = feed.read()
    world = observations.World(cairns, weeks=scale)
    return {
        "alembic_version": iter([(REVISION,)]),
        "gtfs_feed_info": timetable.feed_info(cairns, scale),
        "gtfs_stops": timetable.stops(cairns, scale),
        "gtfs_routes": timetable.routes(cairns, scale),
        "gtfs_trips": timetable.trips(cairns, scale),
        "gtfs_stop_times": timetable.stop_times(cairns, scale),
        "gtfs_calendar": timetable.calendar(cairns, scale),
        "gtfs_calendar_dates": timetable.calendar_dates(cairns, scale),
        "stations": observations.stations(world),
        "transit_lines": observations.transit_lines(world),
        "ingestion_runs": observations.ingestion_runs(world),
        "departure_observations": observations.departures(world),
        "weather_observations": observations.weather(world),
        "route_snapshots": observations.route_snapshots(world),
    }


def fill(connection: psycopg.Connection, scale: int, say: Say) -> None:
    """Make and fill every table of an empty database."""
    connection.execute("SET LOCAL timezone = 'UTC'")  # date_trunc and to_char in derived.sql follow it
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    provision.grant_to_application(connection)
    _script(connection, "schema.sql")
    for table, rows in sources(scale).items():
        started = time.monotonic()
        count = _copy(connection, table, rows)
        say(f"{table}: {count:,} rows, {time.monotonic() - started:.1f} s")
    for title, name in (
        ("links and statistics", "derived.sql"),
        ("keys, indexes, trigger, view", "constraints.sql"),
        ("retention", "ageing.sql"),
    ):
        started = time.monotonic()
        _script(connection, name)
        say(f"{title}: {time.monotonic() - started:.1f} s")
    connection.execute("ANALYZE")


def _copy(connection: psycopg.Connection, table: str, rows: Rows) -> int:
    """Write the rows frozen: the table is of this transaction, so nobody can need their older versions."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FREEZE)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table].split()))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
        return cursor.rowcount


def _script(connection: psycopg.Connection, name: str) -> None:
    # Bytes, as psycopg takes only literal strings or bytes for SQL; without parameters it may hold many statements.
    connection.execute((HERE / name).read_bytes())
