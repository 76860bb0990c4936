SELECT
  strftime(min(date), '%b') AS month,
  round(avg(temp_max), 1) AS warmest,
  round(avg(temp_min), 1) AS coldest,
  round(sum(precipitation), 0)::INTEGER AS rain,
  count(*) FILTER (precipitation > 0) AS wet_days
FROM weather
WHERE year(date) = ${year}
GROUP BY month(date)
ORDER BY month(date);
