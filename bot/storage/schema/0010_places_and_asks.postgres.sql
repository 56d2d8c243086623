-- By pattern, because a body that is no JSON must not keep the step from being applied. A waiting job has no other sizes.
UPDATE jobs SET input_bytes = (
SELECT COALESCE(SUM(CAST(found.part[1] AS BIGINT)), 0) FROM regexp_matches(body, '"size_bytes":\s*([0-9]{1,15})', 'g') AS found (part)
) WHERE told = 0 AND state = 'waiting';
