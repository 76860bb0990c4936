CREATE OR REPLACE TABLE weather AS
SELECT * FROM read_csv('seattle-weather.csv', dateformat = '%Y/%m/%d', types = {'date': 'DATE'});

-- error() fails the node, and with it the run, before anything is worked out from bad data.
SELECT CASE
    WHEN count(*) = 0
      THEN error('there is no day of ${year} in the data')
    WHEN count(*) <> date_diff('day', min(date), max(date)) + 1
      THEN error('days are missing in ${year}')
    WHEN count(*) <> count(DISTINCT date)
      THEN error('days are doubled in ${year}')
    WHEN count(*) FILTER (temp_max < temp_min OR precipitation < 0) > 0
      THEN error('impossible values in ${year}')
    ELSE count(*) || ' days of ${year} are in order'
  END AS verdict
FROM weather
WHERE year(date) = ${year};
