-- Rows that follow from other rows, as the application's own jobs would make them. Every INSERT is ordered, so
-- that the same load always gives the same ids.

-- The hour's weather at the station, for the departures that were not on time.
INSERT INTO departure_weather_links (departure_id, weather_id, offset_minutes, relationship_type)
SELECT d.id, w.id, round(extract(epoch FROM d.planned_departure - w.observed_at) / 60)::integer,
       CASE WHEN d.status = 'cancelled' THEN 'cause?' ELSE 'closest' END
FROM departure_observations AS d
JOIN weather_observations AS w
  ON w.station_id = d.station_id AND w.observed_at = date_trunc('hour', d.planned_departure)
WHERE d.status IN ('delayed', 'cancelled')
ORDER BY d.id, w.id;

-- Two rows per stop and hour: one per kind of vehicle, and the sum over all kinds (route_type NULL).
INSERT INTO realtime_station_stats (stop_id, bucket_start, route_type, observation_count, total_delay_seconds,
                                    delayed_count, on_time_count, cancelled_count, updated_at)
SELECT station_id, hour, route_type, count(*), coalesce(sum(delay_seconds), 0),
       count(*) FILTER (WHERE status = 'delayed'), count(*) FILTER (WHERE status = 'on_time'),
       count(*) FILTER (WHERE status = 'cancelled'), hour + interval '65 minutes'
FROM (SELECT station_id, delay_seconds, status, date_trunc('hour', planned_departure) AS hour,
             (CASE transport_mode WHEN 'TRAM' THEN 0 WHEN 'UBAHN' THEN 1 WHEN 'BUS' THEN 3 ELSE 2 END)::smallint
                 AS route_type
      FROM departure_observations) AS d
GROUP BY GROUPING SETS ((station_id, hour, route_type), (station_id, hour))
ORDER BY hour, station_id, route_type;

INSERT INTO realtime_station_stats_daily (stop_id, service_date, departures, on_time_ratio, mean_delay_seconds,
                                          by_hour, updated_at)
SELECT stop_id, day, sum(observation_count),
       sum(on_time_count)::numeric / nullif(sum(observation_count - cancelled_count), 0),
       avg(total_delay_seconds::numeric / nullif(observation_count, 0)),
       jsonb_object_agg(to_char(local_start, 'HH24'),
                        jsonb_build_object('n', observation_count, 'late', delayed_count)),
       day::timestamp AT TIME ZONE 'UTC' + interval '26 hours'
FROM (SELECT *, bucket_start AT TIME ZONE 'Australia/Brisbane' AS local_start,
             (bucket_start AT TIME ZONE 'Australia/Brisbane')::date AS day
      FROM realtime_station_stats WHERE route_type IS NULL) AS hours
GROUP BY stop_id, day
ORDER BY day, stop_id;
