-- A member's latest request for more money that an admin answers with a press; it is deleted once it has expired.
CREATE TABLE money_requests (
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd > 0 AND amount_microusd <= 1000000000000),
    channel_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    answered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (guild_id, member_id)
);
CREATE UNIQUE INDEX money_requests_id ON money_requests (id);
CREATE INDEX money_requests_of_member ON money_requests (member_id);
