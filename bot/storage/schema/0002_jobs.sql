-- A job is one JSON document; the columns beside it are what it is looked up and counted by.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    told BIGINT NOT NULL,
    similar_to TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    render_s DOUBLE PRECISION,
    version BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX jobs_open ON jobs (created_at) WHERE told = 0;
CREATE INDEX jobs_alike ON jobs (similar_to, created_at) WHERE render_s IS NOT NULL;
CREATE INDEX jobs_by_member ON jobs (guild_id, member_id, created_at);
