-- What follows the data: keys between tables, indexes, the trigger and the view.

ALTER TABLE gtfs_stop_times ADD PRIMARY KEY (trip_id, stop_sequence);

ALTER TABLE gtfs_stops
    ADD CONSTRAINT fk_gtfs_stops_parent FOREIGN KEY (parent_station) REFERENCES gtfs_stops ON DELETE SET NULL;
ALTER TABLE gtfs_trips
    ADD CONSTRAINT fk_gtfs_trips_route FOREIGN KEY (route_id) REFERENCES gtfs_routes ON DELETE CASCADE;
ALTER TABLE gtfs_stop_times
    ADD CONSTRAINT fk_gtfs_stop_times_trip FOREIGN KEY (trip_id) REFERENCES gtfs_trips ON DELETE CASCADE,
    ADD CONSTRAINT fk_gtfs_stop_times_stop FOREIGN KEY (stop_id) REFERENCES gtfs_stops;
ALTER TABLE departure_observations
    ADD CONSTRAINT fk_departures_station FOREIGN KEY (station_id) REFERENCES stations ON DELETE CASCADE,
    ADD CONSTRAINT fk_departures_line FOREIGN KEY (line_id) REFERENCES transit_lines ON DELETE RESTRICT,
    ADD CONSTRAINT fk_departures_run FOREIGN KEY (ingestion_run_id) REFERENCES ingestion_runs ON DELETE SET NULL;
ALTER TABLE weather_observations
    ADD CONSTRAINT fk_weather_station FOREIGN KEY (station_id) REFERENCES stations ON DELETE SET NULL,
    ADD CONSTRAINT fk_weather_run FOREIGN KEY (ingestion_run_id) REFERENCES ingestion_runs ON DELETE SET NULL;
ALTER TABLE departure_weather_links
    ADD CONSTRAINT uq_departure_weather UNIQUE (departure_id, weather_id),
    ADD CONSTRAINT fk_links_departure FOREIGN KEY (departure_id)
        REFERENCES departure_observations ON DELETE CASCADE,
    ADD CONSTRAINT fk_links_weather FOREIGN KEY (weather_id) REFERENCES weather_observations ON DELETE CASCADE;
ALTER TABLE route_snapshots
    ADD CONSTRAINT fk_snapshots_origin FOREIGN KEY (origin_station_id) REFERENCES stations ON DELETE CASCADE,
    ADD CONSTRAINT fk_snapshots_destination FOREIGN KEY (destination_station_id)
        REFERENCES stations ON DELETE CASCADE;
ALTER TABLE ingestion_runs ADD CONSTRAINT uq_ingestion_batch UNIQUE (batch_no);

-- One row per stop and hour for the sum over all kinds too, whose route_type is NULL (PostgreSQL 15 and newer).
ALTER TABLE realtime_station_stats ADD CONSTRAINT uq_station_stats_bucket
    UNIQUE NULLS NOT DISTINCT (stop_id, bucket_start, bucket_width_minutes, route_type);
ALTER TABLE realtime_station_stats_daily
    ADD CONSTRAINT uq_station_stats_daily UNIQUE (stop_id, service_date);

CREATE INDEX ix_gtfs_stops_name_trgm ON gtfs_stops USING gin (stop_name gin_trgm_ops);
CREATE INDEX ix_gtfs_stops_parent ON gtfs_stops (parent_station);
CREATE INDEX ix_gtfs_trips_route ON gtfs_trips (route_id);
CREATE INDEX ix_gtfs_trips_service ON gtfs_trips (service_id);
CREATE INDEX ix_gtfs_stop_times_stop ON gtfs_stop_times (stop_id, departure_seconds);
CREATE INDEX ix_stations_modes ON stations USING gin (transport_modes);
CREATE UNIQUE INDEX ux_stations_name ON stations (lower(name), station_id);
CREATE INDEX ix_runs_job_started ON ingestion_runs (job_name, started_at DESC);
-- At most one run of a job at a time: the database, not the application, keeps the second one out.
CREATE UNIQUE INDEX ux_runs_one_running ON ingestion_runs (job_name) WHERE status = 'RUNNING';
CREATE INDEX ix_departures_station_planned ON departure_observations (station_id, planned_departure);
CREATE INDEX ix_departures_line_planned ON departure_observations (line_id, planned_departure);
CREATE INDEX ix_departures_run ON departure_observations (ingestion_run_id);
CREATE INDEX ix_departures_cancelled ON departure_observations (planned_departure) WHERE status = 'cancelled';
CREATE INDEX ix_weather_station_time ON weather_observations (station_id, observed_at);
CREATE INDEX ix_weather_run ON weather_observations (ingestion_run_id);
CREATE INDEX ix_links_weather ON departure_weather_links (weather_id);
CREATE INDEX ix_snapshots_itineraries ON route_snapshots USING gin (itineraries jsonb_path_ops);
CREATE INDEX ix_snapshots_failed ON route_snapshots (requested_at) WHERE external_status <> 'SUCCESS';
CREATE INDEX ix_station_stats_bucket ON realtime_station_stats (bucket_start);

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER stations_updated_at BEFORE UPDATE ON stations
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER station_stats_updated_at BEFORE UPDATE ON realtime_station_stats
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER station_stats_daily_updated_at BEFORE UPDATE ON realtime_station_stats_daily
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE VIEW station_punctuality AS
    SELECT s.station_id, s.name, d.service_date, d.departures, d.on_time_ratio
    FROM realtime_station_stats_daily AS d
    JOIN stations AS s ON s.station_id = d.stop_id;
COMMENT ON VIEW station_punctuality IS 'Pünktlichkeit je Station und Betriebstag';
COMMENT ON COLUMN gtfs_stop_times.departure_seconds IS 'seconds since midnight of the service day; may exceed 86400';
