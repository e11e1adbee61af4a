"""What the source database holds after `lab load`."""

from __future__ import annotations

import psycopg
import pytest
from bahnvision_lab.source import ensure_database, load, mark
from source_cluster import PASSWORD, cluster, dsn_of, one, orphans, unvalidated


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("source") / "postgres") as started:
        yield started


@pytest.fixture
def loaded(server):
    """A connection to the database at scale 1; a test that changes it leaves the repair to the next load."""
    load(dsn_of(server), 1)
    with server.connect("bahnvision") as connection:
        yield connection


def test_the_cluster_is_as_docker_compose_makes_it(server, loaded):
    owner, encoding = loaded.execute(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'bahnvision'"
    ).fetchone()
    assert (owner, encoding) == ("bahnvision", "UTF8")
    assert one(loaded, "SELECT rolsuper FROM pg_roles WHERE rolname = 'bahnvision'") is True
    ensure_database(server)  # a second time changes nothing
    assert one(loaded, "SELECT count(*) FROM gtfs_stops") == 416


def test_the_application_may_read_and_write_but_not_make_tables(server, loaded):
    with psycopg.connect(
        host="127.0.0.1", port=server.port, user="bahnvision_app", password=PASSWORD, dbname="bahnvision"
    ) as app:
        app.execute("INSERT INTO ingestion_runs (job_name, source) VALUES ('probe', 'WEATHER')")
        app.execute("UPDATE stations SET place = 'Cairns' WHERE station_id = (SELECT min(station_id) FROM stations)")
        touched = one(app, "SELECT updated_at = now() FROM stations ORDER BY station_id LIMIT 1")
        assert touched, "the trigger did not set updated_at"
        app.execute("DELETE FROM route_snapshots WHERE id = 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE forbidden (id integer)")
        app.rollback()


def test_every_table_is_filled_with_the_feed(loaded):
    rows = mark.count_rows(loaded)
    assert min(rows.values()) > 0, rows
    assert rows["gtfs_stop_times"] == 37790
    assert 100_000 <= sum(rows.values()) <= 200_000
    assert one(loaded, "SELECT max(departure_seconds) FROM gtfs_stop_times") == 29 * 3600 + 39 * 60
    assert one(loaded, "SELECT count(*) FROM gtfs_stop_times WHERE arrival_seconds IS NULL") == 65
    assert one(loaded, "SELECT stop_name FROM gtfs_stops WHERE stop_id = '750001'") == "Williams Esplanade N201"
    assert one(loaded, "SELECT count(*) FROM station_punctuality") > 400


def test_the_schema_holds_what_is_hard_to_move(loaded):
    assert one(loaded, "SELECT count(*) FROM pg_type WHERE typtype = 'e'") == 6
    assert one(loaded, "SELECT count(*) FROM pg_index WHERE indnullsnotdistinct") == 1
    assert one(loaded, "SELECT count(*) FROM pg_index JOIN pg_class ON oid = indrelid "
                       "WHERE indpred IS NOT NULL AND relnamespace = 'public'::regnamespace") == 3  # fmt: skip
    kinds = {kind for (kind,) in loaded.execute("SELECT DISTINCT attidentity::text FROM pg_attribute WHERE attnum > 0")}
    assert {"a", "d"} <= kinds
    assert one(loaded, "SELECT count(*) FROM pg_depend WHERE deptype = 'a' AND classid = 'pg_class'::regclass "
                       "AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'S')") == 3  # fmt: skip
    assert unvalidated(loaded) == 0
    assert orphans(loaded) == 0


def test_a_second_row_for_all_kinds_is_refused(loaded):
    copy = (
        "INSERT INTO realtime_station_stats (stop_id, bucket_start, route_type) "
        "SELECT stop_id, bucket_start, NULL FROM realtime_station_stats WHERE route_type IS NULL LIMIT 1"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        loaded.execute(copy)


def test_the_rows_hold_what_is_hard_to_move(loaded):
    for what, condition in {
        "line ends": "remarks::text LIKE E'%\\n%'",
        "backslashes": "remarks::text LIKE '%\\\\%'",
        "an emoji": "remarks::text LIKE '%🐊%'",
        "empty strings in arrays": "'' = ANY (remarks)",
        "empty arrays": "remarks = '{}'",
        "NULL": "observed_departure IS NULL",
        "tabs": "cancellation_reason LIKE E'%\\t%'",
        "jsonb": "raw_payload ->> 'trip' LIKE 'CNS2014%'",
        "jsonb null": "raw_payload -> 'delay' = 'null'",
    }.items():
        assert one(loaded, f"SELECT count(*) FROM departure_observations WHERE {condition}") > 0, what
    assert one(loaded, "SELECT count(*) FROM weather_observations WHERE array_position(alerts, NULL) > 0") > 0
    assert one(loaded, "SELECT count(*) FROM route_snapshots WHERE expires_at = 'infinity'") > 0
    assert one(loaded, "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'route_snapshots'") > 0
    statuses = one(loaded, "SELECT count(DISTINCT status) FROM departure_observations")
    assert statuses == 4
    assert one(loaded, "SELECT max(reltuples) FROM pg_class WHERE relname = 'gtfs_stop_times'") == 37790  # ANALYZE ran


def test_sequences_have_run_ahead_of_the_keys(loaded):
    for table in (
        "departure_observations", "weather_observations", "ingestion_runs", "realtime_station_stats",
        "realtime_station_stats_daily", "route_snapshots",
    ):  # fmt: skip
        highest = one(loaded, f"SELECT max(id) FROM {table}")
        last, called = loaded.execute(f"SELECT last_value, is_called FROM {table}_id_seq").fetchone()
        assert last > highest, table
        assert called is (table != "route_snapshots"), table
    assert one(loaded, "SELECT last_value FROM ingestion_batch_seq") > one(loaded, "SELECT max(id) FROM ingestion_runs")
