-- Move the ids out of the jobs' JSON, the entries' reasons and the acts' subjects. The jobs' JSON is searched and not
-- parsed, because a body that is not JSON would fail the whole step.
UPDATE jobs SET approved_by = CAST(substring(body FROM '"approved_by":([0-9]+)') AS BIGINT)
WHERE body LIKE '%"approved_by":%';

ALTER TABLE entries DISABLE TRIGGER entries_keep;
UPDATE entries SET declined_by = CAST(substr(reason, 13) AS BIGINT), reason = 'declined'
WHERE kind = 'release' AND actor = 'wanda' AND reason ~ '^declined by -?[0-9]+$';
ALTER TABLE entries ENABLE TRIGGER entries_keep;

ALTER TABLE acts DISABLE TRIGGER acts_keep;
UPDATE acts SET member_id = CAST(substr(subject, 8) AS BIGINT) WHERE subject LIKE 'member:%';
ALTER TABLE acts ENABLE TRIGGER acts_keep;

-- What 0004 refuses is still refused, with the new columns. A statement ends with its line.
CREATE OR REPLACE FUNCTION entries_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
IF TG_OP = 'UPDATE' THEN IF EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.kind = OLD.kind
AND NEW.held_delta_microusd = OLD.held_delta_microusd AND NEW.spent_delta_microusd = OLD.spent_delta_microusd
AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at AND NEW.id = OLD.job_id || ':' || OLD.kind || ':' || NEW.scope
AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))
AND (NEW.actor = OLD.actor OR (OLD.actor = 'member:' || r.name AND NEW.actor = 'member:' || r.pseudonym))
AND (NEW.declined_by IS NOT DISTINCT FROM OLD.declined_by OR (OLD.declined_by = CAST(r.name AS BIGINT)
AND NEW.declined_by = CAST(r.pseudonym AS BIGINT)))
AND NEW.reason = OLD.reason) THEN RETURN NEW; END IF; END IF; -- allowed
RAISE EXCEPTION 'entries are append-only'; END $$;
CREATE OR REPLACE FUNCTION acts_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
IF TG_OP = 'UPDATE' THEN IF EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.act = OLD.act
AND NEW.before = OLD.before AND NEW.after = OLD.after
AND (NEW.actor_id = OLD.actor_id OR (OLD.actor_id = CAST(r.name AS BIGINT)
AND NEW.actor_id = CAST(r.pseudonym AS BIGINT)))
AND ((NEW.subject = OLD.subject AND NEW.member_id IS NOT DISTINCT FROM OLD.member_id)
OR (OLD.subject = 'member:' || r.name AND NEW.subject = 'member:' || r.pseudonym
AND NEW.member_id = CAST(r.pseudonym AS BIGINT)))
AND NEW.reason IN (OLD.reason, '')) THEN RETURN NEW; END IF; END IF; -- allowed
RAISE EXCEPTION 'acts are append-only'; END $$;
