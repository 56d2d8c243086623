-- Move the ids out of the jobs' JSON, the entries' reasons and the acts' subjects.
UPDATE jobs SET approved_by = json_extract(body, '$.approved_by') WHERE json_valid(body);

-- The triggers are made again below, with the new columns.
DROP TRIGGER entries_keep;
UPDATE entries SET declined_by = CAST(substr(reason, 13) AS INTEGER), reason = 'declined'
WHERE kind = 'release' AND actor = 'wanda' AND reason GLOB 'declined by *[0-9]'
AND ltrim(substr(reason, 13), '-') NOT GLOB '*[^0-9]*';
CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN
SELECT RAISE(ABORT, 'entries are append-only') WHERE NOT EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.kind = OLD.kind
AND NEW.held_delta_microusd = OLD.held_delta_microusd AND NEW.spent_delta_microusd = OLD.spent_delta_microusd
AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at AND NEW.id = OLD.job_id || ':' || OLD.kind || ':' || NEW.scope
AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))
AND (NEW.actor = OLD.actor OR (OLD.actor = 'member:' || r.name AND NEW.actor = 'member:' || r.pseudonym))
AND (NEW.declined_by IS OLD.declined_by OR (OLD.declined_by = CAST(r.name AS INTEGER)
AND NEW.declined_by = CAST(r.pseudonym AS INTEGER)))
AND NEW.reason = OLD.reason); END;

DROP TRIGGER acts_keep;
UPDATE acts SET member_id = CAST(substr(subject, 8) AS INTEGER) WHERE subject GLOB 'member:*';
CREATE TRIGGER acts_keep BEFORE UPDATE ON acts BEGIN
SELECT RAISE(ABORT, 'acts are append-only') WHERE NOT EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.act = OLD.act
AND NEW.before = OLD.before AND NEW.after = OLD.after
AND (NEW.actor_id = OLD.actor_id OR (OLD.actor_id = CAST(r.name AS INTEGER)
AND NEW.actor_id = CAST(r.pseudonym AS INTEGER)))
AND ((NEW.subject = OLD.subject AND NEW.member_id IS OLD.member_id)
OR (OLD.subject = 'member:' || r.name AND NEW.subject = 'member:' || r.pseudonym
AND NEW.member_id = CAST(r.pseudonym AS INTEGER)))
AND (NEW.reason IN (OLD.reason, ''))); END;
