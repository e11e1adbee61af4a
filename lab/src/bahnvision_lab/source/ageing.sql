-- A database that has lived: rows are gone, and the sequences have run ahead of the highest key. Only what was
-- really drawn from a sequence counts; nothing here sets one, except where an operator would.

-- An import that was taken back by hand (the newest rows), and a retention job that left gaps.
DELETE FROM departure_observations
WHERE id > (SELECT max(id) - 120 FROM departure_observations) OR id % 997 = 0;
DELETE FROM weather_observations
WHERE id > (SELECT max(id) - 61 FROM weather_observations) OR id % 499 = 0;
DELETE FROM realtime_station_stats WHERE id > (SELECT max(id) - 30 FROM realtime_station_stats);
DELETE FROM realtime_station_stats_daily WHERE id > (SELECT max(id) - 3 FROM realtime_station_stats_daily);
-- The runs go, their observations stay with a NULL: ON DELETE SET NULL.
DELETE FROM ingestion_runs WHERE id % 151 = 0 OR id = (SELECT max(id) FROM ingestion_runs);

-- An operator set this one forward and nobody has drawn from it since: is_called is false, and the next key is
-- the very number that last_value shows. A move that runs setval(last_value) is off by one here.
ALTER SEQUENCE route_snapshots_id_seq RESTART WITH 5000000;
