-- The same rules in words that are cheaper with every row: IN with more than two values has SQLite make a table of them
-- for each statement, which took 12 of the 150 us of a hold and its settlement. A check changes only with its table.
CREATE TABLE draws_anew (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    scope TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side = 'member' OR side = 'server'),
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd >= 0),
    state TEXT NOT NULL CHECK (state = 'held' OR state = 'exposed' OR state = 'settled' OR state = 'released'),
    settled_microusd BIGINT CHECK (settled_microusd >= 0),
    counted_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    PRIMARY KEY (job_id, scope),
    CHECK ((state = 'settled') = (settled_microusd IS NOT NULL)),
    CHECK ((state = 'settled' OR state = 'released') = (ended_at IS NOT NULL))
);
INSERT INTO draws_anew (job_id, position, guild_id, member_id, scope, side, amount_microusd, state, settled_microusd,
    counted_at, ended_at)
SELECT job_id, position, guild_id, member_id, scope, side, amount_microusd, state, settled_microusd, counted_at,
    ended_at FROM draws;
DROP TABLE draws;
ALTER TABLE draws_anew RENAME TO draws;
CREATE INDEX draws_by_scope ON draws (scope, counted_at);
CREATE INDEX draws_of_servers ON draws (counted_at) WHERE position = 0;
-- Every job has one draw at position 0: one row of it says whose the job is.
CREATE INDEX draws_of_member ON draws (member_id) WHERE position = 0;

CREATE TABLE entries_anew (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    job_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'hold' OR kind = 'settle' OR kind = 'release' OR kind = 'expose'),
    held_delta_microusd BIGINT NOT NULL,
    spent_delta_microusd BIGINT NOT NULL,
    counted_at DOUBLE PRECISION NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL
);
INSERT INTO entries_anew (id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at, at,
    actor, reason)
SELECT id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at, at, actor, reason
FROM entries;
-- The triggers go with their table.
DROP TABLE entries;
ALTER TABLE entries_anew RENAME TO entries;
CREATE INDEX entries_by_guild ON entries (guild_id, at);
CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN
SELECT RAISE(ABORT, 'entries are append-only') WHERE NOT EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.kind = OLD.kind
AND NEW.held_delta_microusd = OLD.held_delta_microusd AND NEW.spent_delta_microusd = OLD.spent_delta_microusd
AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at AND NEW.id = OLD.job_id || ':' || OLD.kind || ':' || NEW.scope
AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))
AND (NEW.actor = OLD.actor OR (OLD.actor = 'member:' || r.name AND NEW.actor = 'member:' || r.pseudonym))
AND NEW.reason IN (OLD.reason, replace(OLD.reason, r.name, r.pseudonym))); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
