UPDATE jobs SET input_bytes = (
SELECT COALESCE(SUM(json_extract(item.value, '$.size_bytes')), 0) FROM json_each(jobs.body, '$.inputs') AS item
WHERE item.type = 'object'
) WHERE told = 0 AND state = 'waiting' AND json_valid(body);
