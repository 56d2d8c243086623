-- Orders that Discord shows as under way and that are neither accepted nor refused yet.
CREATE TABLE acknowledgements (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    application_id BIGINT NOT NULL,
    token TEXT NOT NULL,
    shows TEXT NOT NULL CHECK (shows IN ('thinking', 'placeholder')),
    at DOUBLE PRECISION NOT NULL
);
