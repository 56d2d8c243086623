-- The same as in SQLite, where it is explained. A statement ends with its line.
INSERT INTO fal_requests (request_id, job_id, guild_id, policy, absorbed_daily_microusd, at)
SELECT request_id, MIN(id), MIN(guild_id), MIN(policy), MIN(absorbed), MIN(created_at) FROM (
SELECT id, guild_id, created_at, substring(body FROM '"request_id":"([^"]{1,128})"') AS request_id,
CASE WHEN body LIKE '%"policy":"charge"%' THEN 'charge' ELSE 'absorb' END AS policy,
COALESCE(CAST(substring(body FROM '"absorbed_daily_microusd":([0-9]{1,13})') AS BIGINT), 1000000) AS absorbed
FROM jobs WHERE body LIKE '%"request\_id":"%') AS found WHERE request_id IS NOT NULL GROUP BY request_id;
CREATE FUNCTION corrections_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
IF TG_OP = 'UPDATE' THEN IF EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.number = OLD.number
AND NEW.spent_delta_microusd = OLD.spent_delta_microusd AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at
AND NEW.reason = OLD.reason AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))) THEN RETURN NEW; END IF; END IF; -- allowed
RAISE EXCEPTION 'corrections are append-only'; END $$;
CREATE TRIGGER corrections_keep BEFORE UPDATE OR DELETE ON corrections FOR EACH ROW
EXECUTE FUNCTION corrections_refuse();
