-- The pick among cheap drafts of one video, and the votes for them.
CREATE TABLE picks (
    set_id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    look_at DOUBLE PRECISION,
    body TEXT NOT NULL
);
CREATE INDEX picks_by_look ON picks (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX picks_of_member ON picks (member_id);
CREATE INDEX picks_of_server ON picks (guild_id);
CREATE TABLE votes (
    set_id TEXT NOT NULL,
    member_id BIGINT NOT NULL,
    guild_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (set_id, member_id)
);
CREATE INDEX votes_of_member ON votes (member_id);
CREATE INDEX votes_of_server ON votes (guild_id);
