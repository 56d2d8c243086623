-- The holds of a job that several members pay for, its maker's included; together they hold `quote_microusd`.
CREATE TABLE shares (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    quote_microusd BIGINT NOT NULL CHECK (quote_microusd >= 0 AND quote_microusd <= 1000000000000)
);
CREATE INDEX shares_of_job ON shares (job_id);
-- An order that waits until several members pay for it together; what they add are reservations of its group.
CREATE TABLE chip_ins (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    quote_microusd BIGINT NOT NULL CHECK (quote_microusd >= 0 AND quote_microusd <= 1000000000000),
    input_bytes BIGINT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    stale_at DOUBLE PRECISION,
    tries INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);
CREATE INDEX chip_ins_in_server ON chip_ins (guild_id, member_id);
CREATE INDEX chip_ins_by_end ON chip_ins (expires_at);
CREATE INDEX chip_ins_stale ON chip_ins (stale_at) WHERE stale_at IS NOT NULL;
