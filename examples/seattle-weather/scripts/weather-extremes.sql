SELECT what, strftime(day, '%d %B') AS day, amount
FROM (
  SELECT
    unnest(['hottest', 'coldest', 'wettest', 'windiest']) AS what,
    unnest([arg_max(date, temp_max), arg_min(date, temp_min), arg_max(date, precipitation), arg_max(date, wind)]) AS day,
    unnest([max(temp_max) || ' °C', min(temp_min) || ' °C', max(precipitation) || ' mm', max(wind) || ' m/s']) AS amount
  FROM weather
  WHERE year(date) = ${year}
);
