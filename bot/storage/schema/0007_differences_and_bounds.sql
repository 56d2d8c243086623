-- What was billed for a job above what it held. No budget pays it.
CREATE TABLE differences (
    job_id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    held_microusd BIGINT NOT NULL CHECK (held_microusd >= 0),
    billed_microusd BIGINT NOT NULL CHECK (billed_microusd > held_microusd AND billed_microusd <= 1000000000000),
    units TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX differences_by_time ON differences (at);
