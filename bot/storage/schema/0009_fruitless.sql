-- Attempts that ended without a video: what the server paid of each for its member, and whether it counts towards the
-- member's wait. An amount is at most 10^12, so that sums of a million of them fit.
CREATE TABLE fruitless (
    job_id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    absorbed_microusd BIGINT NOT NULL CHECK (absorbed_microusd >= 0 AND absorbed_microusd <= 1000000000000),
    slows BIGINT NOT NULL
);
CREATE INDEX fruitless_of_member ON fruitless (guild_id, member_id, at);
CREATE INDEX fruitless_of_guild ON fruitless (guild_id, at);
-- What servers have absorbed so far: a job whose server paid, or may yet pay, more than its member did.
INSERT INTO fruitless (job_id, guild_id, member_id, at, absorbed_microusd, slows)
SELECT s.job_id, s.guild_id, s.member_id, COALESCE(s.ended_at, s.counted_at), COALESCE(s.settled_microusd, s.amount_microusd), 0
FROM draws s WHERE s.position = 0 AND COALESCE(s.settled_microusd, s.amount_microusd) > 0
AND COALESCE(s.settled_microusd, s.amount_microusd) <= 1000000000000
AND (s.state = 'exposed' OR (s.state = 'settled' AND NOT EXISTS (
SELECT 1 FROM draws m WHERE m.job_id = s.job_id AND m.side = 'member' AND m.state = 'settled')));

-- When a waiting job expires, so that one which waits too long is found without reading every row's body.
ALTER TABLE jobs ADD COLUMN approve_by DOUBLE PRECISION;
