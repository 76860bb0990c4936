-- How many scores are 60 or more; the output is [["3"]].
SELECT count(*) FROM (VALUES (35), (60), (75), (90)) AS scores(score) WHERE score >= 60;
