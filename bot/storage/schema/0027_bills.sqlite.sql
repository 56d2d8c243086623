-- The requests of the jobs so far. A quote in a text stands as \" in JSON, so what is looked for is only found as a key.
INSERT INTO fal_requests (request_id, job_id, guild_id, policy, absorbed_daily_microusd, at)
SELECT substr(cut, 1, instr(cut, '"') - 1), MIN(id), MIN(guild_id), MIN(policy), MIN(absorbed), MIN(created_at) FROM (
SELECT id, guild_id, created_at, substr(body, instr(body, '"request_id":"') + 14, 129) AS cut,
CASE WHEN instr(body, '"policy":"charge"') > 0 THEN 'charge' ELSE 'absorb' END AS policy,
CASE WHEN instr(body, '"absorbed_daily_microusd":') > 0
THEN CAST(substr(body, instr(body, '"absorbed_daily_microusd":') + 26, 14) AS INTEGER) ELSE 1000000 END AS absorbed
FROM jobs WHERE instr(body, '"request_id":"') > 0) AS found WHERE instr(cut, '"') > 1 GROUP BY 1;
CREATE TRIGGER corrections_keep BEFORE UPDATE ON corrections BEGIN
SELECT RAISE(ABORT, 'corrections are append-only') WHERE NOT EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.number = OLD.number
AND NEW.spent_delta_microusd = OLD.spent_delta_microusd AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at
AND NEW.reason = OLD.reason AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))); END;
CREATE TRIGGER corrections_stay BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
