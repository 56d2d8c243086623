-- Accepted prompts that are to be posted to the channel that a server's admins chose for them.
CREATE TABLE prompt_log (
    job_id TEXT NOT NULL PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX prompt_log_of_member ON prompt_log (member_id);
