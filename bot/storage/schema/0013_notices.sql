-- Short messages that tell somebody how a job stands: each is posted once, and not at all after its time.
CREATE TABLE notices (
    job_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('approval', 'ready', 'failed', 'declined', 'unapproved')),
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    is_announced INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at DOUBLE PRECISION,
    pinged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, kind)
);
CREATE INDEX notices_due ON notices (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notices_in_server ON notices (guild_id, at);
CREATE INDEX notices_of_member ON notices (member_id);

-- What members chose with /settings; an empty text is what the server, or else Wanda, has for everybody.
CREATE TABLE preferences (
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    pings TEXT NOT NULL CHECK (pings IN ('', 'channel', 'direct', 'never')),
    mode TEXT NOT NULL,
    resolution TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, member_id)
);
CREATE INDEX preferences_of_member ON preferences (member_id);
