-- A film that was ordered, and one that its member is still writing. `body` is all of it as JSON.
CREATE TABLE films (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    is_open BIGINT NOT NULL,
    files_gone BIGINT NOT NULL DEFAULT 0,
    created_at DOUBLE PRECISION NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    body TEXT NOT NULL
);
CREATE INDEX films_open ON films (created_at) WHERE is_open = 1;
CREATE INDEX films_with_files ON films (created_at) WHERE is_open = 0 AND files_gone = 0;
CREATE INDEX films_of_member ON films (member_id, created_at);
CREATE INDEX films_in_guild ON films (guild_id);
CREATE INDEX films_by_message ON films (message_id);

CREATE TABLE film_drafts (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    input_bytes BIGINT NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX film_drafts_of_member ON film_drafts (member_id, updated_at);
CREATE INDEX film_drafts_in_guild ON film_drafts (guild_id);
CREATE INDEX film_drafts_by_age ON film_drafts (updated_at);
