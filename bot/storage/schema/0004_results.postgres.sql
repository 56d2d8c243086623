-- What 0003 refuses is still refused, but for a name that becomes a pseudonym. A statement ends with its line.
CREATE OR REPLACE FUNCTION entries_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
IF TG_OP = 'UPDATE' THEN IF EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.kind = OLD.kind
AND NEW.held_delta_microusd = OLD.held_delta_microusd AND NEW.spent_delta_microusd = OLD.spent_delta_microusd
AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at AND NEW.id = OLD.job_id || ':' || OLD.kind || ':' || NEW.scope
AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))
AND (NEW.actor = OLD.actor OR (OLD.actor = 'member:' || r.name AND NEW.actor = 'member:' || r.pseudonym))
AND NEW.reason IN (OLD.reason, replace(OLD.reason, r.name, r.pseudonym))) THEN RETURN NEW; END IF; END IF; -- allowed
RAISE EXCEPTION 'entries are append-only'; END $$;
CREATE OR REPLACE FUNCTION acts_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
IF TG_OP = 'UPDATE' THEN IF EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.act = OLD.act
AND NEW.before = OLD.before AND NEW.after = OLD.after
AND (NEW.actor_id = OLD.actor_id OR (OLD.actor_id = CAST(r.name AS BIGINT)
AND NEW.actor_id = CAST(r.pseudonym AS BIGINT)))
AND (NEW.subject = OLD.subject OR (OLD.subject = 'member:' || r.name AND NEW.subject = 'member:' || r.pseudonym))
AND NEW.reason IN (OLD.reason, '')) THEN RETURN NEW; END IF; END IF; -- allowed
RAISE EXCEPTION 'acts are append-only'; END $$;
