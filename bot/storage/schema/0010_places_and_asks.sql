-- What the input files of a job take on disk, so that those of waiting jobs can be summed.
ALTER TABLE jobs ADD COLUMN input_bytes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX jobs_open_in_server ON jobs (guild_id) WHERE told = 0;

-- Members' own prices above which Wanda asks them first. They were among the server's rules, and used up their bound.
CREATE TABLE asks (
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    above_microusd BIGINT NOT NULL CHECK (above_microusd >= 0 AND above_microusd <= 1000000000000),
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, member_id)
);
CREATE INDEX asks_of_member ON asks (member_id);
-- An amount from before amounts were bounded becomes the largest there is, above which nothing is asked either.
INSERT INTO asks (guild_id, member_id, above_microusd, at)
SELECT guild_id, CAST(substr(subject, 8) AS BIGINT),
CASE WHEN length(value) > 13 OR CAST(value AS BIGINT) > 1000000000000 THEN 1000000000000 ELSE CAST(value AS BIGINT) END, at
FROM rules WHERE name = 'ask_above' AND subject LIKE 'member:%';
DELETE FROM rules WHERE name = 'ask_above';
