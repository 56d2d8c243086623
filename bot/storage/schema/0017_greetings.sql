-- Servers that Wanda has greeted or is about to greet, once for ever.
CREATE TABLE greetings (
    guild_id BIGINT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    is_over INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX greetings_due ON greetings (at) WHERE is_over = 0;
