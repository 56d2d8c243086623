-- A mode's options under a name, of one member or (owner 0) of the whole server; `options` is JSON.
CREATE TABLE presets (
    guild_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    mode TEXT NOT NULL,
    options TEXT NOT NULL,
    shared BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, owner_id, name_key)
);
CREATE INDEX presets_of_owner ON presets (owner_id);
