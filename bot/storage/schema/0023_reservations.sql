-- A hold for a job that does not exist yet: a film's later shot, the final version of a draft, a share of a video.
CREATE TABLE reservations (
    job_id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd >= 0 AND amount_microusd <= 1000000000000),
    expires_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX reservations_of_group ON reservations (group_id);
CREATE INDEX reservations_by_end ON reservations (expires_at);
CREATE INDEX reservations_of_member ON reservations (member_id);
